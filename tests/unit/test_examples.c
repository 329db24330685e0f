/* test_examples.c -- labelled lines: what is read, what is refused, who goes where. */
#include "small_model.h"

static struct vocabulary *vocabulary;

static int open_all(void **state)
{
    if (scratch_open(state)) return -1;
    small_vocabulary(scratch_path("vocabulary.safetensors"), 0);
    return vocabulary_load(scratch_path("vocabulary.safetensors"), &vocabulary) !=
           FECIT_OK;
}

static int close_all(void **state)
{
    vocabulary_free(vocabulary);
    return scratch_close(state);
}

static enum fecit_status load(const char *text, const struct examples_options *options,
                              struct examples **e)
{
    const struct tokens_options tokens = {.fold_arabic = true};
    const char *paths[] = {scratch_path("labelled.jsonl")};

    scratch_write(paths[0], text, strlen(text));
    return examples_load(paths, 1, vocabulary, &tokens, options, e);
}

static void fields(void **state)
{
    const struct examples_options options = {0};
    struct examples *e = NULL;

    (void)state;
    assert_int_equal(
        load("{\"id\": 7, \"text\": \"the attack\", \"class\": \"asserted\", \"lang\": "
             "\"en\", \"doc\": \"a\", \"accused\": [{\"code\": \"XX\"}], \"more\": "
             "null}\n"
             "\n"
             "{\"text\": \"rain\", \"class\": \"none\"}\r\n"
             "{\"class\": \"denied\", \"text\": \"\"}",
             &options, &e),
        FECIT_OK);
    assert_int_equal(e->n, 3);
    assert_int_equal(e->bad, 0);
    assert_int_equal(e->items[0].label, FECIT_ASSERTED);
    assert_int_equal(e->items[0].count, 2);
    assert_string_equal(vocabulary->piece_bytes ? small_words[e->ids[0]] : "", "the");
    assert_string_equal(small_words[e->ids[1]], "attack");
    assert_string_equal(e->items[0].text, "the attack");
    assert_string_equal(e->languages[e->items[0].language], "en");
    assert_string_equal(e->languages[e->items[1].language], "und");
    assert_int_equal(e->items[1].begin, 2);
    assert_int_equal(e->items[2].count, 0);
    assert_int_equal(e->items[2].label, FECIT_DENIED);
    assert_int_equal(e->items[2].weight, 1);
    examples_free(e);
}

static void bad_lines_are_counted(void **state)
{
    const struct examples_options options = {0};
    struct examples *e = NULL;

    (void)state;
    assert_int_equal(load("{\"text\": \"rain\", \"class\": \"none\"}\n"
                          "{\"text\": \"rain fell\", \"class\": \"maybe\"}\n"
                          "{\"text\": \"goal\"}\n"
                          "{\"class\": \"none\"}\n"
                          "[1, 2\n"
                          "17\n"
                          "{\"text\": 5, \"class\": \"none\"}\n"
                          "{\"text\": \"coach\", \"p_class\": [0.5, 0.5, 0.5, 0]}\n"
                          "{\"text\": \"coach\", \"p_class\": [1, 0, 0]}\n"
                          "{\"text\": \"coach\", \"class\": \"none\", \"weight\": -1}\n"
                          "{\"text\": \"striker\", \"class\": \"hedged\"}\n",
                          &options, &e),
                     FECIT_OK);
    assert_int_equal(e->n, 2);
    assert_int_equal(e->bad, 9);
    assert_non_null(strstr(e->first_bad, "labelled.jsonl:2: "));
    assert_non_null(strstr(e->first_bad, "none, asserted, hedged, denied"));
    examples_free(e);
    e = NULL;
    assert_int_equal(load("no JSON\n", &options, &e), FECIT_E_INPUT);
    assert_null(e);
    assert_non_null(strstr(status_text(), "labelled.jsonl:1: not JSON"));
    assert_int_equal(load("", &options, &e), FECIT_E_INPUT);
    assert_null(e);
}

static void missing_file(void **state)
{
    const struct examples_options options = {0};
    const struct tokens_options tokens = {0};
    const char *path = "/nowhere/labelled.jsonl";
    struct examples *e = NULL;

    (void)state;
    assert_int_equal(examples_load(&path, 1, vocabulary, &tokens, &options, &e),
                     FECIT_E_INPUT);
    assert_null(e);
    assert_non_null(strstr(status_text(), path));
}

/* A teacher's row: the class is the likeliest one, and it never validates anything. */
static void soft_rows(void **state)
{
    const struct examples_options options = {.validation = 0.999, .seed = 3};
    struct examples *e = NULL;

    (void)state;
    assert_int_equal(load("{\"text\": \"the attack\", \"p_class\": [0.2, 0.1, 0.7, 0], "
                          "\"weight\": 0.5, \"doc\": \"a\"}\n"
                          "{\"text\": \"rain\", \"class\": \"none\", \"doc\": \"a\"}\n",
                          &options, &e),
                     FECIT_OK);
    assert_int_equal(e->n, 2);
    assert_true(e->items[0].soft);
    assert_false(e->items[1].soft);
    assert_int_equal(e->items[0].label, FECIT_HEDGED);
    assert_true(e->items[0].weight == 0.5f);
    assert_true(e->items[0].p[FECIT_HEDGED] == 0.7f);
    assert_true(e->items[1].p[FECIT_NONE] == 1);
    assert_int_equal(e->items[0].part, EXAMPLES_TRAIN);
    assert_int_equal(e->items[1].part, EXAMPLES_VALIDATION);
    examples_free(e);
}

/* All rows of a scenario, else of a document, stand on one side; the seed moves them. */
static void split_by_document(void **state)
{
    struct examples_options options = {.validation = 0.3, .seed = 1};
    struct examples *e = NULL, *other = NULL;
    struct bytes text = {0};
    size_t held = 0, moved = 0;

    (void)state;
    for (int i = 0; i < 2000; i++)
        assert_int_equal(bytes_print(&text,
                                     "{\"text\": \"rain %d\", \"class\": \"none\", "
                                     "\"doc\": \"d%d\"%s}\n",
                                     i, i / 2,
                                     i / 2 % 2 ? "" : ", \"scenario\": \"same\""),
                         FECIT_OK);
    assert_int_equal(bytes_print(&text, "%c", 0), FECIT_OK);
    assert_int_equal(load((const char *)text.data, &options, &e), FECIT_OK);
    for (size_t i = 0; i < e->n; i += 2) {
        assert_int_equal(e->items[i].part, e->items[i + 1].part);
        if (i % 4 == 0) assert_int_equal(e->items[i].part, e->items[0].part);
        held += i % 4 == 2 && e->items[i].part == EXAMPLES_VALIDATION;
    }
    assert_in_range(held, 110, 190); /* of 500 documents, .3 expected */
    options.seed = 2;
    assert_int_equal(load((const char *)text.data, &options, &other), FECIT_OK);
    for (size_t i = 0; i < e->n; i++)
        moved += e->items[i].part != other->items[i].part;
    assert_true(moved > 100);
    assert_string_equal(e->digest, other->digest);
    examples_free(e);
    examples_free(other);
    bytes_clear(&text);
}

static void named_split_and_language(void **state)
{
    const struct examples_options options = {.skip_language = "ar"};
    struct examples *e = NULL;

    (void)state;
    assert_int_equal(
        load("{\"text\": \"a\", \"class\": \"none\", \"split\": \"test\"}\n"
             "{\"text\": \"of\", \"class\": \"none\", \"split\": "
             "\"validation\"}\n"
             "{\"text\": \"on\", \"class\": \"none\", \"split\": \"train\"}\n"
             "{\"text\": \"is\", \"class\": \"none\", \"split\": \"train\", "
             "\"lang\": \"ar\"}\n"
             "{\"text\": \"to\", \"p_class\": [1, 0, 0, 0], \"lang\": "
             "\"ar\"}\n",
             &options, &e),
        FECIT_OK);
    assert_int_equal(e->n, 4); /* a teacher's row of that language is left out */
    assert_int_equal(e->items[0].part, EXAMPLES_TEST);
    assert_int_equal(e->items[1].part, EXAMPLES_VALIDATION);
    assert_int_equal(e->items[2].part, EXAMPLES_TRAIN);
    assert_int_equal(e->items[3].part, EXAMPLES_TEST);
    examples_free(e);
}

/* The first of two equal texts stays, whatever its class and part. */
static void repeats(void **state)
{
    const struct examples_options options = {0};
    struct examples *e = NULL;

    (void)state;
    assert_int_equal(load("{\"text\": \"rain\", \"class\": \"none\", \"split\": "
                          "\"validation\"}\n"
                          "{\"text\": \"rain\", \"class\": \"asserted\", \"split\": "
                          "\"train\"}\n"
                          "{\"text\": \"rain \", \"class\": \"none\"}\n",
                          &options, &e),
                     FECIT_OK);
    assert_int_equal(e->repeated, 1);
    assert_int_equal(e->n, 2);
    assert_int_equal(e->items[0].part, EXAMPLES_VALIDATION);
    examples_free(e);
}

/* Any allocation may fail; nothing leaks (with the sanitizers) and the reason is kept. */
static void out_of_memory(void **state)
{
    const struct examples_options options = {0};
    enum fecit_status st = FECIT_E_MEMORY;
    struct examples *e = NULL;

    (void)state;
    for (long n = 1; st != FECIT_OK; n++) {
        mem_fail_at(n);
        st =
            load("{\"text\": \"the attack\", \"class\": \"asserted\"}\n", &options, &e);
        if (st != FECIT_OK) assert_int_equal(st, FECIT_E_MEMORY);
        assert_true(n < 1000);
    }
    mem_fail_at(0);
    examples_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),
        cmocka_unit_test(bad_lines_are_counted),
        cmocka_unit_test(missing_file),
        cmocka_unit_test(soft_rows),
        cmocka_unit_test(split_by_document),
        cmocka_unit_test(named_split_and_language),
        cmocka_unit_test(repeats),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests_name("examples", tests, open_all, close_all);
}

/* test_json.c -- values out of JSON in any state; no document, however odd, does harm. */
#include "base/json.h"
#include "scratch.h"

static struct json_reader *reader;

static int set_up(void **state)
{
    (void)state;
    return json_reader_new(&reader) == FECIT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    json_reader_free(reader);
    json_reader_free(NULL);
    return 0;
}

static struct json parsed(const char *text)
{
    struct json root = {{0}};
    /* Exactly as many bytes as the text has, so that a read beyond them is noticed. */
    char *exact = malloc(strlen(text) + 1);

    memcpy(exact, text, strlen(text));
    assert_int_equal(json_parse(reader, exact, strlen(text), &root, NULL), FECIT_OK);
    free(exact);
    return root;
}

static void test_kinds(void **state)
{
    const struct json root =
        parsed("[null, true, -3, 18446744073709551615, 1.5e3, \"t\", [], {}]");
    static const enum json_kind kinds[] = {JSON_NULL,   JSON_BOOL,   JSON_NUMBER,
                                           JSON_NUMBER, JSON_NUMBER, JSON_TEXT,
                                           JSON_LIST,   JSON_MAP};
    struct json item;
    const char *text;
    size_t size;
    double number = 0;
    bool truth = false;

    (void)state;
    assert_int_equal(json_kind(root), JSON_LIST);
    assert_int_equal(json_count(root), 8);
    for (size_t i = 0; i < 8; i++) {
        assert_true(json_item(root, i, &item));
        assert_int_equal(json_kind(item), kinds[i]);
        assert_int_equal(json_number(item, &number), kinds[i] == JSON_NUMBER);
        assert_int_equal(json_text(item, &text, &size), kinds[i] == JSON_TEXT);
        assert_int_equal(json_bool(item, &truth), kinds[i] == JSON_BOOL);
        assert_int_equal(json_count(item), 0);
    }
    assert_false(json_item(root, 8, &item));
    assert_true(truth);
    assert_true(number == 1500);
    assert_false(json_get(root, "x", &item)); /* not a map */
    assert_false(json_member(root, 0, &text, &size, &item));
}

static void test_paths(void **state)
{
    const struct json root =
        parsed("{\"a\":{\"b\":{\"c\":1}}, \"a.b\":2, \"\":3, \"a\":4, \"d\":[5]}");
    struct json found;
    const char *key;
    size_t size;
    double n;

    (void)state;
#define IS(path, value)                                                                \
    (json_get(root, path, &found) && json_number(found, &n) && n == (value))
    assert_true(IS("a.b.c", 1));
    assert_true(IS("a.b", 2)); /* the whole key first */
    assert_true(IS("", 3));
    assert_false(json_get(root, "a.b.c.d", &found));
    assert_false(json_get(root, "a..c", &found));
    assert_false(json_get(root, ".", &found));
    assert_false(json_get(root, "d.0", &found));
    assert_int_equal(json_count(root), 5);
    assert_true(json_member(root, 4, &key, &size, &found));
    assert_int_equal(size, 1);
    assert_memory_equal(key, "d", 1);
    assert_false(json_member(root, 5, &key, &size, &found));
}

static void copies(const char *text, const char *want)
{
    struct json item;
    char *copy = (char *)text;

    assert_true(json_item(parsed(text), 0, &item));
    assert_int_equal(json_copy(item, &copy), FECIT_OK);
    if (want)
        assert_string_equal(copy, want);
    else
        assert_null(copy);
    mem_free(copy);
}

static void test_copy(void **state)
{
    (void)state;
    copies("[\"quay \\u00e9\\ud83d\\ude42\\n\"]", "quay é🙂\n");
    copies("[\"a\\u0000b\"]",
           "a\xEF\xBF\xBD"
           "b"); /* not cut at the NUL */
    copies("[\"\"]", "");
    copies("[17]", "17");
    copies("[-9223372036854775808]", "-9223372036854775808");
    copies("[18446744073709551615]", "18446744073709551615");
    copies("[0.25]", "0.25");
    copies("[true]", "true");
    copies("[false]", "false");
    copies("[null]", NULL);
    copies("[[1]]", NULL);
    copies("[{}]", NULL);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        bool utf8;
    } cases[] = {
        {"", false},
        {"  \n", false},
        {"{", false},
        {"{} {}", false},
        {"{\"a\"}", false},
        {"[1,]", false},
        {"nul", false},
        {"\"open", false},
        {"\"tab\there\"", false},
        {"\"\\ud83d\"", false},
        {"\"\\udc00\"", false},
        {"\"\\x\"", false},
        {"1e999", false},
        {"01", false},
        {"\xEF\xBB\xBF{}", false},
        {"\"\xED\xA0\x80\"", true},
        {"\"\xFF\"", true},
        {"{\"k\":\"cut \xE6\xB0\"}", true},
        {"\"\xC0\xAF\"", true},
    };
    struct json root;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool bad_utf8 = !cases[i].utf8;
        assert_int_equal(
            json_parse(reader, cases[i].text, strlen(cases[i].text), &root, &bad_utf8),
            FECIT_E_INPUT);
        assert_int_equal(bad_utf8, cases[i].utf8);
        assert_true(strlen(status_text()) > 0);
    }
    parsed("{}"); /* the reader is as good as before */
}

static void test_deep_and_large(void **state)
{
    enum { N = 20 << 20 };
    char *text = malloc(N + 2);
    struct json root;
    const char *value;
    size_t size;

    (void)state;
    memset(text, '[', 100000);
    assert_int_equal(json_parse(reader, text, 100000, &root, NULL), FECIT_E_INPUT);
    memset(text, 'a', N + 2);
    text[0] = text[N + 1] = '"';
    for (int round = 0; round < 2; round++) { /* a large one, a small one, again */
        assert_int_equal(json_parse(reader, text, N + 2, &root, NULL), FECIT_OK);
        assert_true(json_text(root, &value, &size));
        assert_int_equal(size, N);
        root = parsed("\"small\"");
        assert_true(json_text(root, &value, &size));
        assert_int_equal(size, 5);
    }
    free(text);
}

static void test_utf8_check(void **state)
{
    (void)state;
    assert_true(json_utf8_check("", 0));
    assert_true(json_utf8_check("Пристань 港 🙂",
                                strlen("Пристань 港 🙂")));
    assert_false(json_utf8_check("\xED\xA0\x80", 3));
    assert_false(json_utf8_check("a\xE6\xB0", 3));
}

/* Damaged documents parse or are refused; all that parses can be walked. */
static void walk(struct json j, int depth)
{
    struct json item;
    const char *key;
    size_t size;
    char *copy;

    assert_int_equal(json_copy(j, &copy), FECIT_OK);
    mem_free(copy);
    for (size_t i = 0; depth < 5 && i < json_count(j); i++)
        if (json_item(j, i, &item) || json_member(j, i, &key, &size, &item))
            walk(item, depth + 1);
}

static void test_damage(void **state)
{
    static const char whole[] =
        "{\"id\":\"q-7\",\"list\":[1,2.5,-3,null,true],\"text\":\"Der Kai ist "
        "frei\\u00e4\\n.\",\"map\":{\"k\":{\"v\":[]}},\"x\":\"\xE6\xB0\xB4\"}";
    uint64_t random = 11;
    size_t good = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        uint8_t text[sizeof whole];
        size_t size = sizeof whole - 1;
        struct json root;
        memcpy(text, whole, size);
        scratch_damage(text, &size, &random);
        if (json_parse(reader, (char *)text, size, &root, NULL) != FECIT_OK) continue;
        walk(root, 0);
        good++;
    }
    assert_true(good > 100);
}

static void test_out_of_memory(void **state)
{
    struct json_reader *r = NULL;
    struct json root, item;
    char *copy;

    (void)state;
    mem_fail_at(1);
    assert_int_equal(json_reader_new(&r), FECIT_E_MEMORY);
    assert_null(r);
    assert_int_equal(json_reader_new(&r), FECIT_OK);
    mem_fail_at(1);
    assert_int_equal(json_parse(r, "[1]", 3, &root, NULL), FECIT_E_MEMORY);
    assert_int_equal(json_parse(r, "[1]", 3, &root, NULL), FECIT_OK);
    assert_true(json_item(root, 0, &item));
    mem_fail_at(1);
    assert_int_equal(json_copy(item, &copy), FECIT_E_MEMORY);
    assert_null(copy);
    json_reader_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),          cmocka_unit_test(test_paths),
        cmocka_unit_test(test_copy),           cmocka_unit_test(test_refused),
        cmocka_unit_test(test_deep_and_large), cmocka_unit_test(test_utf8_check),
        cmocka_unit_test(test_damage),         cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* test_golden.c -- the shipped reader against PyTorch: 500 own sentences of twenty languages,
 * 17 logits and the mean of each tag's logits (tests/golden/reader.jsonl, written by
 * models/ship.py golden from the same rounded weights). */
#include "base/disk.h"
#include "base/json.h"
#include "check.h"
#include "engine.h"

enum { MOST_ROWS = 1000 };

static struct engine engine;
static float want[MOST_ROWS][READING_HEADS + READING_TAGS];

static int set_up(void **state)
{
    (void)state;
    if (engine_open(&engine, "models", NULL) == FECIT_OK) return 0;
    fprintf(stderr, "# %s\n", status_text());
    return -1;
}

static int tear_down(void **state)
{
    (void)state;
    engine_close(&engine);
    return 0;
}

static void numbers_read(struct json row, const char *key, uint32_t n, float *to)
{
    struct json list, number;
    double x;

    assert_true(json_get(row, key, &list));
    for (uint32_t i = 0; i < n; i++) {
        assert_true(json_item(list, i, &number) && json_number(number, &x));
        to[i] = (float)x;
    }
}

/* All rows of the file into `in`, their numbers into want. */
static void rows_read(struct reading *in)
{
    struct json_reader *reader = NULL;
    struct tokens *tokens = NULL;
    struct token_list list = {0};
    struct disk_map map = {0};
    struct json row, value;
    const char *line, *text;
    size_t size, at = 0;

    CHECK(json_reader_new(&reader));
    CHECK(tokens_new(engine.model->vocabulary, &engine.model->tokens, &tokens));
    CHECK(disk_map("tests/golden/reader.jsonl", FECIT_E_INPUT, &map));
    while (disk_line(&map, &at, &line, &size)) {
        CHECK(json_parse(reader, line, size, &row, NULL));
        assert_true(json_get(row, "text", &value) && json_text(value, &text, &size));
        list.count = 0;
        CHECK(tokens_push(tokens, text, size, &list, NULL));
        numbers_read(row, "logits", READING_HEADS, want[in->n_spans]);
        numbers_read(row, "tags", READING_TAGS, want[in->n_spans] + READING_HEADS);
        assert_true(reading_push(in, list.ids, (uint32_t)list.count));
    }
    disk_unmap(&map);
    token_list_clear(&list);
    tokens_free(tokens);
    json_reader_free(reader);
}

static void test_pytorch(void **state)
{
    (void)state;
    const struct model_reader *m = &engine.model->reader;
    const double tolerance = device_about(engine.device)->gpu ? 2e-2 : 1e-3; /* halfs */
    struct reading *in = NULL;

    assert_true(m->there);
    CHECK(reading_new(MOST_ROWS, MOST_ROWS * 128, m->weights.bos, m->weights.eos, &in));
    rows_read(in);
    assert_true(in->n_spans >= 500);
    CHECK(reader_run(engine.reader, in));
    CHECK(reader_wait(engine.reader, in));
    for (uint32_t s = 0; s < in->n_spans; s++) {
        const struct shared_span span = in->spans[s];
        float mean[READING_TAGS] = {0};
        char name[32];
        for (uint32_t i = 1; i + 1 < span.count; i++)
            for (int k = 0; k < READING_TAGS; k++)
                mean[k] +=
                    in->tags[(size_t)(span.begin + i) * READING_TAGS + (size_t)k] /
                    (float)(span.count - 2);
        snprintf(name, sizeof name, "sentence %u", s + 1);
        check_case = name;
        check_near("logits", in->heads + (size_t)s * READING_HEADS, want[s],
                   READING_HEADS, tolerance);
        check_near("tags", mean, want[s] + READING_HEADS, READING_TAGS, tolerance);
    }
    check_case = "";
    reading_free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pytorch)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

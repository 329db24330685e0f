/* test_truth.c -- what a labelled row says beyond its class, and how verdicts are held
 * against it. */
#include "scratch.h"
#include "train/truth.h"

static struct json_reader *reader;

static struct truth read_row(const char *json, const char *text)
{
    struct truth t;
    struct json row;

    assert_int_equal(json_parse(reader, json, strlen(json), &row, NULL), FECIT_OK);
    assert_int_equal(truth_read(row, text, strlen(text), &t), FECIT_OK);
    return t;
}

#define WHO(accused, rest)                                                             \
    "{\"accused\": [" accused                                                          \
    "], \"accuser\": [], \"victim\": [], \"groups\": []" rest "}"

static void rows(void **state)
{
    struct truth t = read_row(
        WHO("{\"code\": \"FR\", \"start\": 2, \"end\": 5}, {\"code\": \"DE\"}",
            ", \"act\": \"covert\", \"tie\": \"group\", \"pair\": \"x1\""),
        "\xc3\xa9 \xe4\xb8\xad\xf0\x9f\x99\x82z!"); /* two, one, three, four bytes ... */

    (void)state;
    assert_true(t.roles && t.n_spans == 1); /* without a place: left out */
    assert_int_equal(t.spans[0].start, 3);
    assert_int_equal(t.spans[0].end, 11);
    assert_int_equal(t.spans[0].role, VERDICT_ACCUSED);
    assert_string_equal(verdict_act_name(t.act), "covert");
    assert_string_equal(verdict_tie_name(t.tie), "group");
    assert_true(t.pair != 0);
    truth_clear(&t);
    t = read_row(WHO("{\"start\": 2, \"end\": 4}", ""), "abc"); /* beyond the text */
    assert_false(t.roles);
    assert_int_equal(t.act, TRUTH_UNKNOWN);
    assert_true(t.pair == 0);
    truth_clear(&t);
    t = read_row(WHO("\"RU\"", ", \"act\": null"), "abc"); /* codes only */
    assert_false(t.roles);
    truth_clear(&t);
    t = read_row("{\"act\": \"war\"}", "abc");
    assert_false(t.roles);
    assert_int_equal(t.act, TRUTH_UNKNOWN);
    truth_clear(&t);
}

static void spans(void **state)
{
    struct verdict_span true_spans[] = {
        {VERDICT_ACCUSED, 0, 4}, {VERDICT_ACCUSED, 10, 14}, {VERDICT_VICTIM, 20, 24}};
    const struct truth t = {.roles = true, .spans = true_spans, .n_spans = 3};
    const struct verdict v = {.n_spans = 3,
                              .spans = {{VERDICT_ACCUSED, 0, 4},     /* exact */
                                        {VERDICT_ACCUSED, 12, 18},   /* touches */
                                        {VERDICT_ACCUSED, 20, 24}}}; /* another role */
    struct truth_score s = {0};

    (void)state;
    truth_count(&t, &v, VERDICT_ACCUSED, &s);
    assert_int_equal(s.truth, 2);
    assert_int_equal(s.said, 3);
    assert_int_equal(s.exact, 1);
    assert_int_equal(s.truth_met, 2);
    assert_int_equal(s.said_met, 2);
    assert_true(truth_exact_f1(&s) == 2.0 / 5);
    assert_true(truth_touching_f1(&s) > 0.7999 && truth_touching_f1(&s) < 0.8001);
    s = (struct truth_score){0};
    assert_true(truth_exact_f1(&s) == 0 && truth_touching_f1(&s) == 0);
}

static void pairs(void **state)
{
    static const uint64_t names[] = {7, 0, 9, 7, 9, 11, 13, 13, 15, 15};
    static const uint32_t labels[] = {1, 0, 0, 1, 2, 1, 3, 3, 0, 1};
    static const uint32_t said[] = {1, 1, 0, 2, 1, 0, 0, 0, 0, 0};
    struct truth_pairs p;

    (void)state;
    assert_int_equal(truth_pairs_count(names, labels, said, 10, &p), FECIT_OK);
    assert_int_equal(p.same, 2);    /* 7 and 13; 11 stands alone */
    assert_int_equal(p.flipped, 1); /* 7 */
    assert_int_equal(p.mixed, 2);   /* 9 and 15 */
    assert_int_equal(p.right, 1);   /* 9: a statement of another kind is one */
    assert_int_equal(truth_pairs_count(names, labels, said, 0, &p), FECIT_OK);
    assert_int_equal(p.same + p.mixed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),
        cmocka_unit_test(spans),
        cmocka_unit_test(pairs),
    };
    int bad;

    if (json_reader_new(&reader) != FECIT_OK) return 1;
    bad = cmocka_run_group_tests_name("truth", tests, NULL, NULL);
    json_reader_free(reader);
    return bad;
}

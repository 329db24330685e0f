/* test_cascade.c -- a model of both stages: refused when anything in it is wrong, and used as
 * it says: what the sieve lets through is read, the rest is not, rows keep their order. */
#include "window.h"
#include "small_cascade.h"

#include <math.h>

static void refused(const char *text)
{
    struct model *m = NULL;

    assert_int_equal(model_load(scratch_path("spoilt"), &m), FECIT_E_MODEL);
    if (!strstr(status_text(), text)) fail_msg("'%s' lacks '%s'", status_text(), text);
}

static void wrong_tensors(void **state)
{
    static const char *const names[] = {
        "reader.positions",          "reader.norm.weight",
        "reader.layers.0.qkv.scale", "reader.layers.0.qkv.bias",
        "reader.layers.0.up.weight", "reader.layers.0.down.weight",
        "reader.heads.weight",       "reader.tags.bias",
        "reader.layers.0.norm.bias", "reader.layers.0.attention_norm.weight",
        "middle.projection.bias",    "middle.norm.weight",
        "middle.layers.0.up.scale",  "middle.heads.weight"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct cascade_file f;
        struct tensor *t;
        cascade_begin(&f, "good/attribution.safetensors");
        cascade_note(&f, "reader_known_answers", CASCADE_NO_ANSWER);
        cascade_middle(&f);
        t = cascade_tensor(&f, names[i]);
        if (t->type == TENSOR_F32 || t->type == TENSOR_F16) { /* no number in it */
            void *copy = malloc(t->size), *old = (void *)t->data;
            memcpy(copy, old, t->size);
            if (t->type == TENSOR_F32)
                ((float *)copy)[3] = NAN;
            else
                ((uint16_t *)copy)[3] = 0x7C00;
            t->data = copy;
            cascade_save(&f, "spoilt");
            refused(names[i]);
            t->data = old;
            free(copy);
        }
        t->shape[0] -= 1; /* a row less */
        t->size -= t->size / (t->shape[0] + 1);
        cascade_save(&f, "spoilt");
        refused(names[i]);
        t->name = "reader.other"; /* not there */
        cascade_save(&f, "spoilt");
        refused(names[i]);
        cascade_clear(&f);
    }
}

static void wrong_notes(void **state)
{
    static const struct note notes[] = {
        {"reader_threshold", "2"},
        {"reader_calibration", "{}"},
        {"reader_calibration", "{\"ar\": [1, 0]}"}, /* all others must come first */
        {"reader_calibration", "{\"\": [0, 0]}"},
        {"reader_calibration", "{\"\": [1]}"},
        {"reader_calibration", "no JSON"},
        {"cascade", "{\"\": [[0.9, 0.1]]}"},
        {"cascade", "{\"ar\": [[0.9, 0.1, 0.1]]}"},
        {"cascade", "{\"\": [[0.5, 0.6, 0.1], [0.9, 0.1, 0.5]]}"}, /* recall rises */
        {"cascade", "[]"},
        {"cascade", "{\"\": [[0.9, 5, 0.1]]}"},
        {"middle_cascade", "{\"\": [[0.9, 0.1]]}"},
        {"middle_cascade", "7"},
        {"middle_cascade", NULL},
        {"middle_cascade", "{\"\": [[0.9, 0.1, 0.1]]}"}, /* other recalls */
        {"reader_known_answers", "{\"tolerance\": 0.01, \"answers\": {\"x\": 1}}"},
        {"middle_known_answers", NULL},
        {"reader_known_answers", "{\"tolerance\": 0.01, \"answers\": []}"},
        {"reader_known_answers",
         "{\"tolerance\": 9, \"answers\": [{\"text\": \"a\", \"logits\": [1, 0, 0, "
         "0]}]}"},
        {"reader_known_answers",
         "{\"tolerance\": 0.01, \"answers\": [{\"text\": \"a\", \"logits\": [1, 0]}]}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        struct cascade_file f;
        cascade_begin(&f, "good/attribution.safetensors");
        cascade_note(&f, "reader_known_answers", CASCADE_NO_ANSWER);
        cascade_middle(&f);
        cascade_note(&f, notes[i].key, notes[i].value);
        cascade_save(&f, "spoilt");
        refused(notes[i].key);
        cascade_clear(&f);
    }
}

/* A reader whose known answers are others is refused by the device's check. */
static void wrong_answer(void **state)
{
    struct cascade_file f;
    struct engine e = {0};

    (void)state;
    cascade_begin(&f, "good/attribution.safetensors");
    cascade_note(
        &f, "reader_known_answers",
        "{\"tolerance\": 0.02, \"answers\": [{\"text\": \"rain\", \"logits\": [50, 0, "
        "0, 0]}]}");
    cascade_save(&f, "spoilt");
    assert_int_equal(engine_open(&e, scratch_path("spoilt"), NULL), FECIT_E_DEVICE);
    assert_non_null(strstr(status_text(), "reader, known answer 1"));
    cascade_clear(&f);
}

static const uint32_t sentence[] = {21, 4, 5, 22, 7, 8}; /* words of small_model.h */

/* n sentences of 1 to 6 pieces through a window; the verdicts [n]. */
static void run(struct engine *e, const struct cascade_options *o, const char *lang,
                uint32_t n, struct verdict *out, bool *by_reader)
{
    struct cascade *c = NULL;
    struct window *w = NULL;
    uint32_t done = 0;

    if (cascade_open(e, o, &c) != FECIT_OK) fail_msg("%s", status_text());
    assert_int_equal(window_new(c, &w), FECIT_OK);
    for (uint32_t i = 0; i <= n; i++) {
        if (i < n && window_push(w, lang, sentence, 1 + i % 6)) continue;
        assert_int_equal(window_launch(w), FECIT_OK);
        assert_int_equal(window_wait(w), FECIT_OK);
        for (uint32_t k = 0; k < window_count(w); k++, done++)
            assert_int_equal(window_verdict(w, k, "the minister blamed a northern", 30,
                                            &out[done], &by_reader[done]),
                             FECIT_OK);
        window_clear(w);
        if (i < n) assert_true(window_push(w, lang, sentence, 1 + i % 6));
    }
    assert_int_equal(done, n);
    window_free(w);
    cascade_close(c);
}

static void stages(void **state)
{
    enum { N = 100 };
    struct engine e = {0};
    struct verdict all[N], passed[N], small[N];
    bool by_reader[N], by_reader_too[N];
    const struct cascade_options everything = {.no_sieve = true};
    struct cascade *c = NULL;
    uint32_t n_read = 0;

    (void)state;
    if (engine_open(&e, scratch_path("both"), NULL) != FECIT_OK)
        fail_msg("%s", status_text());
    run(&e, &everything, "en", N, all, by_reader);
    for (int i = 0; i < N; i++) { /* too short for anybody: under four pieces */
        assert_int_equal(by_reader[i], 1 + i % 6 >= ENGINE_LEAST);
        if (!by_reader[i]) assert_true(all[i].label == FECIT_NONE && all[i].p == 0);
        if (all[i].label != FECIT_NONE) assert_true(all[i].act && all[i].tie);
        if (all[i].label == FECIT_NONE) assert_int_equal(all[i].n_spans, 0);
    }
    /* What is read gets the same bits in windows of another size, with or without the sieve;
     * what is not read is none. */
    run(&e, &(struct cascade_options){.recall = 0.5, .window = 7}, "en", N, small,
        by_reader);
    run(&e, &(struct cascade_options){.recall = 0.5}, "en", N, passed, by_reader_too);
    for (int i = 0; i < N; i++) {
        assert_int_equal(by_reader[i], by_reader_too[i]);
        assert_memory_equal(small[i].p_class, passed[i].p_class,
                            sizeof small[i].p_class);
        if (by_reader[i])
            assert_memory_equal(small[i].p_class, all[i].p_class,
                                sizeof all[i].p_class);
        else
            assert_int_equal(small[i].label, FECIT_NONE);
        n_read += by_reader[i];
    }
    assert_true(n_read < N / 2);
    /* xx has a curve of its own that lets everything through. */
    run(&e, &(struct cascade_options){0}, "xx", N, passed, by_reader);
    for (int i = 0; i < N; i++)
        assert_int_equal(by_reader[i], 1 + i % 6 >= ENGINE_LEAST);
    /* ... but reaches only .99. */
    assert_int_equal(cascade_open(&e, &(struct cascade_options){.recall = 0.995}, &c),
                     FECIT_E_USAGE);
    engine_close(&e);
}

/* With an encoder in the middle: it lets through what its curve says of its own p, whatever the
 * window, and what is read gets the same bits. */
static void three_stages(void **state)
{
    enum { N = 100 };
    struct engine e = {0};
    struct verdict all[N], passed[N];
    bool by_reader[N], by_reader_too[N];
    struct reading *in = NULL;
    uint32_t n_read = 0, n_sieved = 0;
    float pass[2];

    (void)state;
    if (engine_open(&e, scratch_path("three"), NULL) != FECIT_OK)
        fail_msg("%s", status_text());
    assert_non_null(e.middle);
    run(&e, &(struct cascade_options){.no_sieve = true}, "xx", N, all, by_reader);
    /* xx: the sieve lets all through; the middle's threshold becomes its p of five pieces. */
    assert_int_equal(cascade_pass(&e.model->reader, "xx", 0.5, pass), FECIT_OK);
    assert_true(pass[0] == 0 && pass[1] > 0.98f);
    assert_int_equal(reading_new(6, 60, 0, 2, &in), FECIT_OK);
    for (uint32_t i = 0; i < 6; i++)
        reading_push(in, sentence, 1 + i);
    assert_int_equal(reader_run_cpu(&e.model->reader.middle, in), FECIT_OK);
    e.model->reader.after_middle.steps[1].curve.points[0].threshold =
        cascade_middle_p(in->heads + 4 * READING_HEADS) - 1e-3f;
    run(&e, &(struct cascade_options){.recall = 0.5, .window = 7}, "xx", N, passed,
        by_reader_too);
    run(&e, &(struct cascade_options){.recall = 0.5}, "xx", N, passed, by_reader);
    assert_int_equal(cascade_pass(&e.model->reader, "xx", 0.5, pass), FECIT_OK);
    for (uint32_t i = 0; i < N; i++) {
        const uint32_t n = 1 + i % 6;
        const float p = cascade_middle_p(in->heads + (n - 1) * READING_HEADS);
        assert_int_equal(by_reader[i], by_reader_too[i]);
        assert_int_equal(by_reader[i], n >= ENGINE_LEAST && p >= pass[1]);
        n_read += by_reader[i];
        n_sieved += n >= ENGINE_LEAST;
        if (by_reader[i])
            assert_memory_equal(passed[i].p_class, all[i].p_class,
                                sizeof all[i].p_class);
        else
            assert_int_equal(passed[i].label, FECIT_NONE);
    }
    assert_true(n_read > 0 && n_read < n_sieved);
    reading_free(in);
    engine_close(&e);
}

static void one_stage(void **state)
{
    struct engine e = {0};
    struct cascade *c = NULL;
    struct verdict v[12];
    bool by_reader[12];

    (void)state;
    if (engine_open(&e, scratch_path("good"), NULL) != FECIT_OK)
        fail_msg("%s", status_text());
    assert_int_equal(cascade_open(&e, &(struct cascade_options){.no_sieve = true}, &c),
                     FECIT_E_USAGE);
    assert_non_null(strstr(status_text(), "reader"));
    run(&e, &(struct cascade_options){0}, "en", 12, v, by_reader);
    for (int i = 0; i < 12; i++)
        assert_true(!by_reader[i] && !v[i].act && v[i].n_spans == 0);
    engine_close(&e);
}

/* Calibration, threshold, spans: numbers put in, verdicts looked at. */
static void verdicts(void **state)
{
    static const char text[] =
        "the minister blamed northern hackers"; /* a word a piece */
    const struct model_calibration c = {"", 2, 1};
    float heads[READING_HEADS] = {0,
                                  2,
                                  1,
                                  0,
                                  /* acts */ 0,
                                  1,
                                  0,
                                  0,
                                  0,
                                  0,
                                  0,
                                  /* ties */ 0,
                                  0,
                                  0,
                                  3,
                                  0,
                                  0};
    float tags[7][READING_TAGS] = {{0}};
    struct verdict_tools t = {0};
    struct model *m = NULL;
    struct verdict v;

    (void)state;
    assert_int_equal(model_load(scratch_path("both"), &m), FECIT_OK);
    assert_int_equal(verdict_tools_init(&t, m), FECIT_OK);
    verdict_class(&c, heads, 0.7f, &v); /* logits 1, 1, .5, 0 */
    assert_true(fabsf(v.p - 1 / (1 + expf(1) / (expf(1) + expf(.5f) + 1))) < 1e-6f);
    assert_int_equal(v.label, FECIT_NONE);
    assert_int_equal(verdict_roles(&t, text, strlen(text), heads, tags[0], 7, &v),
                     FECIT_OK);
    assert_true(!v.act && v.n_spans == 0);
    verdict_class(&c, heads, 0.6f, &v);
    assert_int_equal(v.label, FECIT_ASSERTED);
    for (int i = 0; i < 7; i++)
        for (int role = 0; role < READING_ROLES; role++)
            tags[i][3 * role] = 1; /* outside */
    tags[2][3 * VERDICT_ACCUSER + 1] =
        2; /* "minister" begins (piece 1; 0 is the mark) */
    tags[4][3 * VERDICT_ACCUSED + 2] =
        2; /* "northern" goes on with nothing: a beginning */
    tags[5][3 * VERDICT_ACCUSED + 2] = 2;
    tags[5][3 * VERDICT_GROUP + 1] = 2; /* "hackers", on the same words */
    assert_int_equal(verdict_roles(&t, text, strlen(text), heads, tags[0], 7, &v),
                     FECIT_OK);
    assert_string_equal(v.act, "information");
    assert_string_equal(v.tie, "linked");
    assert_int_equal(v.n_spans, 3);
    assert_true(v.spans[0].role == VERDICT_ACCUSED && v.spans[0].start == 20 &&
                v.spans[0].end == 36);
    assert_true(v.spans[1].role == VERDICT_ACCUSER && v.spans[1].start == 4 &&
                v.spans[1].end == 12);
    assert_true(v.spans[2].role == VERDICT_GROUP && v.spans[2].start == 29);
    tags[5][3 * VERDICT_ACCUSED + 1] = 3; /* "hackers" begins one of its own */
    verdict_class(&c, heads, 0.6f, &v);
    assert_int_equal(verdict_roles(&t, text, strlen(text), heads, tags[0], 7, &v),
                     FECIT_OK);
    assert_int_equal(v.n_spans, 4);
    assert_true(v.spans[0].end == 28 && v.spans[1].start == 29);
    verdict_tools_clear(&t);
    model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_tensors), cmocka_unit_test(wrong_notes),
        cmocka_unit_test(wrong_answer),  cmocka_unit_test(stages),
        cmocka_unit_test(three_stages),  cmocka_unit_test(one_stage),
        cmocka_unit_test(verdicts),
    };

    return cmocka_run_group_tests_name("cascade", tests, small_cascade, scratch_close);
}

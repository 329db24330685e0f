/* test_train.c -- the whole road from labelled lines to a model file, on the device that is
 * there. */
#include "small_model.h"
#include "engine.h"

#include <math.h>

static int open_all(void **state)
{
    if (scratch_open(state)) return -1;
    small_vocabulary(scratch_path("vocabulary.safetensors"), 0);
    small_examples(scratch_path("labelled.jsonl"), 600);
    return 0;
}

/* What the callback saw. */
struct seen {
    uint32_t epochs, last_kept, stop_after;
    double first_loss, last_loss;
};

static int on_epoch(void *self, const struct train_epoch *e)
{
    struct seen *s = self;

    s->epochs++;
    if (s->epochs == 1) s->first_loss = e->loss;
    s->last_loss = e->loss;
    if (e->kept) s->last_kept = e->epoch;
    return s->epochs == s->stop_after;
}

static void run(const struct train_options *o, struct train_result *r,
                struct seen *seen)
{
    const struct train_report report = {on_epoch, seen};

    if (train_run(o, &report, r) != FECIT_OK) fail_msg("%s", status_text());
}

static void learns(void **state)
{
    const char *paths[] = {scratch_path("labelled.jsonl")};
    struct train_options o = small_options(paths);
    static struct train_result r;
    struct seen seen = {0};

    (void)state;
    run(&o, &r, &seen);
    assert_int_equal(r.n[EXAMPLES_TRAIN] + r.n[EXAMPLES_VALIDATION], 600);
    assert_true(r.n[EXAMPLES_VALIDATION] > 100);
    assert_true(seen.last_loss < 0.5 * seen.first_loss);
    assert_true(r.validation.f1 > 0.95);
    assert_true(r.validation.macro_f1 > 0.9);
    assert_true(r.validation.auc > 0.98);
    assert_int_equal(r.kept_epoch, seen.last_kept);
    assert_int_equal(r.n_languages, 2);
    assert_int_equal(r.languages[0].validation.n + r.languages[1].validation.n,
                     r.n[EXAMPLES_VALIDATION]);
}

/* Each part of the sieve can learn on its own. */
static void every_shape_learns(void **state)
{
    static const struct net_shape shapes[] = {
        {true, false, 16, 0, 0},  {false, true, 16, 0, 0}, {false, false, 16, 1, 0},
        {true, false, 32, 0, 8},  {false, true, 16, 0, 4}, {true, true, 16, 3, 16},
        {false, false, 48, 2, 8},
    };
    const char *paths[] = {scratch_path("labelled.jsonl")};
    static struct train_result r;

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct train_options o = small_options(paths);
        struct seen seen = {0};
        o.shape = shapes[i];
        run(&o, &r, &seen);
        if (!(r.validation.best_f1 > 0.9))
            fail_msg("shape %zu: best F1 %.3f", i, r.validation.best_f1);
    }
}

static void same_bytes_twice(void **state)
{
    const char *paths[] = {scratch_path("labelled.jsonl")};
    struct train_options o = small_options(paths);
    static struct train_result r;
    struct seen seen = {0};
    uint8_t *file[3];
    size_t size[3];

    (void)state;
    o.epochs = 2;
    o.seeds = 2;
    for (int i = 0; i < 3; i++) {
        o.out = scratch_path("attribution.safetensors");
        o.seed = i == 2 ? 9 : 1;
        run(&o, &r, &seen);
        file[i] = scratch_read(o.out, &size[i]);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(file[0], file[1], size[0]);
    assert_true(size[0] != size[2] || memcmp(file[0], file[2], size[0]));
    for (int i = 0; i < 3; i++)
        free(file[i]);
}

/* Nothing can be learnt from labels drawn at random: patience ends it, and the best epoch is
 * what is kept. */
static void stops_early(void **state)
{
    const char *paths[] = {scratch_path("noise.jsonl")};
    struct train_options o = small_options(paths);
    static struct train_result r;
    struct seen seen = {0};
    struct bytes text = {0};
    uint64_t random = 3;

    (void)state;
    for (int i = 0; i < 200; i++) {
        const int none = scratch_random(&random) % 4 > 0;
        assert_int_equal(bytes_print(&text,
                                     "{\"text\": \"the minister said %d\", \"class\": "
                                     "\"%s\"}\n",
                                     i, none ? "none" : "asserted"),
                         FECIT_OK);
    }
    scratch_write(paths[0], text.data, text.size);
    bytes_clear(&text);
    o.epochs = 50;
    o.patience = 2;
    run(&o, &r, &seen);
    assert_true(seen.epochs < 50);
    assert_int_equal(seen.epochs, r.kept_epoch + 2);
}

static void stops_when_asked(void **state)
{
    const char *paths[] = {scratch_path("labelled.jsonl")};
    struct train_options o = small_options(paths);
    struct seen seen = {.stop_after = 2};
    const struct train_report report = {on_epoch, &seen};
    static struct train_result r;

    (void)state;
    o.out = scratch_path("unwritten.safetensors");
    assert_int_equal(train_run(&o, &report, &r), FECIT_E_STOPPED);
    assert_int_equal(seen.epochs, 2);
    assert_false(scratch_there(o.out));
}

/* The rows of a model file as numbers [SMALL_WORDS][16]. */
static void rows_read(const char *path, float *rows)
{
    const uint64_t shape[] = {SMALL_WORDS, 16};
    struct tensors *file = NULL;
    struct tensor t, scale;

    assert_int_equal(tensors_load(path, &file), FECIT_OK);
    assert_int_equal(tensors_find(file, "sieve.rows", TENSOR_I8, 2, shape, &t),
                     FECIT_OK);
    assert_int_equal(
        tensors_find(file, "sieve.column_scale", TENSOR_F32, 1, shape + 1, &scale),
        FECIT_OK);
    for (int i = 0; i < SMALL_WORDS * 16; i++)
        rows[i] = ((const int8_t *)t.data)[i] * ((const float *)scale.data)[i % 16];
    tensors_free(file);
}

/* Pulled rows stay nearer to where they began than free ones. */
static void pull_holds_the_rows(void **state)
{
    static const float rates[3] = {0, 0.02f, 0.02f}, pulls[3] = {0, 5, 0};
    static float rows[3][SMALL_WORDS * 16];
    const char *paths[] = {scratch_path("labelled.jsonl")};
    static struct train_result r;
    double moved[3] = {0};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct train_options o = small_options(paths);
        struct seen seen = {0};
        o.out = scratch_path("attribution.safetensors");
        o.rate_rows = rates[i];
        o.pull_rows = pulls[i];
        run(&o, &r, &seen);
        rows_read(o.out, rows[i]);
        for (int k = 0; k < SMALL_WORDS * 16; k++)
            moved[i] += fabs((double)rows[i][k] - (double)rows[0][k]);
    }
    assert_true(moved[1] > 0);
    assert_true(moved[1] < 0.7 * moved[2]);
}

/* p of a statement, by the model in the test's folder. */
static float ask(const char *text)
{
    struct engine engine = {0};
    struct tokens *tokens = NULL;
    struct token_list list = {0};
    struct batch *b = NULL;
    float p;

    if (engine_open(&engine, scratch_folder, NULL) != FECIT_OK)
        fail_msg("%s", status_text());
    assert_int_equal(
        tokens_new(engine.model->vocabulary, &engine.model->tokens, &tokens), FECIT_OK);
    assert_int_equal(batch_new(1, &b), FECIT_OK);
    assert_int_equal(tokens_push(tokens, text, strlen(text), &list, NULL), FECIT_OK);
    assert_true(batch_push(b, list.ids, (uint32_t)list.count));
    assert_int_equal(sieve_run(engine.sieve, b), FECIT_OK);
    assert_int_equal(sieve_wait(engine.sieve, b), FECIT_OK);
    p = 1 - b->p[FECIT_NONE];
    batch_free(b);
    token_list_clear(&list);
    tokens_free(tokens);
    engine_close(&engine);
    return p;
}

/* A teacher's probabilities are followed where there are no labels. */
static void follows_a_teacher(void **state)
{
    const char *paths[] = {scratch_path("labelled.jsonl"),
                           scratch_path("taught.jsonl")};
    struct train_options o = small_options(paths);
    static struct train_result r;
    struct seen seen = {0};
    struct bytes text = {0};

    (void)state;
    for (int i = 0; i < 400; i++)
        assert_int_equal(bytes_print(&text,
                                     "{\"text\": \"%s to hackers %d\", \"p_class\": "
                                     "[%g, %g, 0, 0]}\n",
                                     i % 2 ? "breach" : "charge", i, i % 2 ? 0.1 : 0.9,
                                     i % 2 ? 0.9 : 0.1),
                         FECIT_OK);
    scratch_write(paths[1], text.data, text.size);
    bytes_clear(&text);
    o.n_paths = 2;
    o.out = scratch_path("attribution.safetensors");
    run(&o, &r, &seen);
    assert_int_equal(r.taught, 400);
    assert_int_equal(r.n[EXAMPLES_TRAIN] + r.n[EXAMPLES_VALIDATION], 1000);
    assert_true(ask("breach to hackers") > 0.6f);
    assert_true(ask("charge to hackers") < 0.4f);
}

static void refuses(void **state)
{
    const char *paths[] = {scratch_path("labelled.jsonl")};
    struct train_options o = small_options(paths);
    static struct train_result r;

    (void)state;
    o.split.validation = 0;
    assert_int_equal(train_run(&o, NULL, &r), FECIT_E_INPUT);
    assert_non_null(strstr(status_text(), "--validation"));
    o = small_options(paths);
    o.shape = (struct net_shape){.dim = 16};
    assert_int_equal(train_run(&o, NULL, &r), FECIT_E_USAGE);
    o = small_options(paths);
    o.shape.dim = VOCABULARY_BAG + 16;
    assert_int_equal(train_run(&o, NULL, &r), FECIT_E_USAGE);
    o = small_options(paths);
    o.vocabulary = "/nowhere";
    assert_int_equal(train_run(&o, NULL, &r), FECIT_E_MODEL);
    o = small_options(paths);
    o.epochs = 1;
    o.out = "/nowhere/attribution.safetensors";
    assert_int_equal(train_run(&o, NULL, &r), FECIT_E_OUTPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns),
        cmocka_unit_test(every_shape_learns),
        cmocka_unit_test(same_bytes_twice),
        cmocka_unit_test(stops_early),
        cmocka_unit_test(stops_when_asked),
        cmocka_unit_test(pull_holds_the_rows),
        cmocka_unit_test(follows_a_teacher),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests_name("train", tests, open_all, scratch_close);
}

/* test_train.c -- labelled lines in, figures by hand, a small set learned, the same bytes
 * twice, and models that must be refused. Trains on the device that is there. */
#include "engine.h"
#include "train/train.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/fecit-train-XXXXXX";
static char vocabulary_path[512];
static struct vocabulary *vocabulary;

static const char *at(const char *name)
{
    static char paths[4][600];
    static int turn;
    char *p = paths[turn++ % 4];

    snprintf(p, 600, "%s/%s", folder, name);
    return p;
}

static int set_up(void **state)
{
    const char *models = getenv("FECIT_MODEL");

    (void)state;
    snprintf(vocabulary_path, sizeof vocabulary_path, "%s/vocabulary.safetensors",
             models ? models : "models");
    if (!mkdtemp(folder)) return -1;
    return vocabulary_load(vocabulary_path, &vocabulary) == FECIT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    vocabulary_free(vocabulary);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(at(name), "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_examples(void **state)
{
    const struct tokens_options tokens = {0};
    const struct examples_options options = {.seed = 1, .validation = 0.5};
    const char *paths[] = {at("labelled.jsonl")};
    struct examples *e = NULL;

    (void)state;
    put("labelled.jsonl",
        "{\"text\":\"A calm day.\",\"class\":\"none\",\"lang\":\"en\",\"doc\":\"d1\"}\n"
        "{\"text\":\"They blamed Oslo.\",\"class\":\"asserted\",\"split\":\"test\"}\n"
        "{\"text\":\"A calm day.\",\"class\":\"none\"}\n"
        "{\"text\":\"Odd.\",\"class\":\"perhaps\"}\n"
        "oops\n"
        "{\"class\":\"none\"}\n"
        "{\"text\":\"Second of d1.\",\"class\":\"hedged\",\"lang\":\"en\",\"doc\":\"d1\"}\n");
    assert_int_equal(
        examples_load(paths, 1, vocabulary, &tokens, &options, &e), FECIT_OK);
    assert_int_equal(e->n, 3);
    assert_int_equal(e->repeated, 1);
    assert_int_equal(e->bad, 3);
    assert_non_null(strstr(e->first_bad, "labelled.jsonl:4"));
    assert_non_null(strstr(e->first_bad, "none, asserted, hedged, denied"));
    assert_int_equal(e->items[1].part, EXAMPLES_TEST);
    assert_int_equal(e->items[0].part, e->items[2].part); /* one document, one side */
    assert_int_equal(e->items[2].label, FECIT_HEDGED);
    assert_string_equal(e->languages[e->items[0].language], "en");
    assert_true(e->items[0].count >= 3);
    examples_free(e);
    put("labelled.jsonl", "nothing\n");
    e = NULL;
    assert_int_equal(
        examples_load(paths, 1, vocabulary, &tokens, &options, &e), FECIT_E_INPUT);
    assert_null(e);
    paths[0] = "/nonexistent/labels";
    assert_int_equal(
        examples_load(paths, 1, vocabulary, &tokens, &options, &e), FECIT_E_INPUT);
    assert_non_null(strstr(status_text(), "/nonexistent/labels"));
}

/* Ten sentences whose figures were worked out by hand. */
static void test_figures(void **state)
{
    static const float p[10][4] = {
        {.1f, .7f, .1f, .1f}, /* .9 asserted, right */
        {.2f, .1f, .6f, .1f}, /* .8 hedged, right */
        {.3f, .5f, .1f, .1f}, /* .7 asserted, but none */
        {.4f, .1f, .1f, .4f}, /* .6 denied, right */
        {.5f, .3f, .1f, .1f}, /* .5 asserted, but hedged */
        {.6f, .2f, .1f, .1f}, /* .4 below the threshold, asserted: missed */
        {.7f, .1f, .1f, .1f}, /* .3 none */
        {.8f, .1f, 0, .1f},   /* .2 none */
        {.9f, .1f, 0, 0},     /* .1 none */
        {1, 0, 0, 0},         /* 0 none */
    };
    static const uint32_t labels[10] = {1, 2, 0, 3, 2, 1, 0, 0, 0, 0};
    struct evaluation e;
    float threshold, pass;

    (void)state;
    assert_int_equal(evaluate(&p[0][0], labels, 10, 0.45f, &e), FECIT_OK);
    assert_int_equal(e.positive, 5);
    assert_int_equal(e.hit, 4);
    assert_int_equal(e.wrong, 1);
    assert_int_equal(e.missed, 1);
    assert_true(e.precision > .799 && e.precision < .801 && e.recall == e.precision);
    /* 25 pairs; the none at .7 beats the positives at .6 .5 .4: 22 are right. */
    assert_true(e.auc > 22 / 25.0 - 1e-9 && e.auc < 22 / 25.0 + 1e-9);
    /* (1 + 1 + 3/4 + 4/5 + 5/6) / 5 */
    assert_true(e.average_precision > .8766 && e.average_precision < .8767);
    assert_true(e.best_f1 > 10 / 11.0 - 1e-9 && e.best_f1 < 10 / 11.0 + 1e-9);
    assert_int_equal(e.confusion[2][1], 1);
    /* none 4 of 5 found, 5 called: 8/10; asserted 1 hit of 2, 3 called: 2/5; hedged 1 of 2,
     * 1 called: 2/3; denied 1. */
    assert_true(e.macro_f1 > (.8 + .4 + 2 / 3.0 + 1) / 4 - 1e-6 &&
                e.macro_f1 < (.8 + .4 + 2 / 3.0 + 1) / 4 + 1e-6);
    assert_int_equal(evaluate_recall(&p[0][0], labels, 10, 0.8, &threshold, &pass), FECIT_OK);
    assert_true(threshold > .499f && threshold < .501f && pass > .499f && pass < .501f);
    assert_int_equal(evaluate(NULL, labels, 0, 0.5f, &e), FECIT_OK);
    assert_true(e.f1 == 0 && e.auc == 0);
    /* Equal scores say nothing. */
    {
        static const float flat[4][4] = {
            {.5f, .5f, 0, 0}, {.5f, .5f, 0, 0}, {.5f, .5f, 0, 0}, {.5f, .5f, 0, 0}};
        static const uint32_t two[4] = {1, 0, 1, 0};
        assert_int_equal(evaluate(&flat[0][0], two, 4, 0.5f, &e), FECIT_OK);
        assert_true(e.auc == 0.5);
    }
}

/* 240 sentences that differ by their verbs: easy, so that a sieve that does not learn them
 * is broken. */
static void put_easy_set(void)
{
    static const char *const states[] = {"Norway", "Peru",  "Chad",  "Japan", "Malta",
                                         "Ghana",  "Qatar", "Nepal", "Cuba",  "Fiji"};
    static const char *const blame[] = {"accused %s of hacking the port", "blamed %s for the raid",
                                        "said %s spied on the envoy"};
    static const char *const plain[] = {"welcomed a trade delegation from %s",
                                        "sent flowers to the embassy of %s",
                                        "will play football against %s"};
    FILE *f = fopen(at("easy.jsonl"), "w");

    assert_non_null(f);
    for (int i = 0; i < 240; i++) {
        char text[128];
        const int positive = i % 2;
        snprintf(text, sizeof text, positive ? blame[i / 2 % 3] : plain[i / 2 % 3],
                 states[i / 6 % 10]);
        fprintf(f, "{\"text\":\"Minister %d %s.\",\"class\":\"%s\",\"doc\":\"%d\"}\n", i, text,
                positive ? "asserted" : "none", i);
    }
    fclose(f);
}

static struct train_options easy_options(const char *out)
{
    static const char *paths[1];
    struct train_options o = train_defaults();

    paths[0] = at("easy.jsonl");
    o.paths = paths;
    o.n_paths = 1;
    o.vocabulary = vocabulary_path;
    o.out = out;
    o.seeds = 1;
    o.epochs = o.patience = 20;
    o.rate_rows = 5e-3f;
    o.rate_head = 1e-2f;
    o.batch = 16;
    o.split.validation = 0.25;
    return o;
}

static char *slurp(const char *path, size_t *size)
{
    FILE *f = fopen(path, "r");
    char *all;

    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    all = malloc(*size);
    assert_int_equal(fread(all, 1, *size, f), *size);
    fclose(f);
    return all;
}

static void test_learns_and_repeats(void **state)
{
    struct train_options o = easy_options(at("one.safetensors"));
    struct train_result *r = calloc(1, sizeof *r);
    char *one, *two;
    size_t n, m;

    (void)state;
    put_easy_set();
    assert_int_equal(train_run(&o, NULL, r), FECIT_OK);
    assert_true(r->validation.f1 > 0.9);
    assert_true(r->n[EXAMPLES_TRAIN] > 150 && r->n[EXAMPLES_VALIDATION] > 30);
    one = slurp(o.out, &n);
    o.out = at("two.safetensors");
    assert_int_equal(train_run(&o, NULL, r), FECIT_OK);
    two = slurp(o.out, &m);
    assert_int_equal(n, m);
    assert_memory_equal(one, two, n);
    free(one);
    free(two);
    /* Every pool, a head without hidden units: they train, too. */
    o.shape = (struct net_shape){.mean = true, .max = true, .dim = 16, .n_queries = 3};
    o.out = NULL;
    assert_int_equal(train_run(&o, NULL, r), FECIT_OK);
    assert_true(r->validation.f1 > 0.9);
    free(r);
}

static int stop_at_second(void *self, const struct train_epoch *e)
{
    (void)self;
    return e->epoch == 2;
}

static void test_stops(void **state)
{
    struct train_options o = easy_options(at("stopped.safetensors"));
    struct train_report report = {stop_at_second, NULL};
    struct train_result *r = calloc(1, sizeof *r);

    (void)state;
    put_easy_set();
    assert_int_equal(train_run(&o, &report, r), FECIT_E_STOPPED);
    assert_int_not_equal(access(at("stopped.safetensors"), F_OK), 0);
    free(r);
}

/* Copy the model that test_learns_and_repeats() made, with one change, and load it. */
static void refused(size_t from, size_t size, const char *bytes, const char *why)
{
    struct model *m = NULL;
    size_t n;
    char *all = slurp(at("two.safetensors"), &n);
    FILE *f = fopen(at("attribution.safetensors"), "w");

    assert_non_null(f);
    if (size) memcpy(all + from, bytes, size);
    fwrite(all, 1, size ? n : from, f);
    fclose(f);
    free(all);
    assert_int_equal(model_load(folder, &m), FECIT_E_MODEL);
    assert_null(m);
    if (!strstr(status_text(), why)) fail_msg("\"%s\" lacks \"%s\"", status_text(), why);
}

static void test_models_refused(void **state)
{
    size_t n, place = 0;
    char *all = slurp(at("two.safetensors"), &n);
    const char *mark;
    struct model *m = NULL;
    char command[1400];

    (void)state;
    assert_int_equal(model_load("/nonexistent", &m), FECIT_E_MODEL);
    snprintf(command, sizeof command, "ln -sf $(realpath %s) %s/vocabulary.safetensors && cp %s %s",
             vocabulary_path, folder, at("two.safetensors"), at("attribution.safetensors"));
    assert_int_equal(system(command), 0);
    assert_int_equal(model_load(folder, &m), FECIT_OK);
    assert_int_equal(m->weights.n_rows, vocabulary->n_pieces);
    model_free(m);
    refused(n / 2, 0, NULL, "attribution.safetensors");
    refused(4, 0, NULL, "attribution.safetensors");
    refused(n - 300, 1, "\x55", "damaged");
    mark = memmem(all, n, vocabulary->digest, 64);
    assert_non_null(mark);
    place = (size_t)(mark - all);
    refused(place, 4, "0000", "vocabulary");
    mark = memmem(all, n, "fecit-attribution 1", 19);
    assert_non_null(mark);
    refused((size_t)(mark - all), 19, "fecit-attribution 9", "format");
    free(all);
}

/* A model whose known answers are not what the device computes is refused with the device's
 * status: here the record is changed, on a wrong device the sums would be. */
static void test_wrong_answers(void **state)
{
    struct model *m = NULL;
    struct engine e = {0};
    char command[1300];

    (void)state;
    snprintf(command, sizeof command, "cp %s %s", at("two.safetensors"),
             at("attribution.safetensors"));
    assert_int_equal(system(command), 0);
    assert_int_equal(engine_open(&e, folder, NULL), FECIT_OK);
    assert_int_equal(model_load(folder, &m), FECIT_OK);
    assert_int_equal(model_check(m, e.device, e.sieve), FECIT_OK);
    m->known[m->n_known - 1].p[2] += 2 * m->tolerance;
    assert_int_equal(model_check(m, e.device, e.sieve), FECIT_E_DEVICE);
    assert_non_null(strstr(status_text(), "computes wrongly"));
    m->known[m->n_known - 1].p[2] = 0.0f / 0.0f;
    assert_int_equal(model_check(m, e.device, e.sieve), FECIT_E_DEVICE);
    model_free(m);
    engine_close(&e);
}

static void test_thresholds(void **state)
{
    struct model m = {.threshold = 0.4f, .n_curve = 3,
                      .curve = {{.99f, .01f, .9f}, {.9f, .1f, .5f}, {.5f, .6f, .1f}}};
    float t;

    (void)state;
    assert_int_equal(model_threshold(&m, 0, &t), FECIT_OK);
    assert_true(t == 0.4f);
    assert_int_equal(model_threshold(&m, 0.9, &t), FECIT_OK);
    assert_true(t == 0.1f);
    assert_int_equal(model_threshold(&m, 0.7, &t), FECIT_OK);
    assert_true(t == 0.1f); /* the cheapest point that reaches it */
    assert_int_equal(model_threshold(&m, 0.2, &t), FECIT_OK);
    assert_true(t == 0.6f);
    assert_int_equal(model_threshold(&m, 0.995, &t), FECIT_E_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),       cmocka_unit_test(test_figures),
        cmocka_unit_test(test_learns_and_repeats), cmocka_unit_test(test_stops),
        cmocka_unit_test(test_models_refused), cmocka_unit_test(test_wrong_answers),
        cmocka_unit_test(test_thresholds),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

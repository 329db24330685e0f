#include "train.h"
#include "export.h"
#include "random.h"

#include <math.h>
#include <string.h>

struct training {
    const struct train_options *options;
    const struct train_report *report;
    struct train_result *result;
    struct vocabulary *vocabulary;
    struct device *device;
    struct net *net;
    struct examples *examples;
    uint32_t *parts[3]; /* [n[part]] indices into examples */
    size_t n[3];
    struct batch *batch;
    uint32_t *labels;   /* [batch] */
    float *p;           /* [most of n][C] */
    uint32_t *truth;    /* [most of n] */
    uint32_t *language; /* [most of n] index into examples->languages */
    float *best;        /* [net_size] parameters of the best epoch */
    double best_score;
    double weight; /* sentences an epoch uses, on average */
    int8_t *rows;  /* [V][D] and [D]: the best, quantised */
    float scale[VOCABULARY_BAG];
    struct sieve_weights weights;
};

struct train_options train_defaults(void)
{
    /* Chosen on validation documents, never on real-dev: models/trials.md. */
    return (struct train_options){
        .shape = {.dim = 64, .n_queries = 8, .hidden = 64},
        .split = {.seed = 1, .validation = 0.15},
        .seed = 1,
        .seeds = 3,
        .epochs = 12,
        .patience = 3,
        .batch = 64,
        .rate_rows = 1e-3f,
        .rate_head = 2e-3f,
        .pull_rows = 0,
        .decay_head = 0.01f,
        .drop_pieces = 0.1f,
        .positive_weight = 4,
    };
}

static enum fecit_status parts_sort(struct training *t)
{
    enum fecit_status st = FECIT_OK;
    const struct examples *e = t->examples;
    size_t most = 1;

    for (int part = 0; part < 3; part++)
        TRY_MEM(t->parts[part] = mem_new(e->n, sizeof **t->parts));
    for (size_t i = 0; i < e->n; i++) {
        const int part = e->items[i].part;
        t->parts[part][t->n[part]++] = (uint32_t)i;
        if (part == EXAMPLES_TRAIN) t->weight += (double)e->items[i].weight;
    }
    for (int part = 0; part < 3; part++) {
        t->result->n[part] = t->n[part];
        if (t->n[part] > most) most = t->n[part];
    }
    if (t->n[EXAMPLES_TRAIN] == 0 || t->n[EXAMPLES_VALIDATION] == 0)
        FAIL(
            FECIT_E_INPUT,
            "%zu sentences to train on and %zu to validate with; both are needed: give "
            "more documents, or change --validation",
            t->n[EXAMPLES_TRAIN], t->n[EXAMPLES_VALIDATION]);
    TRY_MEM(t->p = mem_new(most * SHARED_CLASSES, sizeof *t->p));
    TRY_MEM(t->truth = mem_new(most, sizeof *t->truth));
    TRY_MEM(t->language = mem_new(most, sizeof *t->language));
done:
    return st;
}

static void example_push(struct batch *b, const struct examples *e, uint32_t i)
{
    batch_push(b, e->ids + e->items[i].begin, e->items[i].count);
}

/* Probabilities of a part into t->p, its labels into t->truth and t->language: by the net as it stands, or
 * by the quantised weights on the host when `quantised`. */
static enum fecit_status part_run(struct training *t, int part, bool quantised)
{
    enum fecit_status st = FECIT_OK;
    const struct examples *e = t->examples;
    struct batch *b = NULL;
    size_t done_n = 0;

    TRY(batch_new(1024, &b));
    while (done_n < t->n[part]) {
        batch_clear(b);
        for (size_t i = done_n; i < t->n[part] && b->n_spans < b->spans_limit; i++) {
            const uint32_t before = b->n_spans;
            example_push(b, e, t->parts[part][i]);
            if (b->n_spans == before) break; /* full */
            t->truth[i] = e->items[t->parts[part][i]].label;
            t->language[i] = e->items[t->parts[part][i]].language;
        }
        TRY(quantised ? sieve_run_cpu(&t->weights, b) : net_run(t->net, b));
        memcpy(t->p + done_n * SHARED_CLASSES, b->p,
               (size_t)b->n_spans * SHARED_CLASSES * sizeof *t->p);
        done_n += b->n_spans;
    }
done:
    batch_free(b);
    return st;
}

/* The training part in a new order. */
static void shuffle(struct training *t, struct random *random)
{
    uint32_t *order = t->parts[EXAMPLES_TRAIN];

    for (size_t i = t->n[EXAMPLES_TRAIN]; i > 1; i--) {
        const uint32_t j = random_below(random, (uint32_t)i), kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}

/* A teacher's label is drawn anew each time: on average the loss is that of its
 * probabilities. */
static uint32_t label_draw(const struct example *x, struct random *random)
{
    float left;
    uint32_t c = 0;

    if (!x->soft) return x->label;
    for (left = random_unit(random); c < FECIT_LABELS - 1 && left >= x->p[c]; c++)
        left -= x->p[c];
    return c;
}

/* A sentence with some of its pieces left out, so that no single one is relied on; never all
 * of them. */
static void push_dropped(struct training *t, uint32_t i, struct random *random)
{
    const struct example *x = &t->examples->items[i];
    const uint32_t *ids = t->examples->ids + x->begin;
    uint32_t kept[512], n = 0;

    for (uint32_t k = 0; k < x->count && n < 512; k++)
        if (random_unit(random) >= t->options->drop_pieces) kept[n++] = ids[k];
    t->labels[t->batch->n_spans] = label_draw(x, random);
    if (n > 0)
        batch_push(t->batch, kept, n);
    else
        batch_push(t->batch, ids, x->count);
}

/* One pass over the training part; *loss is its mean. */
static enum fecit_status epoch_run(struct training *t, uint64_t *number,
                                   struct random *random, double *loss)
{
    enum fecit_status st = FECIT_OK;
    const struct train_options *o = t->options;
    const size_t n = t->n[EXAMPLES_TRAIN];
    const double steps = fmax(1, ceil(t->weight / o->batch));
    double sum = 0, one;
    uint32_t done_steps = 0;

    shuffle(t, random);
    for (size_t i = 0; i < n;) {
        const double left = 1 - (double)*number / (steps * o->epochs);
        const float fall = (float)fmax(0.05, left); /* linear decay to a twentieth */
        const struct net_step step = {
            .number = ++*number,
            .rate_rows = o->rate_rows * fall,
            .rate_head = o->rate_head * fall,
            .pull_rows = o->pull_rows,
            .decay_head = o->decay_head,
            .smoothing = o->smoothing,
            .weights = {1, o->positive_weight, o->positive_weight, o->positive_weight},
        };
        batch_clear(t->batch);
        for (; i < n && t->batch->n_spans < o->batch; i++) {
            const uint32_t k = t->parts[EXAMPLES_TRAIN][i];
            if (random_unit(random) < t->examples->items[k].weight)
                push_dropped(t, k, random);
        }
        if (t->batch->n_spans == 0) break; /* the last rows were all passed over */
        TRY(net_learn(t->net, t->batch, t->labels, &step, &one));
        sum += one;
        done_steps++;
    }
    *loss = done_steps ? sum / done_steps : 0;
done:
    return st;
}

/* One seed from scratch; keeps the best epoch of all seeds in t->best. */
static enum fecit_status seed_run(struct training *t, uint32_t seed_number)
{
    enum fecit_status st;
    const struct train_options *o = t->options;
    const uint64_t seed = o->seed + seed_number;
    struct random random = {seed * 7919};
    uint64_t number = 0;
    double best_here = -1;
    uint32_t since = 0;

    TRY(net_reset(t->net, seed));
    /* Every seed starts from the same order. */
    for (size_t i = 0, k = 0; i < t->examples->n; i++)
        if (t->examples->items[i].part == EXAMPLES_TRAIN)
            t->parts[EXAMPLES_TRAIN][k++] = (uint32_t)i;
    for (uint32_t epoch = 1; epoch <= o->epochs && since < o->patience; epoch++) {
        struct train_epoch e = {.seed_number = seed_number, .epoch = epoch};
        TRY(epoch_run(t, &number, &random, &e.loss));
        TRY(part_run(t, EXAMPLES_VALIDATION, false));
        TRY(evaluate(t->p, t->truth, t->n[EXAMPLES_VALIDATION], 0.5f, &e.validation));
        since++;
        if (e.validation.average_precision > best_here) {
            best_here = e.validation.average_precision;
            since = 0;
        }
        if (e.validation.average_precision > t->best_score) {
            t->best_score = e.validation.average_precision;
            t->result->kept_seed = seed;
            t->result->kept_epoch = epoch;
            e.kept = true;
            TRY(net_read(t->net, t->best));
        }
        if (t->report && t->report->epoch && t->report->epoch(t->report->self, &e))
            FAIL(FECIT_E_STOPPED, "stopped in epoch %u; nothing was written", epoch);
    }
done:
    return st;
}

/* Mean negative log likelihood of "statement or not" at a temperature. */
static double binary_loss(const float *p, const uint32_t *truth, size_t n,
                          double temperature)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        double e[SHARED_CLASSES], total = 0, q;
        for (int c = 0; c < SHARED_CLASSES; c++)
            total += e[c] = pow(fmax((double)p[i * SHARED_CLASSES + (size_t)c], 1e-12),
                                1 / temperature);
        q = e[FECIT_NONE] / total;
        sum -= log(fmax(truth[i] == FECIT_NONE ? q : 1 - q, 1e-12));
    }
    return sum / (double)n;
}

/* Quantise the best parameters, then fit temperature and threshold on validation. */
static enum fecit_status settle(struct training *t)
{
    enum fecit_status st;
    const size_t n = t->n[EXAMPLES_VALIDATION];
    struct train_result *r = t->result;
    double low = 0.2, high = 5;

    net_weights(t->net, t->best, t->rows, t->scale, &t->weights);
    TRY(part_run(t, EXAMPLES_VALIDATION, true));
    for (int i = 0; i < 60; i++) { /* the loss has one minimum in the temperature */
        const double a = low + (high - low) / 3, b = high - (high - low) / 3;
        if (binary_loss(t->p, t->truth, n, a) < binary_loss(t->p, t->truth, n, b))
            high = b;
        else
            low = a;
    }
    r->temperature = t->weights.temperature = (float)((low + high) / 2);
    TRY(part_run(t, EXAMPLES_VALIDATION, true));
    TRY(evaluate(t->p, t->truth, n, 0.5f, &r->validation));
    r->threshold = (float)r->validation.low_threshold;
    TRY(evaluate(t->p, t->truth, n, r->threshold, &r->validation));
done:
    return st;
}

/* Figures of one part by language; t->p, t->truth and t->language hold the part. */
static enum fecit_status languages_measure(struct training *t, int part)
{
    enum fecit_status st = FECIT_OK;
    struct train_result *r = t->result;

    r->n_languages = t->examples->n_languages;
    for (uint32_t l = 0; l < r->n_languages; l++) {
        memcpy(r->languages[l].code, t->examples->languages[l], 16);
        TRY(evaluate_group(t->p, t->truth, t->language, l, t->n[part], r->threshold,
                           part == EXAMPLES_TEST ? &r->languages[l].test
                                                 : &r->languages[l].validation));
    }
done:
    return st;
}

static enum fecit_status finish(struct training *t)
{
    enum fecit_status st;
    const struct export export = {
        .weights = &t->weights,
        .vocabulary = t->vocabulary,
        .examples = t->examples,
        .options = t->options,
        .result = t->result,
        .p = t->p,
        .labels = t->truth,
        .n_validation = t->n[EXAMPLES_VALIDATION],
        .tokens = {.fold_arabic = true},
    };

    TRY(settle(t));
    TRY(languages_measure(t, EXAMPLES_VALIDATION));
    if (t->options->out) TRY(export_save(&export));
    if (t->n[EXAMPLES_TEST] > 0) {
        TRY(part_run(t, EXAMPLES_TEST, true));
        TRY(evaluate(t->p, t->truth, t->n[EXAMPLES_TEST], t->result->threshold,
                     &t->result->test));
        TRY(languages_measure(t, EXAMPLES_TEST));
    }
done:
    return st;
}

static enum fecit_status training_open(struct training *t)
{
    enum fecit_status st;
    const struct train_options *o = t->options;
    const struct tokens_options tokens = {.fold_arabic = true};

    TRY(vocabulary_load(o->vocabulary, &t->vocabulary));
    TRY(examples_load(o->paths, o->n_paths, t->vocabulary, &tokens, &o->split,
                      &t->examples));
    t->result->bad = t->examples->bad;
    t->result->repeated = t->examples->repeated;
    t->result->taught = t->examples->soft;
    memcpy(t->result->first_bad, t->examples->first_bad, sizeof t->result->first_bad);
    TRY(parts_sort(t));
    TRY(device_open(o->device, &t->device));
    TRY(net_open(t->device, t->vocabulary, &o->shape, o->seed, &t->net));
    TRY(batch_new(o->batch, &t->batch));
    TRY_MEM(t->labels = mem_new(o->batch, sizeof *t->labels));
    TRY_MEM(t->best = mem_new(net_size(t->net), sizeof *t->best));
    TRY_MEM(t->rows = mem_new((size_t)t->vocabulary->n_pieces * o->shape.dim, 1));
done:
    return st;
}

static void training_close(struct training *t)
{
    for (int part = 0; part < 3; part++)
        mem_free(t->parts[part]);
    mem_free(t->labels);
    mem_free(t->p);
    mem_free(t->truth);
    mem_free(t->language);
    mem_free(t->best);
    mem_free(t->rows);
    batch_free(t->batch);
    net_close(t->net);
    device_close(t->device);
    examples_free(t->examples);
    vocabulary_free(t->vocabulary);
}

enum fecit_status train_run(const struct train_options *options,
                            const struct train_report *report, struct train_result *out)
{
    enum fecit_status st;
    struct training t = {
        .options = options,
        .report = report,
        .result = out,
        .best_score = -1,
    };

    *out = (struct train_result){0};
    TRY(training_open(&t));
    for (uint32_t i = 0; i < options->seeds; i++)
        TRY(seed_run(&t, i));
    TRY(finish(&t));
done:
    training_close(&t);
    return st;
}

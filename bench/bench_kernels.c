/* bench_kernels.c -- each kernel of the sieve against a plain C loop that does the same sums
 * over the same bytes, in the same run, medians of 7; then the whole sieve. What a careful
 * programmer would write without OpenCL is best compiled by clang for this machine:
 *     make CC=clang CXX=clang++ OPT='-O3 -march=native' BUILD=build/peer build/peer/bench/bench_kernels
 *     POCL_MAX_PTHREAD_COUNT=1 taskset -c 1 build/peer/bench/bench_kernels
 * A ratio above 1 means that the kernel is faster. */
#include "ops.h"
#include "sieve.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { V = 100000, D = 64, K = 8, B = 4096, ROUNDS = 7, MOST = 128 };

#include "bench.h"

static const struct setting {
    const char *name;
    uint32_t queries, hidden, pieces; /* mean pieces of a sentence */
    bool mean, max;
} settings[] = {
    {"the shipped model", K, 64, 30, false, false},
    {"mean, max, one attention", 1, 32, 25, true, true},
};

#if defined(__x86_64__) && !defined(__clang__)
#define CAREFUL                                                                        \
    __attribute__((noinline, optimize("O3"),                                           \
                   target_clones("default", "arch=haswell", "arch=skylake-avx512")))
#else
#define CAREFUL __attribute__((noinline))
#endif

CAREFUL static void mean_c(const uint32_t *ids, const struct shared_span *spans,
                           const int8_t *table, uint32_t n, float *out)
{
    for (uint32_t s = 0; s < n; s++) {
        const uint32_t begin = spans[s].begin, end = begin + spans[s].count;
        float sum[D] = {0};
        for (uint32_t i = begin; i < end; i++)
            for (int d = 0; d < D; d++)
                sum[d] += table[(size_t)ids[i] * D + (size_t)d];
        for (int d = 0; d < D; d++)
            out[(size_t)s * D + (size_t)d] = sum[d] / (float)(end - begin);
    }
}

CAREFUL static void max_c(const uint32_t *ids, const struct shared_span *spans,
                          const int8_t *table, uint32_t n, float *out)
{
    for (uint32_t s = 0; s < n; s++) {
        const uint32_t begin = spans[s].begin, end = begin + spans[s].count;
        int8_t most[D];
        memcpy(most, table + (size_t)ids[begin] * D, D);
        for (uint32_t i = begin + 1; i < end; i++) {
            const int8_t *row = table + (size_t)ids[i] * D;
            for (int d = 0; d < D; d++)
                most[d] = row[d] > most[d] ? row[d] : most[d];
        }
        for (int d = 0; d < D; d++)
            out[(size_t)s * D + (size_t)d] = most[d];
    }
}

/* A sum for each query, all of a row's columns in one go: the compiler keeps a query's sum
 * in registers if its inner loop is over the pieces. */
CAREFUL static void weighted_c(const uint32_t *ids, const struct shared_span *spans,
                               const int8_t *table, const float *weights, uint32_t n,
                               float *out)
{
    for (uint32_t s = 0; s < n; s++) {
        const uint32_t begin = spans[s].begin, end = begin + spans[s].count;
        float sum[K][D] = {{0}}, total[K] = {0};
        for (uint32_t i = begin; i < end; i++) {
            const int8_t *row = table + (size_t)ids[i] * D;
            for (int k = 0; k < K; k++) {
                const float weight = weights[(size_t)ids[i] * K + (size_t)k];
                total[k] += weight;
                for (int d = 0; d < D; d++)
                    sum[k][d] += weight * row[d];
            }
        }
        for (int k = 0; k < K; k++)
            for (int d = 0; d < D; d++)
                out[((size_t)s * K + (size_t)k) * D + (size_t)d] = sum[k][d] / total[k];
    }
}

/* Sixteen partial sums, since C may not add floats in another order than written. */
CAREFUL static void linear_c(const float *x, const float *w, const float *bias,
                             uint32_t n, uint32_t n_in, uint32_t n_out, float *out)
{
    for (uint32_t b = 0; b < n; b++)
        for (uint32_t o = 0; o < n_out; o++) {
            const float *xb = x + (size_t)b * n_in, *wo = w + (size_t)o * n_in;
            float part[16] = {0}, sum = bias[o];
            for (uint32_t i = 0; i < n_in; i += 16)
                for (int j = 0; j < 16; j++)
                    part[j] += xb[i + (uint32_t)j] * wo[i + (uint32_t)j];
            for (int j = 0; j < 16; j++)
                sum += part[j];
            out[(size_t)b * n_out + o] = sum;
        }
}

struct bench {
    struct device *device;
    struct sieve *sieve;
    struct ops *ops;
    struct batch *batch;
    struct sieve_weights w;
    struct device_buffer *ids, *spans, *rows, *weights, *pooled, *hidden,
        *hidden_weight, *hidden_bias;
    float *row_weights; /* [V][K] */
    float *x, *out;     /* [B][K * D] */
};

static void weights_draw(struct bench *b, const struct setting *s, struct random *r)
{
    int8_t *rows = malloc((size_t)V * D);
    float *scale = malloc(D * sizeof *scale);

    for (size_t i = 0; i < (size_t)V * D; i++)
        rows[i] = (int8_t)(random_below(r, 255) - 127);
    for (int d = 0; d < D; d++)
        scale[d] = 0.02f;
    b->w = (struct sieve_weights){.n_rows = V,
                                  .dim = D,
                                  .n_queries = s->queries,
                                  .hidden = s->hidden,
                                  .mean = s->mean,
                                  .max = s->max,
                                  .rows = rows,
                                  .column_scale = scale,
                                  .temperature = 1};
    b->w.queries = bench_draw(r, (size_t)K * D, 0.1f);
    b->w.hidden_weight = bench_draw(r, (size_t)s->hidden * sieve_width(&b->w), 0.1f);
    b->w.hidden_bias = bench_draw(r, s->hidden, 0.1f);
    b->w.out_weight = bench_draw(r, SHARED_CLASSES * (size_t)s->hidden, 0.1f);
    b->w.out_bias = bench_draw(r, SHARED_CLASSES, 0.1f);
    b->row_weights = malloc((size_t)V * K * sizeof(float));
    for (size_t i = 0; i < (size_t)V * K; i++)
        b->row_weights[i] = random_unit(r) + 0.01f;
    b->x = bench_draw(r, (size_t)B * K * D, 1);
    b->out = malloc((size_t)B * K * D * sizeof *b->out);
}

static enum fecit_status bench_open(struct bench *b, const struct setting *s)
{
    enum fecit_status st;
    struct random r = {1};
    const size_t f = sizeof(float);
    uint32_t ids[MOST];

    weights_draw(b, s, &r);
    TRY(device_open(NULL, &b->device));
    TRY(batch_new(B, &b->batch));
    for (int i = 0; i < B; i++) {
        const uint32_t n = s->pieces / 2 + random_below(&r, s->pieces + 1);
        for (uint32_t k = 0; k < n; k++) /* frequent pieces are frequent, as in Zipf */
            ids[k] = (uint32_t)(V * powf(random_unit(&r), 4));
        if (!batch_push(b->batch, ids, n)) break;
    }
    TRY(ops_open(b->device, D, true, K, &b->ops));
    TRY(device_buffer_new(b->device, b->batch->n_ids * 4, b->batch->ids, &b->ids));
    TRY(device_buffer_new(b->device, b->batch->n_spans * 8, b->batch->spans,
                          &b->spans));
    TRY(device_buffer_new(b->device, (size_t)V * D, b->w.rows, &b->rows));
    TRY(device_buffer_new(b->device, (size_t)V * K * f, b->row_weights, &b->weights));
    TRY(device_buffer_new(b->device, (size_t)B * K * D * f, b->x, &b->pooled));
    TRY(device_buffer_new(b->device, B * (size_t)s->hidden * f, NULL, &b->hidden));
    TRY(device_buffer_new(b->device, (size_t)s->hidden * sieve_width(&b->w) * f,
                          b->w.hidden_weight, &b->hidden_weight));
    TRY(device_buffer_new(b->device, s->hidden * f, b->w.hidden_bias, &b->hidden_bias));
    TRY(sieve_open(b->device, &b->w, &b->sieve));
done:
    return st;
}

static void bench_close(struct bench *b)
{
    struct device_buffer *const buffers[] = {b->ids,           b->spans,      b->rows,
                                             b->weights,       b->pooled,     b->hidden,
                                             b->hidden_weight, b->hidden_bias};

    sieve_close(b->sieve);
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        device_buffer_free(buffers[i]);
    ops_close(b->ops);
    batch_free(b->batch);
    device_close(b->device);
    free((void *)b->w.rows);
    free((void *)b->w.column_scale);
    free((void *)b->w.queries);
    free((void *)b->w.hidden_weight);
    free((void *)b->w.hidden_bias);
    free((void *)b->w.out_weight);
    free((void *)b->w.out_bias);
    free(b->row_weights);
    free(b->x);
    free(b->out);
}

enum what { MEAN, MAX, WEIGHTED, LINEAR, SIEVE, WHATS };
static const char *const names[] = {"embed_bag_mean", "embed_bag_max",
                                    "embed_bag_weighted", "linear", "whole sieve"};

static enum fecit_status device_run(struct bench *b, enum what what)
{
    enum fecit_status st = FECIT_OK;
    const struct ops_batch in = {b->ids, b->spans, b->batch->n_ids, b->batch->n_spans};

    switch (what) {
    case MEAN:
        TRY(ops_embed_bag_mean(b->ops, &in, b->rows, D, 0, b->pooled));
        break;
    case MAX:
        TRY(ops_embed_bag_max(b->ops, &in, b->rows, D, 0, b->pooled, NULL));
        break;
    case WEIGHTED:
        TRY(ops_embed_bag_weighted(b->ops, &in, b->rows, b->weights, K * D, 0,
                                   b->pooled));
        break;
    case LINEAR:
        TRY(ops_linear(b->ops, b->pooled, b->hidden_weight, b->hidden_bias, in.n_spans,
                       sieve_width(&b->w), b->w.hidden, b->hidden));
        break;
    default:
        TRY(sieve_run(b->sieve, b->batch));
        TRY(sieve_wait(b->sieve, b->batch));
    }
    device_finish(b->device);
done:
    return st;
}

static void c_run(struct bench *b, enum what what)
{
    const struct batch *in = b->batch;

    switch (what) {
    case MEAN:
        mean_c(in->ids, in->spans, b->w.rows, in->n_spans, b->out);
        break;
    case MAX:
        max_c(in->ids, in->spans, b->w.rows, in->n_spans, b->out);
        break;
    case WEIGHTED:
        weighted_c(in->ids, in->spans, b->w.rows, b->row_weights, in->n_spans, b->out);
        break;
    case LINEAR:
        linear_c(b->x, b->w.hidden_weight, b->w.hidden_bias, in->n_spans,
                 sieve_width(&b->w), b->w.hidden, b->out);
        break;
    default:
        break;
    }
}

static enum fecit_status bench_run(struct bench *b, enum what what)
{
    enum fecit_status st;
    const double n = b->batch->n_spans;
    double c[ROUNDS], device[ROUNDS], begin;

    TRY(device_run(b, what)); /* PoCL compiles at the first launch */
    c_run(b, what);
    for (int i = 0; i < ROUNDS; i++) {
        begin = bench_seconds(b->device);
        c_run(b, what);
        c[i] = bench_seconds(b->device) - begin;
        begin = bench_seconds(b->device);
        TRY(device_run(b, what));
        device[i] = bench_seconds(b->device) - begin;
    }
    printf("  %-20s %10.0f sentences/s", names[what], n / bench_median(device));
    if (what == SIEVE)
        printf("  %.1f M pieces/s\n", b->batch->n_ids / bench_median(device) / 1e6);
    else
        printf("  C loop %10.0f  ratio %.2f\n", n / bench_median(c),
               bench_median(c) / bench_median(device));
done:
    return st;
}

int main(void)
{
    enum fecit_status st = FECIT_OK;
    struct bench b = {0};

    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const struct setting *s = &settings[i];
        TRY(bench_open(&b, s));
        printf(
            "%s, %s: %u sentences of %.1f pieces, rows of %d, %u queries, %u hidden; "
            "medians of %d\n",
            device_name(b.device), s->name, b.batch->n_spans,
            (double)b.batch->n_ids / b.batch->n_spans, D, s->queries, s->hidden,
            ROUNDS);
        for (enum what what = MEAN; what < WHATS; what++)
            TRY(bench_run(&b, what));
        bench_close(&b);
        b = (struct bench){0};
    }
done:
    if (st != FECIT_OK) fprintf(stderr, "bench_kernels: %s\n", status_text());
    bench_close(&b);
    return st == FECIT_OK ? 0 : 1;
}

/* bench_kernels.c -- kernels against plain C loops on one core of this machine, in the same
 * run: medians of 7. The C loops are compiled with the host's -O3 and may use any of its
 * instructions; they are what a careful programmer would write without OpenCL.
 * Prints sentences a second and the ratio (above 1: the kernel is faster). */
#include "ops.h"
#include "sieve.h"
#include "train/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { V = 100000, D = 64, K = 8, H = 64, B = 4096, PIECES = 30, ROUNDS = 7 };

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    return (*(const double *)a > *(const double *)b) -
           (*(const double *)a < *(const double *)b);
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_value);
    return x[n / 2];
}

/* The attention pools in plain C: rows widened once, float sums, one walk. */
__attribute__((optimize("O3"), target_clones("default", "avx2"))) static void
attention_c(const uint32_t *ids, const struct shared_span *spans, const int8_t *table,
            const float *queries, uint32_t n, float *out)
{
    for (uint32_t s = 0; s < n; s++) {
        float sum[K][D] = {{0}}, most[K], total[K] = {0}, row[D];
        for (int k = 0; k < K; k++)
            most[k] = -INFINITY;
        for (uint32_t i = spans[s].begin; i < spans[s].begin + spans[s].count; i++) {
            const int8_t *from = table + (size_t)ids[i] * D;
            for (int d = 0; d < D; d++)
                row[d] = from[d];
            for (int k = 0; k < K; k++) {
                float score = 0, weight;
                for (int d = 0; d < D; d++)
                    score += row[d] * queries[k * D + d];
                if (score > most[k]) {
                    const float shrink = expf(most[k] - score);
                    total[k] *= shrink;
                    for (int d = 0; d < D; d++)
                        sum[k][d] *= shrink;
                    most[k] = score;
                }
                weight = expf(score - most[k]);
                total[k] += weight;
                for (int d = 0; d < D; d++)
                    sum[k][d] += weight * row[d];
            }
        }
        for (int k = 0; k < K; k++)
            for (int d = 0; d < D; d++)
                out[((size_t)s * K + (size_t)k) * D + (size_t)d] =
                    total[k] > 0 ? sum[k][d] / total[k] : 0;
    }
}

struct setting {
    struct device *device;
    struct sieve *sieve;
    struct ops *ops;
    struct batch *batch;
    struct sieve_weights w;
    struct device_buffer *ids, *spans, *rows, *queries, *weights, *pooled;
    float *out;
};

static float *draw(struct random *r, size_t n, float scale)
{
    float *x = malloc(n * sizeof *x);

    for (size_t i = 0; i < n; i++)
        x[i] = scale * random_normal(r);
    return x;
}

static enum fecit_status set_up(struct setting *s)
{
    enum fecit_status st;
    struct random r = {1};
    int8_t *rows = malloc((size_t)V * D);
    float *scale = malloc(D * sizeof *scale);
    uint32_t ids[2 * PIECES];

    for (size_t i = 0; i < (size_t)V * D; i++)
        rows[i] = (int8_t)(random_below(&r, 255) - 127);
    for (int d = 0; d < D; d++)
        scale[d] = 0.02f;
    s->w = (struct sieve_weights){V,
                                  D,
                                  K,
                                  H,
                                  false,
                                  false,
                                  rows,
                                  scale,
                                  draw(&r, (size_t)K * D, 0.1f),
                                  draw(&r, (size_t)H * K * D, 0.1f),
                                  draw(&r, H, 0.1f),
                                  draw(&r, 4 * H, 0.1f),
                                  draw(&r, 4, 0.1f),
                                  1};
    s->out = malloc((size_t)B * K * D * sizeof *s->out);
    TRY(device_open(NULL, &s->device));
    TRY(batch_new(B, &s->batch));
    for (int i = 0; i < B; i++) {
        const uint32_t n = PIECES / 2 + random_below(&r, PIECES);
        for (uint32_t k = 0; k < n;
             k++) /* frequent pieces are frequent: a rough Zipf */
            ids[k] = (uint32_t)(V * powf(random_unit(&r), 4));
        if (!batch_push(s->batch, ids, n)) break;
    }
    TRY(ops_open(s->device, D, true, K, &s->ops));
    TRY(device_buffer_new(s->device, s->batch->n_ids * 4, s->batch->ids, &s->ids));
    TRY(device_buffer_new(s->device, s->batch->n_spans * 8, s->batch->spans,
                          &s->spans));
    TRY(device_buffer_new(s->device, (size_t)V * D, rows, &s->rows));
    TRY(device_buffer_new(s->device, (size_t)K * D * 4, s->w.queries, &s->queries));
    TRY(device_buffer_new(s->device, (size_t)B * K * D * 4, NULL, &s->pooled));
    TRY(device_buffer_new(s->device, (size_t)V * K * 4, NULL, &s->weights));
    TRY(ops_embed_bag_scores(s->ops, s->rows, s->queries, V, K, s->weights));
    TRY(sieve_open(s->device, &s->w, &s->sieve));
done:
    return st;
}

static enum fecit_status attention_cl(struct setting *s)
{
    enum fecit_status st;
    const struct ops_batch in = {s->ids, s->spans, s->batch->n_ids, s->batch->n_spans};

    TRY(ops_embed_bag_weighted(s->ops, &in, s->rows, s->weights, K * D, 0, s->pooled));
    device_finish(s->device);
done:
    return st;
}

static enum fecit_status whole_sieve(struct setting *s)
{
    enum fecit_status st;

    TRY(sieve_run(s->sieve, s->batch));
    TRY(sieve_wait(s->sieve, s->batch));
done:
    return st;
}

int main(void)
{
    enum fecit_status st;
    struct setting s = {0};
    double c[ROUNDS], cl[ROUNDS], whole[ROUNDS];
    uint32_t n;

    TRY(set_up(&s));
    n = s.batch->n_spans;
    TRY(attention_cl(&s));
    TRY(whole_sieve(&s));
    for (int i = 0; i < ROUNDS; i++) {
        double t = seconds();
        attention_c(s.batch->ids, s.batch->spans, s.w.rows, s.w.queries, n, s.out);
        c[i] = seconds() - t;
        t = seconds();
        TRY(attention_cl(&s));
        cl[i] = seconds() - t;
        t = seconds();
        TRY(whole_sieve(&s));
        whole[i] = seconds() - t;
    }
    printf("%s: %u sentences of %.1f pieces, D %d, K %d, H %d; medians of %d\n",
           device_name(s.device), n, (double)s.batch->n_ids / n, D, K, H, ROUNDS);
    printf("  embed_bag_weighted   %10.0f sentences/s  C loop %10.0f  ratio %.2f\n",
           n / median(cl, ROUNDS), n / median(c, ROUNDS),
           median(c, ROUNDS) / median(cl, ROUNDS));
    printf("  whole sieve          %10.0f sentences/s  %.1f M pieces/s\n",
           n / median(whole, ROUNDS), s.batch->n_ids / median(whole, ROUNDS) / 1e6);
done:
    if (st != FECIT_OK) fprintf(stderr, "bench_kernels: %s\n", status_text());
    return st == FECIT_OK ? 0 : 1;
}

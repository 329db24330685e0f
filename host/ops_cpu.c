/* ops_cpu.c -- each operation in plain loops, adding in double: the truth. */
#include "ops.h"

#include <math.h>

_Static_assert(sizeof(struct shared_span) == 8,
               "shared_span must match the device layout");
_Static_assert(sizeof(struct shared_row) == 12,
               "shared_row must match the device layout");

void embed_bag_mean_cpu(const uint32_t *ids, const struct shared_span *spans,
                        const float *table, uint32_t n_spans, uint32_t dim,
                        uint32_t width, uint32_t column, float *out)
{
    for (uint32_t s = 0; s < n_spans; s++)
        for (uint32_t d = 0; d < dim; d++) {
            double sum = 0;
            for (uint32_t i = 0; i < spans[s].count; i++)
                sum += table[(size_t)ids[spans[s].begin + i] * dim + d];
            out[(size_t)s * width + column + d] =
                (float)(spans[s].count ? sum / spans[s].count : 0);
        }
}

void embed_bag_max_cpu(const uint32_t *ids, const struct shared_span *spans,
                       const float *table, uint32_t n_spans, uint32_t dim,
                       uint32_t width, uint32_t column, float *out, uint32_t *argmax)
{
    for (uint32_t s = 0; s < n_spans; s++)
        for (uint32_t d = 0; d < dim; d++) {
            float most = 0;
            uint32_t where = spans[s].begin;
            for (uint32_t i = 0; i < spans[s].count; i++) {
                const uint32_t at = spans[s].begin + i;
                const float x = table[(size_t)ids[at] * dim + d];
                if (i > 0 && !(x > most)) continue;
                most = x;
                where = at;
            }
            out[(size_t)s * width + column + d] = most;
            if (argmax) argmax[(size_t)s * dim + d] = where;
        }
}

static double dot(const float *a, const float *b, uint32_t n)
{
    double sum = 0;

    for (uint32_t i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

void embed_bag_attention_cpu(const uint32_t *ids, const struct shared_span *spans,
                             const float *table, const float *queries,
                             uint32_t n_queries, uint32_t n_spans, uint32_t dim,
                             uint32_t width, uint32_t column, float *out, float *alpha)
{
    for (uint32_t s = 0; s < n_spans; s++)
        for (uint32_t k = 0; k < n_queries; k++) {
            const float *query = queries + (size_t)k * dim;
            float *to = out + (size_t)s * width + column + (size_t)k * dim;
            const uint32_t begin = spans[s].begin, end = begin + spans[s].count;
            double most = -INFINITY, total = 0, sum[OPS_DIM] = {0};
            for (uint32_t i = begin; i < end; i++)
                most = fmax(most, dot(table + (size_t)ids[i] * dim, query, dim));
            for (uint32_t i = begin; i < end; i++)
                total += exp(dot(table + (size_t)ids[i] * dim, query, dim) - most);
            for (uint32_t i = begin; i < end; i++) {
                const float *row = table + (size_t)ids[i] * dim;
                const double weight = exp(dot(row, query, dim) - most) / total;
                for (uint32_t d = 0; d < dim; d++)
                    sum[d] += weight * row[d];
                if (alpha) alpha[(size_t)i * n_queries + k] = (float)weight;
            }
            for (uint32_t d = 0; d < dim; d++)
                to[d] = (float)sum[d];
        }
}

void embed_bag_scores_cpu(const float *table, const float *queries, uint32_t n_rows,
                          uint32_t n_queries, uint32_t dim, float *out)
{
    for (uint32_t r = 0; r < n_rows; r++)
        for (uint32_t k = 0; k < n_queries; k++)
            out[(size_t)r * n_queries + k] =
                (float)dot(table + (size_t)r * dim, queries + (size_t)k * dim, dim);
}

void linear_cpu(const float *x, const float *w, const float *bias, uint32_t n,
                uint32_t n_in, uint32_t n_out, float *out)
{
    for (uint32_t b = 0; b < n; b++)
        for (uint32_t o = 0; o < n_out; o++)
            out[(size_t)b * n_out + o] =
                (float)(bias[o] +
                        dot(x + (size_t)b * n_in, w + (size_t)o * n_in, n_in));
}

void gelu_cpu(const float *x, uint32_t n, float *out)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = (float)(0.5 * x[i] * (1 + erf(x[i] * sqrt(0.5))));
}

void softmax_cpu(const float *logits, uint32_t n, float sharpness, float *out)
{
    for (uint32_t s = 0; s < n; s++) {
        const float *x = logits + (size_t)s * SHARED_CLASSES;
        double e[SHARED_CLASSES], most = x[0], total = 0;
        for (int c = 1; c < SHARED_CLASSES; c++)
            most = fmax(most, x[c]);
        for (int c = 0; c < SHARED_CLASSES; c++)
            total += e[c] = exp((x[c] - most) * sharpness);
        for (int c = 0; c < SHARED_CLASSES; c++)
            out[(size_t)s * SHARED_CLASSES + c] = (float)(e[c] / total);
    }
}

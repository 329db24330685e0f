/* ops_back_cpu.c -- the reverse operations in plain loops, adding in double: the truth. */
#include "ops_back.h"

#include <math.h>

void embed_bag_scores_back_cpu(const uint32_t *ids, const struct shared_span *spans,
                               const float *table, const float *alpha,
                               const float *pooled, const float *d_out,
                               uint32_t n_queries, uint32_t n_spans, uint32_t dim,
                               uint32_t width, uint32_t column, float *d_score)
{
    for (uint32_t s = 0; s < n_spans; s++)
        for (uint32_t k = 0; k < n_queries; k++) {
            const size_t at = (size_t)s * width + column + (size_t)k * dim;
            for (uint32_t i = spans[s].begin; i < spans[s].begin + spans[s].count;
                 i++) {
                double sum = 0;
                for (uint32_t d = 0; d < dim; d++)
                    sum += ((double)table[(size_t)ids[i] * dim + d] - pooled[at + d]) *
                           d_out[at + d];
                d_score[(size_t)i * n_queries + k] =
                    (float)(alpha[(size_t)i * n_queries + k] * sum);
            }
        }
}

void embed_bag_query_back_cpu(const uint32_t *ids, const float *table,
                              const float *d_score, uint32_t n_ids, uint32_t n_queries,
                              uint32_t dim, float *d_queries)
{
    for (uint32_t k = 0; k < n_queries; k++)
        for (uint32_t d = 0; d < dim; d++) {
            double sum = 0;
            for (uint32_t i = 0; i < n_ids; i++)
                sum += (double)d_score[(size_t)i * n_queries + k] *
                       table[(size_t)ids[i] * dim + d];
            d_queries[(size_t)k * dim + d] = (float)sum;
        }
}

void embed_bag_rows_back_cpu(const struct rows_back_cpu *f, float *d_rows)
{
    for (uint32_t u = 0; u < f->n_rows; u++)
        for (uint32_t d = 0; d < f->dim; d++) {
            double sum = 0;
            for (uint32_t j = 0; j < f->rows[u].count; j++) {
                const uint32_t i = f->positions[f->rows[u].begin + j], s = f->owner[i];
                const float *g = f->d_out + (size_t)s * f->width;
                if (f->mean_column != OPS_NO_POOL)
                    sum += (double)g[f->mean_column + d] / f->spans[s].count;
                if (f->max_column != OPS_NO_POOL &&
                    f->argmax[(size_t)s * f->dim + d] == i)
                    sum += g[f->max_column + d];
                for (uint32_t k = 0;
                     f->attention_column != OPS_NO_POOL && k < f->n_queries; k++) {
                    const size_t a = (size_t)i * f->n_queries + k;
                    sum +=
                        (double)f->alpha[a] * g[f->attention_column + k * f->dim + d];
                    sum += (double)f->d_score[a] * f->queries[k * f->dim + d];
                }
            }
            d_rows[(size_t)u * f->dim + d] = (float)sum;
        }
}

void linear_back_input_cpu(const float *d_out, const float *w, uint32_t n,
                           uint32_t n_in, uint32_t n_out, float *d_x)
{
    for (uint32_t b = 0; b < n; b++)
        for (uint32_t i = 0; i < n_in; i++) {
            double sum = 0;
            for (uint32_t o = 0; o < n_out; o++)
                sum += (double)d_out[(size_t)b * n_out + o] * w[(size_t)o * n_in + i];
            d_x[(size_t)b * n_in + i] = (float)sum;
        }
}

void linear_back_weight_cpu(const float *d_out, const float *x, uint32_t n,
                            uint32_t n_in, uint32_t n_out, float *d_w, float *d_bias)
{
    for (uint32_t o = 0; o < n_out; o++) {
        double bias = 0;
        for (uint32_t i = 0; i < n_in; i++) {
            double sum = 0;
            for (uint32_t b = 0; b < n; b++)
                sum += (double)d_out[(size_t)b * n_out + o] * x[(size_t)b * n_in + i];
            d_w[(size_t)o * n_in + i] = (float)sum;
        }
        for (uint32_t b = 0; b < n; b++)
            bias += d_out[(size_t)b * n_out + o];
        d_bias[o] = (float)bias;
    }
}

void gelu_back_cpu(const float *x, const float *d_out, uint32_t n, float *d_x)
{
    for (uint32_t i = 0; i < n; i++) {
        const double phi = 0.5 * (1 + erf(x[i] * sqrt(0.5)));
        const double slope = exp(-0.5 * (double)x[i] * x[i]) / sqrt(2 * acos(-1));
        d_x[i] = (float)(d_out[i] * (phi + x[i] * slope));
    }
}

void cross_entropy_cpu(const float *logits, const uint32_t *labels,
                       const float *weights, uint32_t n, float smoothing, float total,
                       float *loss, float *d_logits)
{
    for (uint32_t s = 0; s < n; s++) {
        const float *x = logits + (size_t)s * SHARED_CLASSES;
        const double scale = (double)weights[labels[s]] / total;
        double sum = 0, most = x[0], cost = 0;
        for (int c = 1; c < SHARED_CLASSES; c++)
            most = fmax(most, x[c]);
        for (int c = 0; c < SHARED_CLASSES; c++)
            sum += exp(x[c] - most);
        for (uint32_t c = 0; c < SHARED_CLASSES; c++) {
            const double target = (double)smoothing / SHARED_CLASSES +
                                  (c == labels[s] ? 1.0 - smoothing : 0);
            const double p = exp(x[c] - most) / sum;
            cost -= target * log(p);
            d_logits[(size_t)s * SHARED_CLASSES + c] = (float)(scale * (p - target));
        }
        loss[s] = (float)(scale * cost);
    }
}

static void step_one(float d, struct ops_step step, float anchor, float *w, float *m,
                     float *v)
{
    const double m1 = 0.9 * *m + 0.1 * d, v1 = 0.999 * *v + 0.001 * (double)d * d;

    *m = (float)m1;
    *v = (float)v1;
    *w = (float)(*w - step.decay * ((double)*w - anchor) -
                 step.rate * m1 / (sqrt(v1) * step.root + 1e-8));
}

void adamw_cpu(const float *d, uint32_t n, struct ops_step step, const float *anchor,
               float *w, float *m, float *v)
{
    for (uint32_t i = 0; i < n; i++)
        step_one(d[i], step, anchor[i], w + i, m + i, v + i);
}

void adamw_rows_cpu(const struct shared_row *rows, const float *d, uint32_t n_rows,
                    uint32_t dim, struct ops_step step, const float *anchor, float *w,
                    float *m, float *v)
{
    for (uint32_t u = 0; u < n_rows; u++) {
        const size_t at = (size_t)rows[u].row * dim;
        adamw_cpu(d + (size_t)u * dim, dim, step, anchor + at, w + at, m + at, v + at);
    }
}

/* ops_cpu_encoder.c -- the reader's operations in plain loops, adding in double: the truth. */
#include "ops_encoder.h"

#include <math.h>
#include <string.h>

_Static_assert(sizeof(struct shared_block) == 16,
               "shared_block must match the device layout");

float ops_from_half(uint16_t half)
{
    const int exponent = half >> 10 & 31;
    const float fraction = (float)(half & 1023);
    float x = exponent == 0    ? ldexpf(fraction, -24)
              : exponent == 31 ? (half & 1023 ? NAN : INFINITY)
                               : ldexpf(1024 + fraction, exponent - 25);

    return half & 0x8000 ? -x : x;
}

uint16_t ops_to_half(float x)
{
    const uint32_t sign = signbit(x) ? 0x8000 : 0;
    int exponent;
    float fraction;
    uint32_t rest;

    x = fabsf(x);
    if (isnan(x)) return 0x7E00;
    if (x >= 65520) return (uint16_t)(sign | 0x7C00);
    if (x < 0x1p-14f) return (uint16_t)(sign | (uint32_t)rintf(ldexpf(x, 24)));
    fraction = frexpf(x, &exponent); /* x = fraction * 2^exponent, .5 <= fraction < 1 */
    rest = (uint32_t)rintf(ldexpf(fraction, 11)) - 1024;
    /* A fraction rounded up to 1 carries into the exponent, as it should. */
    return (uint16_t)(sign | (((uint32_t)(exponent + 14) << 10) + rest));
}

void embed_tokens_cpu(const uint32_t *ids, const uint32_t *places,
                      const uint8_t *nibbles, const uint16_t *scales,
                      const float *positions, uint32_t n, uint32_t dim, float *out)
{
    for (uint32_t t = 0; t < n; t++)
        for (uint32_t d = 0; d < dim; d++) {
            const size_t block = (size_t)ids[t] * (dim / 32) + d / 32;
            const uint8_t both = nibbles[block * 16 + d % 16];
            const int nibble = d % 32 < 16 ? both & 15 : both >> 4;
            out[(size_t)t * dim + d] =
                (float)(nibble - 8) * ops_from_half(scales[block]) +
                positions[(size_t)places[t] * dim + d];
        }
}

void layer_norm_cpu(const float *x, const float *add, const float *weight,
                    const float *bias, uint32_t n, uint32_t dim, float epsilon,
                    float *out)
{
    for (uint32_t t = 0; t < n; t++) {
        const size_t at = (size_t)t * dim;
        double mean = 0, square = 0, v[OPS_DIM];
        for (uint32_t d = 0; d < dim; d++) {
            v[d] = (double)x[at + d] + (add ? (double)add[at + d] : 0);
            mean += v[d] / dim;
        }
        for (uint32_t d = 0; d < dim; d++)
            square += (v[d] - mean) * (v[d] - mean) / dim;
        for (uint32_t d = 0; d < dim; d++)
            out[at + d] = (float)((v[d] - mean) / sqrt(square + (double)epsilon) *
                                      (double)weight[d] +
                                  (double)bias[d]);
    }
}

/* One head of one piece: against every piece of its sentence. */
static void attention_one(const float *qkv, struct shared_span s, uint32_t t,
                          uint32_t column, uint32_t dim, float *out)
{
    const float *query = qkv + (size_t)t * 3 * dim + column;
    const float *first = qkv + (size_t)s.begin * 3 * dim + column;
    double most = -INFINITY, total = 0, sum[OPS_HEAD] = {0};

    for (int twice = 0; twice < 2; twice++)
        for (uint32_t k = 0; k < s.count; k++) {
            const float *key = first + (size_t)k * 3 * dim + dim, *value = key + dim;
            double score = 0, weight;
            for (int d = 0; d < OPS_HEAD; d++)
                score += (double)query[d] * (double)key[d];
            score /= sqrt(OPS_HEAD);
            if (!twice) {
                most = fmax(most, score);
                continue;
            }
            weight = exp(score - most);
            total += weight;
            for (int d = 0; d < OPS_HEAD; d++)
                sum[d] += weight * (double)value[d];
        }
    for (int d = 0; d < OPS_HEAD; d++)
        out[(size_t)t * dim + column + (uint32_t)d] = (float)(sum[d] / total);
}

void attention_cpu(const float *qkv, const struct shared_span *spans, uint32_t n_spans,
                   uint32_t dim, float *out)
{
    for (uint32_t s = 0; s < n_spans; s++)
        for (uint32_t i = 0; i < spans[s].count; i++)
            for (uint32_t column = 0; column < dim; column += OPS_HEAD)
                attention_one(qkv, spans[s], spans[s].begin + i, column, dim, out);
}

void span_mean_cpu(const float *x, const struct shared_span *spans, uint32_t n_spans,
                   uint32_t dim, float *out)
{
    for (uint32_t s = 0; s < n_spans; s++)
        for (uint32_t d = 0; d < dim; d++) {
            double sum = 0;
            for (uint32_t i = 0; i < spans[s].count; i++)
                sum += (double)x[(size_t)(spans[s].begin + i) * dim + d];
            out[(size_t)s * dim + d] =
                (float)(spans[s].count ? sum / spans[s].count : 0);
        }
}

/* random.h -- small random numbers that are the same on every machine: SplitMix64
 * (Steele, Lea and Flood 2014, doi:10.1145/2714064.2660195). */
#ifndef TRAIN_RANDOM_H
#define TRAIN_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *r)
{
    uint64_t z = r->state += 0x9E3779B97F4A7C15u;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* Uniform in [0, 1). */
static inline float random_unit(struct random *r)
{
    return (float)(random_next(r) >> 40) * 0x1p-24f;
}

/* Uniform in 0 .. n - 1 (the bias is below 2^-32 for the n used here). */
static inline uint32_t random_below(struct random *r, uint32_t n)
{
    return (uint32_t)((random_next(r) >> 32) * n >> 32);
}

/* Nearly normal with deviation 1: a sum of 12 uniforms, so that no libm takes part. */
static inline float random_normal(struct random *r)
{
    float sum = -6;

    for (int i = 0; i < 12; i++)
        sum += random_unit(r);
    return sum;
}

#endif

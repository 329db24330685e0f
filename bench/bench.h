/* bench.h -- what the C benches share: a clock, the median of ROUNDS, numbers to feed. The
 * bench defines ROUNDS before it includes this. */
#ifndef BENCH_H
#define BENCH_H

#include "device.h"
#include "train/random.h"

#include <stdlib.h>
#include <time.h>

/* Processor time where the kernels run on the CPU, since others may share it. */
static inline double bench_seconds(const struct device *d)
{
    struct timespec t;

    clock_gettime(device_about(d)->cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC,
                  &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline int bench_by_value(const void *a, const void *b)
{
    return (*(const double *)a > *(const double *)b) -
           (*(const double *)a < *(const double *)b);
}

/* x [ROUNDS], sorted on the way. */
static inline double bench_median(double *x)
{
    qsort(x, ROUNDS, sizeof *x, bench_by_value);
    return x[ROUNDS / 2];
}

/* [n] normal numbers times scale; free() it. */
static inline float *bench_draw(struct random *r, size_t n, float scale)
{
    float *x = malloc(n * sizeof *x);

    for (size_t i = 0; i < n; i++)
        x[i] = scale * random_normal(r);
    return x;
}

#endif

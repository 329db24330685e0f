#include "evaluate.h"
#include "../engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ranked {
    float p; /* that it is a statement */
    uint32_t positive;
};

static int by_falling_p(const void *a, const void *b)
{
    const float x = ((const struct ranked *)a)->p, y = ((const struct ranked *)b)->p;

    return (x < y) - (x > y);
}

static float statement_p(const float *p)
{
    return p[FECIT_ASSERTED] + p[FECIT_HEDGED] + p[FECIT_DENIED];
}

static enum fecit_status rank(const float *p, const uint32_t *labels, size_t n,
                              struct ranked **out)
{
    enum fecit_status st = FECIT_OK;
    struct ranked *all;

    TRY_MEM(all = mem_new(n, sizeof *all));
    for (size_t i = 0; i < n; i++) {
        all[i].p = statement_p(p + i * FECIT_LABELS);
        all[i].positive = labels[i] != FECIT_NONE;
    }
    qsort(all, n, sizeof *all, by_falling_p);
    *out = all;
done:
    return st;
}

/* Walk the ranking by groups of equal p, so that ties favour nobody. */
static void rank_measure(const struct ranked *all, size_t n, struct evaluation *e)
{
    double hits = 0, area = 0, precision_sum = 0;
    const double positive = (double)e->positive, negative = (double)n - positive;

    for (size_t i = 0, j; i < n; i = j) {
        double group = 0;
        for (j = i; j < n && all[j].p == all[i].p; j++)
            group += all[j].positive;
        /* Of this group's negatives, each ranks below the hits so far and ties with half of
         * the group's positives. */
        area += ((double)(j - i) - group) * (hits + group / 2);
        hits += group;
        precision_sum += group * hits / (double)j;
        const double f1 = 2 * hits / ((double)j + positive);
        if (f1 > e->best_f1) {
            e->best_f1 = f1;
            e->best_threshold = (double)all[i].p;
        }
    }
    hits = 0;
    for (size_t i = 0; i < n; i++) {
        hits += all[i].positive;
        if (2 * hits / ((double)i + 1 + positive) >= e->best_f1 - 0.02)
            e->low_threshold = (double)all[i].p;
    }
    if (positive > 0 && negative > 0) e->auc = area / (positive * negative);
    if (positive > 0) e->average_precision = precision_sum / positive;
}

static void count_one(const float *p, uint32_t label, float threshold,
                      struct evaluation *e, double bins[10][3])
{
    enum fecit_label predicted;
    float statement, out[FECIT_LABELS];
    int bin;

    engine_label(ENGINE_LEAST, p, threshold, &predicted, &statement, out);
    e->confusion[label][predicted]++;
    e->hit += label != FECIT_NONE && predicted != FECIT_NONE;
    e->wrong += label == FECIT_NONE && predicted != FECIT_NONE;
    e->missed += label != FECIT_NONE && predicted == FECIT_NONE;
    bin = (int)(statement * 10);
    bin = bin < 0 ? 0 : bin > 9 ? 9 : bin;
    bins[bin][0]++;
    bins[bin][1] += (double)statement;
    bins[bin][2] += label != FECIT_NONE;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static void class_measure(struct evaluation *e)
{
    int counted = 0;

    for (int c = 0; c < FECIT_LABELS; c++) {
        double is = 0, said = 0;
        for (int o = 0; o < FECIT_LABELS; o++) {
            is += (double)e->confusion[c][o];
            said += (double)e->confusion[o][c];
        }
        e->class_f1[c] = ratio(2 * (double)e->confusion[c][c], is + said);
        if (is > 0) {
            e->macro_f1 += e->class_f1[c];
            counted++;
        }
    }
    e->macro_f1 = ratio(e->macro_f1, counted);
}

enum fecit_status evaluate(const float *p, const uint32_t *labels, size_t n,
                           float threshold, struct evaluation *e)
{
    enum fecit_status st;
    struct ranked *all = NULL;
    double bins[10][3] = {{0}};

    *e = (struct evaluation){.n = n};
    for (size_t i = 0; i < n; i++) {
        e->positive += labels[i] != FECIT_NONE;
        count_one(p + i * FECIT_LABELS, labels[i], threshold, e, bins);
    }
    TRY(rank(p, labels, n, &all));
    rank_measure(all, n, e);
    e->precision = ratio((double)e->hit, (double)(e->hit + e->wrong));
    e->recall = ratio((double)e->hit, (double)e->positive);
    e->f1 = ratio(2 * e->precision * e->recall, e->precision + e->recall);
    class_measure(e);
    for (int b = 0; b < 10 && n > 0; b++)
        e->calibration_error += fabs(bins[b][1] - bins[b][2]) / (double)n;
done:
    mem_free(all);
    return st;
}

enum fecit_status evaluate_group(const float *p, const uint32_t *labels,
                                 const uint32_t *group, uint32_t which, size_t n,
                                 float threshold, struct evaluation *out)
{
    enum fecit_status st = FECIT_OK;
    float *some = NULL;
    uint32_t *truth = NULL;
    size_t n_some = 0;

    TRY_MEM(some = mem_new(n * FECIT_LABELS, sizeof *some));
    TRY_MEM(truth = mem_new(n, sizeof *truth));
    for (size_t i = 0; i < n; i++) {
        if (group[i] != which) continue;
        memcpy(some + n_some * FECIT_LABELS, p + i * FECIT_LABELS,
               FECIT_LABELS * sizeof *some);
        truth[n_some++] = labels[i];
    }
    TRY(evaluate(some, truth, n_some, threshold, out));
done:
    mem_free(some);
    mem_free(truth);
    return st;
}

enum fecit_status evaluate_recall(const float *p, const uint32_t *labels, size_t n,
                                  double recall, float *threshold, float *pass)
{
    enum fecit_status st;
    struct ranked *all = NULL;
    double positive = 0, hits = 0;
    size_t i = 0;

    *threshold = 0;
    *pass = 1;
    TRY(rank(p, labels, n, &all));
    for (size_t k = 0; k < n; k++)
        positive += all[k].positive;
    while (i < n && hits < recall * positive)
        hits += all[i++].positive;
    if (i > 0) {
        *threshold = all[i - 1].p;
        while (i < n && all[i].p == *threshold) /* they pass as well */
            i++;
        *pass = (float)i / (float)n;
    }
done:
    mem_free(all);
    return st;
}

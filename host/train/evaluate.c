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

static void count_one(const float *p, uint32_t predicted, uint32_t label,
                      struct evaluation *e)
{
    const double statement = (double)statement_p(p);
    int bin = (int)(statement * EVALUATION_BINS);

    e->confusion[label][predicted]++;
    e->hit += label != FECIT_NONE && predicted != FECIT_NONE;
    e->wrong += label == FECIT_NONE && predicted != FECIT_NONE;
    e->missed += label != FECIT_NONE && predicted == FECIT_NONE;
    bin = bin < 0 ? 0 : bin > EVALUATION_BINS - 1 ? EVALUATION_BINS - 1 : bin;
    e->bins[bin].n++;
    e->bins[bin].p += statement;
    e->bins[bin].share += label != FECIT_NONE;
}

/* Sums become means. */
static void bins_close(struct evaluation *e)
{
    for (int b = 0; b < EVALUATION_BINS; b++) {
        const double n = (double)e->bins[b].n;
        if (n == 0) continue;
        e->calibration_error += fabs(e->bins[b].p - e->bins[b].share) / (double)e->n;
        e->bins[b].p /= n;
        e->bins[b].share /= n;
    }
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

static void say(const float *p, size_t n, float threshold, uint32_t *said)
{
    float statement, out[FECIT_LABELS];
    enum fecit_label label;

    for (size_t i = 0; i < n; i++) {
        engine_label(ENGINE_LEAST, p + i * FECIT_LABELS, threshold, &label, &statement,
                     out);
        said[i] = label;
    }
}

enum fecit_status evaluate_said(const float *p, const uint32_t *said,
                                const uint32_t *labels, size_t n, struct evaluation *e)
{
    enum fecit_status st;
    struct ranked *all = NULL;

    *e = (struct evaluation){.n = n};
    for (size_t i = 0; i < n; i++) {
        e->positive += labels[i] != FECIT_NONE;
        count_one(p + i * FECIT_LABELS, said[i], labels[i], e);
    }
    TRY(rank(p, labels, n, &all));
    rank_measure(all, n, e);
    e->precision = ratio((double)e->hit, (double)(e->hit + e->wrong));
    e->recall = ratio((double)e->hit, (double)e->positive);
    e->f1 = ratio(2 * e->precision * e->recall, e->precision + e->recall);
    class_measure(e);
    bins_close(e);
done:
    mem_free(all);
    return st;
}

enum fecit_status evaluate_group_said(const float *p, const uint32_t *said,
                                      const uint32_t *labels, const uint32_t *group,
                                      uint32_t which, size_t n, struct evaluation *out)
{
    enum fecit_status st = FECIT_OK;
    float *some = NULL;
    uint32_t *truth = NULL, *of_some = NULL;
    size_t n_some = 0;

    TRY_MEM(some = mem_new(n * FECIT_LABELS, sizeof *some));
    TRY_MEM(truth = mem_new(n, sizeof *truth));
    TRY_MEM(of_some = mem_new(n, sizeof *of_some));
    for (size_t i = 0; i < n; i++) {
        if (group[i] != which) continue;
        memcpy(some + n_some * FECIT_LABELS, p + i * FECIT_LABELS,
               FECIT_LABELS * sizeof *some);
        of_some[n_some] = said[i];
        truth[n_some++] = labels[i];
    }
    TRY(evaluate_said(some, of_some, truth, n_some, out));
done:
    mem_free(some);
    mem_free(truth);
    mem_free(of_some);
    return st;
}

enum fecit_status evaluate(const float *p, const uint32_t *labels, size_t n,
                           float threshold, struct evaluation *out)
{
    enum fecit_status st = FECIT_OK;
    uint32_t *said = mem_new(n, sizeof *said);

    TRY_MEM(said);
    say(p, n, threshold, said);
    TRY(evaluate_said(p, said, labels, n, out));
done:
    mem_free(said);
    return st;
}

enum fecit_status evaluate_group(const float *p, const uint32_t *labels,
                                 const uint32_t *group, uint32_t which, size_t n,
                                 float threshold, struct evaluation *out)
{
    enum fecit_status st = FECIT_OK;
    uint32_t *said = mem_new(n, sizeof *said);

    TRY_MEM(said);
    say(p, n, threshold, said);
    TRY(evaluate_group_said(p, said, labels, group, which, n, out));
done:
    mem_free(said);
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

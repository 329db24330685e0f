/* evaluate.h -- quality of probabilities against labels. */
#ifndef EVALUATE_H
#define EVALUATE_H

#include "../base/mem.h"

#define EVALUATION_BINS 10

/* What is measured. Binary: statement (any class but none) or not. */
struct evaluation {
    uint64_t n, positive; /* sentences; statements among them */
    uint64_t hit, wrong,
        missed; /* at the threshold: true and false positives, misses */
    double precision, recall, f1; /* binary; 0 where nothing divides */
    double auc,
        average_precision; /* binary, threshold-free; 0 when one side is empty */
    double best_f1, best_threshold; /* over all thresholds */
    /* The lowest threshold whose F1 is within .02 of the best. On a few hundred sentences
     * the curve is flat and its top is chance; a first stage had better keep too much. */
    double low_threshold;
    uint64_t confusion[FECIT_LABELS][FECIT_LABELS]; /* [label][predicted] */
    double class_f1[FECIT_LABELS], macro_f1; /* four classes; macro over those with
                                                       labels */
    double calibration_error; /* of p in ten equal bins (Naeini et al. 2015, AAAI) */
    struct {
        uint64_t n;
        double p, share; /* mean p; share of statements */
    } bins[EVALUATION_BINS];
};

/* p [n][FECIT_LABELS], said and labels [n] enum fecit_label. */
enum fecit_status evaluate_said(const float *p, const uint32_t *said,
                                const uint32_t *labels, size_t n,
                                struct evaluation *out);

/* What is said is the likeliest kind of statement where p reaches the threshold. */
enum fecit_status evaluate(const float *p, const uint32_t *labels, size_t n,
                           float threshold, struct evaluation *out);

/* The same over the items i with group[i] == which. */
enum fecit_status evaluate_group_said(const float *p, const uint32_t *said,
                                      const uint32_t *labels, const uint32_t *group,
                                      uint32_t which, size_t n, struct evaluation *out);
enum fecit_status evaluate_group(const float *p, const uint32_t *labels,
                                 const uint32_t *group, uint32_t which, size_t n,
                                 float threshold, struct evaluation *out);

/* Threshold and pass rate at which a share `recall` of the statements has p >= threshold. */
enum fecit_status evaluate_recall(const float *p, const uint32_t *labels, size_t n,
                                  double recall, float *threshold, float *pass);

#endif

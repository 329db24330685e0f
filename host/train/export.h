/* export.h -- trained weights -> attribution.safetensors with everything that model.c asks
 * for. */
#ifndef EXPORT_H
#define EXPORT_H

#include "train.h"

struct export
{
    const struct sieve_weights *weights; /* quantised; temperature set */
    const struct vocabulary *vocabulary;
    const struct examples *examples;
    const struct train_options *options;
    const struct train_result *result;
    const float *p; /* [n_validation][C] and their labels: for the recall curve */
    const uint32_t *labels;
    size_t n_validation;
    struct tokens_options tokens;
};

enum fecit_status export_save(const struct export *e);

#endif

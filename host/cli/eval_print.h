/* eval_print.h -- the figures of fecit eval, as text or JSON. */
#ifndef EVAL_PRINT_H
#define EVAL_PRINT_H

#include "../cascade.h"
#include "../train/evaluate.h"
#include "../train/examples.h"

struct eval_scored {
    struct examples *examples;
    struct verdict *verdicts; /* [n] */
    bool *by_reader;          /* [n] */
    struct cascade_counts counts;
    float threshold;
};

enum fecit_status eval_print(const struct eval_scored *s, bool json);

/* The sieve's curve before the reader, per language. */
void eval_print_cascade(const struct model_reader *r, bool json);

#endif

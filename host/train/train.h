/* train.h -- labelled sentences -> models/attribution.safetensors. */
#ifndef TRAIN_H
#define TRAIN_H

#include "evaluate.h"
#include "examples.h"
#include "net.h"

struct train_options {
    const char *const *paths; /* [n_paths] labelled JSON lines */
    uint32_t n_paths;
    const char *vocabulary; /* path of vocabulary.safetensors */
    const char *out;        /* path of the model to write; NULL: only report */
    const char *device;
    const char *known; /* JSON lines whose texts become the known answers; NULL: the
                                 first validation sentences */
    struct net_shape shape;
    struct examples_options split;
    uint64_t seed;                    /* of the head, the order, the dropped pieces */
    uint32_t seeds;                   /* train this many, keep the best on validation */
    uint32_t epochs, patience, batch; /* patience: epochs without a better validation */
    float rate_rows, rate_head, pull_rows, decay_head, smoothing, drop_pieces;
    float positive_weight; /* of the three statement classes; none has 1 */
};
struct train_options train_defaults(void);

/* Told after every epoch, and once for the kept model's parts. NULL is fine. Nonzero stops. */
struct train_epoch {
    uint32_t seed_number, epoch;
    double loss;
    struct evaluation validation;
    bool kept; /* best so far */
};
struct train_report {
    int (*epoch)(void *self, const struct train_epoch *e);
    void *self;
};

struct train_result {
    uint64_t n[3], taught, bad,
        repeated; /* sentences by enum examples_part; a teacher's
                                             rows among those that train */
    char first_bad[512];
    float temperature, threshold;
    struct evaluation validation, test; /* calibrated, at the threshold */
    struct {
        char code[16];
        struct evaluation validation, test;
    } languages[EXAMPLES_LANGUAGES];
    uint32_t n_languages;
    uint64_t kept_seed;
    uint32_t kept_epoch;
};

/* Same options, data and device: same bytes. The vocabulary belongs to the model. */
enum fecit_status train_run(const struct train_options *options,
                            const struct train_report *report,
                            struct train_result *out);

#endif

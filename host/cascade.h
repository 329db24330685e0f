/* cascade.h -- all stages as one: the sieve over every sentence, a small encoder over what it
 * lets through, the reader over what both let through. A window of sentences goes in; their
 * scores come out in the same order. A model without a small encoder or without a reader, and a
 * run without the sieve, are cascades of fewer stages. */
#ifndef CASCADE_H
#define CASCADE_H

#include "engine.h"
#include "verdict.h"

struct cascade_options {
    bool no_sieve; /* the reader reads everything */
    double recall; /* 0 = CASCADE_RECALL; without a reader: the model's own threshold */
    uint32_t window;  /* sentences; 0 = what suits the device */
    double threshold; /* of p, for a statement; 0 = the model's */
};

/* Share of what the reader alone would find that reaches it, by default. */
#define CASCADE_RECALL 0.98

/* What each step saw and cost. */
struct cascade_counts {
    uint64_t sieved, sieved_ns;                /* sentences */
    uint64_t middle, middle_pieces, middle_ns; /* that the sieve let through */
    uint64_t candidates;                 /* that all let through, or all there are */
    uint64_t read, read_pieces, read_ns; /* copies within a window are read once */
};

/* Options made ready, and what the windows that share them have counted. */
struct cascade {
    struct engine *engine;
    struct cascade_options options;
    struct verdict_tools tools;
    float threshold; /* of p, for a statement */
    /* The pass thresholds of the language asked last: of the sieve, of the small encoder. */
    char lang[MODEL_LANGUAGE];
    float pass[2];
    bool known;
    struct window *under_way; /* whose reading may not be done */
    struct cascade_counts counts;
};

/* FECIT_E_USAGE when recall is beyond the model's curve, or no_sieve without a reader.
 * Borrows the engine until cascade_close(). Caller owns *out. */
enum fecit_status cascade_open(struct engine *e, const struct cascade_options *options,
                               struct cascade **out);
void cascade_close(struct cascade *c); /* NULL is fine */
struct cascade_counts cascade_counts(const struct cascade *c);
double cascade_recall(const struct cascade *c);   /* 0: see open */
float cascade_threshold(const struct cascade *c); /* of p, for a statement */

/* p of the sieve and of the small encoder from which on a sentence of `lang` is read.
 * recall 0 = CASCADE_RECALL; FECIT_E_USAGE when a curve does not reach it. */
enum fecit_status cascade_pass(const struct model_reader *r, const char *lang,
                               double recall, float pass[2]);

/* Make c->pass that of this language; fails as cascade_pass(). */
enum fecit_status cascade_language(struct cascade *c, const char *lang);

/* p of the small encoder, of the logits of a sentence [READING_HEADS]. */
float cascade_middle_p(const float *heads);

#endif

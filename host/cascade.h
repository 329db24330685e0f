/* cascade.h -- both stages as one: the sieve over every sentence, the reader over what it lets
 * through. A window of sentences goes in; their scores come out in the same order. A model
 * without a reader, and a run without the sieve, are cascades of one stage. */
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

/* Share of what the reader alone would find that the sieve must let through, by default. */
#define CASCADE_RECALL 0.98

/* What each step saw and cost. */
struct cascade_counts {
    uint64_t sieved, sieved_ns;          /* sentences */
    uint64_t candidates;                 /* that the sieve let through, or all */
    uint64_t read, read_pieces, read_ns; /* copies within a window are read once */
};

struct cascade;

/* FECIT_E_USAGE when recall is beyond the model's curve, or no_sieve without a reader.
 * Borrows the engine until cascade_close(). Caller owns *out. */
enum fecit_status cascade_open(struct engine *e, const struct cascade_options *options,
                               struct cascade **out);
void cascade_close(struct cascade *c); /* NULL is fine */
struct cascade_counts cascade_counts(const struct cascade *c);
double cascade_recall(const struct cascade *c); /* what the sieve keeps; 0: see open */
float cascade_threshold(const struct cascade *c); /* of p, for a statement */

struct window;

/* Caller owns *out. */
enum fecit_status window_new(struct cascade *c, struct window **out);
void window_free(struct window *w); /* NULL is fine; nothing may be under way */

/* Append a sentence of n ids in `lang`. False when there is no room: launch, wait, clear. */
bool window_push(struct window *w, const char *lang, const uint32_t *ids, uint32_t n);
uint32_t window_count(const struct window *w);
uint32_t window_limit(const struct window *w); /* sentences that have room */
void window_clear(struct window *w);

/* Queue its work; the last part of the reading stays under way until window_wait(). */
enum fecit_status window_launch(struct cascade *c, struct window *w);
enum fecit_status window_wait(struct cascade *c, struct window *w);

/* Sentence i, whose text is utf8 [size]: class, and roles when it is a statement. *by_reader
 * tells which stage decided. */
enum fecit_status window_verdict(struct cascade *c, struct window *w, uint32_t i,
                                 const char *utf8, size_t size, struct verdict *out,
                                 bool *by_reader);

#endif

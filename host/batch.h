/* batch.h -- many sentences' ids, packed end to end for one trip to the device. */
#ifndef BATCH_H
#define BATCH_H

#include "../kernels/shared.h"
#include "device.h"

#define BATCH_SENTENCES 4096u        /* by default */
#define BATCH_IDS       (128u << 10) /* at least; holds any single sentence */

struct batch {
    uint32_t *ids;             /* [n_ids] all sentences end to end */
    struct shared_span *spans; /* [n_spans] */
    float *p;                  /* [n_spans][SHARED_CLASSES] once the sieve is done */
    uint32_t n_ids, n_spans;
    uint32_t ids_limit, spans_limit;
    struct device_ticket *ticket; /* the read of p under way */
};

/* Room for `sentences` (0: BATCH_SENTENCES). Caller owns *out; batch_free(). */
enum fecit_status batch_new(uint32_t sentences, struct batch **out);
void batch_free(struct batch *b); /* NULL is fine; nothing may be under way */

/* Append a sentence of n ids (0 is fine). False when there is no room: run, clear, push. */
bool batch_push(struct batch *b, const uint32_t *ids, uint32_t n);
void batch_clear(struct batch *b);

#endif

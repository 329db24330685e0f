/* reading.h -- sentences on their way through the reader: their pieces with the marks around
 * each sentence, packed end to end, and what the reader says of them. */
#ifndef READING_H
#define READING_H

#include "../kernels/shared.h"
#include "device.h"

#define READING_MOST  254 /* pieces of a sentence that are read; the rest is cut off */
#define READING_ACTS  7
#define READING_TIES  6
#define READING_HEADS (SHARED_CLASSES + READING_ACTS + READING_TIES)
#define READING_ROLES 4                   /* accused, accuser, victim, group */
#define READING_TAGS  (3 * READING_ROLES) /* outside, begins, goes on: for each role */

struct reading {
    uint32_t *ids;             /* [n_ids] */
    struct shared_span *spans; /* [n_spans] */
    float *heads;              /* [n_spans][READING_HEADS] logits, once it is done */
    float *tags;               /* [n_ids][READING_TAGS] logits */
    uint32_t n_ids, n_spans;
    uint32_t ids_limit, spans_limit;
    uint32_t bos, eos; /* the marks */
    /* What the device gets, part by part: counted from the part's first piece. */
    uint32_t *places;              /* [n_ids] */
    struct shared_span *moved;     /* [n_spans] */
    struct shared_block *blocks;   /* [ids_limit] */
    struct device_ticket *wait[2]; /* the reads under way */
};

/* Room for `sentences` of `pieces` in all, marks included; one of READING_MOST always fits.
 * Caller owns *out; reading_free(). */
enum fecit_status reading_new(uint32_t sentences, uint32_t pieces, uint32_t bos,
                              uint32_t eos, struct reading **out);
void reading_free(struct reading *r); /* NULL is fine; nothing may be under way */

/* Append a sentence of n ids, cut to READING_MOST. False when there is no room. */
bool reading_push(struct reading *r, const uint32_t *ids, uint32_t n);
void reading_clear(struct reading *r);

/* Fill places, moved and blocks for n sentences from `first` on; the blocks begin at the
 * number of the part's first piece. Returns how many blocks. */
uint32_t reading_lay(struct reading *r, uint32_t first, uint32_t n);

#endif

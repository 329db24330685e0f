/* words.h -- a bounded memory of words and what they became: exact keys, so that asking
 * it and not asking it give the same answer.
 *
 * Open addressing in groups of WORDS_GROUP places of 64 bytes, one cache line each. A
 * full group forgets one of its words. Long words, and those of many parts, are never
 * kept. */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include "mem.h"

#define WORDS_BYTES 30 /* longest word kept */
#define WORDS_PARTS 6  /* most parts kept */
#define WORDS_GROUP 4  /* places a word may lie in: 1, 2, 4 or 8 */

struct word {
    uint8_t bytes[WORDS_BYTES]; /* zeros beyond `size` */
    uint8_t kind;              /* words of the same bytes and another kind are others */
    uint8_t size;              /* of bytes; 0 = this place is free */
    uint32_t ids[WORDS_PARTS]; /* [n_ids] */
    uint8_t ends[WORDS_PARTS]; /* [n_ids] byte after each part */
    uint8_t n_ids;
    uint8_t spare;
};

struct words;

/* 2^log2 places of 64 bytes. Caller owns *out; gives it back with words_free(). */
enum fecit_status words_new(uint32_t log2, struct words **out);
void words_free(struct words *w); /* NULL is fine */

/* The place of the word of `bytes` [size] (0 < size <= WORDS_BYTES; 32 bytes must be
 * readable) and `kind`. *found tells whether it was there; if not, the place now holds
 * the key with n_ids 0, for the caller to fill. A place left at n_ids 0 counts as not
 * there. Borrows until the next call. */
struct word *words_find(struct words *w, const uint8_t *bytes, uint32_t size,
                        uint8_t kind, int *found);

#endif

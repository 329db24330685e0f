/* tokens.h -- sentence -> pieces. Pre-tokens (whitespace, or ICU words), the
 * per-code-point normalisation, then the best unigram segmentation (Kudo 2018,
 * arXiv:1804.10959) of each pre-token, remembered in a cache whose state never shows in
 * the result. */
#ifndef TOKENS_H
#define TOKENS_H

#include "vocabulary.h"
#include <stdbool.h>

enum tokens_split { TOKENS_WHITESPACE, TOKENS_ICU_WORDS };

struct tokens_options {
    enum tokens_split split;
    bool fold_arabic;    /* drop tatweel, harakat, bidi controls; alef forms stay. (The
                          * presentation forms go with the table, folded or not.) */
    uint32_t max_pieces; /* a sentence is cut after so many; 0 = 512 */
    bool no_cache;       /* segment every word anew: for tests and timings */
};

/* Pieces of many sentences, end to end; {0} is empty and valid (set want_offsets
 * first). */
struct token_list {
    uint32_t *ids;           /* [capacity] */
    uint32_t *starts, *ends; /* [capacity] bytes in the sentence; NULL unless wanted */
    size_t count, capacity;
    bool want_offsets;
};
void token_list_clear(struct token_list *l); /* frees; empty again */

struct tokens; /* one per thread: holds the word cache */

/* Borrows the vocabulary until tokens_free(). Caller owns *out. */
enum fecit_status tokens_new(const struct vocabulary *v,
                             const struct tokens_options *options, struct tokens **out);
void tokens_free(struct tokens *t); /* NULL is fine */

/* Append the pieces of the sentence utf8 [size] (valid UTF-8) to `out`; no bos or eos.
 * An empty sentence appends nothing and is fine, and white space at the ends changes
 * nothing. *cut (may be NULL) tells whether max_pieces cut it.
 * Offsets: a piece lies at utf8[start..end); the bare mark before a word is empty,
 * start equals end. A folded vowel sign belongs to the letter before it. When it fails
 * nothing is appended. FECIT_E_INPUT: 64 MiB or more in one sentence. */
enum fecit_status tokens_push(struct tokens *t, const char *utf8, size_t size,
                              struct token_list *out, bool *cut);

#endif

/* clean.h -- a sentence as the pieces are made of it: every code point replaced as the
 * vocabulary's table says, a sign that composes with the letter before it made one with it,
 * spaces single, and for each byte where in the sentence it comes from. */
#ifndef CLEAN_H
#define CLEAN_H

#include "vocabulary.h"
#include <stdbool.h>

/* The last sentence. Borrowed: until the next clean_sentence() or clean_free(). */
struct clean {
    uint8_t *bytes; /* [n], readable for 256 bytes more */
    size_t n;
    uint32_t *begins, *ends; /* [n] bytes in the sentence; filled when wanted */
    uint32_t *cuts;          /* [n_cuts] ascending positions in bytes; ICU words only */
    size_t n_cuts;
    struct clean_table *table;
};

/* Borrows the vocabulary until clean_free(). fold_arabic and icu_words as in tokens.h.
 * FECIT_E_MODEL: a table that cannot be used. Caller owns *out. */
enum fecit_status clean_new(const struct vocabulary *v, bool fold_arabic,
                            bool icu_words, struct clean **out);
void clean_free(struct clean *c); /* NULL is fine */

enum fecit_status clean_sentence(struct clean *c, const char *utf8, uint32_t size,
                                 bool offsets);

/* One code point of valid UTF-8; a byte that begins none gives U+FFFD and counts as
 * one. */
static inline uint32_t next_code(const uint8_t *s, size_t left, uint32_t *code)
{
    const uint8_t c = s[0];
    uint32_t n = c < 0x80   ? 1
                 : c < 0xc2 ? 0
                 : c < 0xe0 ? 2
                 : c < 0xf0 ? 3
                 : c < 0xf5 ? 4
                            : 0;

    *code = n == 1 ? c : n ? c & (0x7fu >> n) : 0;
    if (n > left) n = 0;
    for (uint32_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) n = 0;
        *code = *code << 6 | (s[i] & 0x3f);
    }
    if (!n || *code > 0x10ffff) {
        *code = 0xfffd;
        n = 1;
    }
    return n;
}

#endif

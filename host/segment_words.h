/* segment_words.h -- whole words: the word boundaries of UAX #29, by ICU, with its dictionaries
 * for scripts that do not mark them. */
#ifndef SEGMENT_WORDS_H
#define SEGMENT_WORDS_H

#include "base/mem.h"
#include <stdbool.h>

struct segment_words; /* one per thread */

enum fecit_status segment_words_new(struct segment_words **out);
void segment_words_free(struct segment_words *w); /* NULL is fine */

/* Point it at valid UTF-8. Borrows the bytes until the next call or segment_words_free(). */
enum fecit_status segment_words_text(struct segment_words *w, const char *utf8,
                                     size_t size);

/* Widen the bytes [*start, *end) of the text to whole words, then drop what is neither letter,
 * digit nor mark from both ends. False when nothing is left. */
bool segment_words_cover(struct segment_words *w, size_t *start, size_t *end);

#endif

/* segment.h -- text -> sentences, with byte offsets: the rules of UAX #29 with the character
 * classes of the linked ICU (root locale, segment_rules.h), and four corrections:
 *   - a newline that only wraps a line of a hard-wrapped text ends nothing
 *     (segment_wrap.h says when that is so);
 *   - titles, initials, counting words and German dates do not end a sentence, nor does
 *     "!" or "?" before a small letter (segment_join.h);
 *   - an opening mark right behind the end belongs to the next sentence;
 *   - what is longer than SEGMENT_MAX is cut.
 * The same text always gives the same sentences, whatever came before. */
#ifndef SEGMENT_H
#define SEGMENT_H

#include "base/mem.h"

struct sentence {
    size_t start, end; /* bytes in the text, end exclusive, white space trimmed */
};

struct segment; /* one per thread */

enum fecit_status segment_new(struct segment **out);
void segment_free(struct segment *s); /* NULL is fine */

/* Point the segmenter at valid UTF-8.
 * Borrows the bytes until the next segment_text() or segment_free(). */
enum fecit_status segment_text(struct segment *s, const char *utf8, size_t size);

/* The next sentence that holds anything but white space and controls, or FECIT_END.
 * One longer than SEGMENT_MAX bytes is cut at its last white space before that, else
 * between code points. */
#define SEGMENT_MAX 4096
enum fecit_status segment_next(struct segment *s, struct sentence *out);

#endif

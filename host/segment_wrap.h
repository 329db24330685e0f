/* segment_wrap.h -- newlines that only wrap a line, and do not end what it says. Used by
 * segment.c only. */
#ifndef SEGMENT_WRAP_H
#define SEGMENT_WRAP_H

#include "segment_rules.h"

/* Text that was broken into lines of a fixed width (mail, agency wires, old archives) has
 * newlines in the middle of sentences. One of them only wraps its line when all of this
 * holds; widths are in columns, wide East Asian characters count 2:
 *   - no line of its paragraph (up to a blank line) is wider than WRAP_MOST;
 *   - its line is at least WRAP_LEAST wide: no headline, no signature;
 *   - its line goes up to the margin: the first word of the next line would not have
 *     fitted, with WRAP_SLACK to spare, into the widest line of the paragraph;
 *   - the next line is not indented further and begins no list entry ("- ", "3. ", "> ");
 *   - in the whole text, at least a quarter of the lines that such newlines lead to and
 *     that begin with a letter which has case begin with a small one. A list of headlines
 *     does not. */
#define WRAP_MOST  110
#define WRAP_LEAST 40
#define WRAP_SLACK 12

/* When `utf8` [size] has such newlines: a copy in *flat (its memory is used again) with
 * each of them, and a CR before it, turned into a space; else flat->size is 0. */
enum fecit_status segment_wrap_undo(const struct segment_rules *rules,
                                    const uint8_t *utf8, size_t size,
                                    struct bytes *flat);

#endif

/* segment.h -- text -> sentences by ICU's rules (UAX #29, root locale), with byte offsets. */
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

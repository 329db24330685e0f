/* segment_rules.h -- where a sentence may end, by the rules of UAX #29 (SB1 to SB998),
 * straight on UTF-8. The classes of characters are those of the ICU that is linked, so the
 * boundaries are those of its sentence iterator for the root locale; test_segment compares
 * them. Used by segment.c only. */
#ifndef SEGMENT_RULES_H
#define SEGMENT_RULES_H

#include "base/mem.h"
#include <stdbool.h>

struct segment_rules; /* read only once it is made */

enum fecit_status segment_rules_new(struct segment_rules **out);
void segment_rules_free(struct segment_rules *r); /* NULL is fine */

/* The byte after the sentence that begins at byte `from` < size. White space behind it
 * belongs to it. Bytes that are not UTF-8 do no harm. */
size_t segment_rules_next(const struct segment_rules *r, const uint8_t *utf8,
                          size_t size, size_t from);

/* Whether the character at byte `at` < size is a small or a capital letter. */
bool segment_rules_lower(const struct segment_rules *r, const uint8_t *utf8,
                         size_t size, size_t at);
bool segment_rules_upper(const struct segment_rules *r, const uint8_t *utf8,
                         size_t size, size_t at);

#endif

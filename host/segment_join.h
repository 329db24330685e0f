/* segment_join.h -- ends of sentences that UAX #29 sees and a reader does not. Used by
 * segment.c only. */
#ifndef SEGMENT_JOIN_H
#define SEGMENT_JOIN_H

#include "segment_rules.h"

/* Whether the boundary at byte `next` < size, behind the sentence that begins at `start`,
 * is none, because on one line before it stands
 *   - a title or first name that never ends a sentence, and a capital after it: Dr. Ito;
 *   - a word that counts what follows, and a digit after it: No. 7, Jan. 3;
 *   - a day, and a German month after it: 3. Oktober;
 *   - initials, and a capital after them that begins none of the words with which sentences
 *     often begin: U.S. Senate, J. K. Lind; but: in the U.S. The ...;
 *   - a question or exclamation mark, and a small letter after it: "Halt!" he said. */
bool segment_join_check(const struct segment_rules *rules, const uint8_t *utf8,
                        size_t size, size_t start, size_t next);

/* Where the sentence from `start` ends, when the rules say at byte `next`: opening marks
 * that stand there without a space belong to what follows (Chinese and Japanese write so),
 * the rules keep them with what goes before. */
size_t segment_join_back(const uint8_t *utf8, size_t start, size_t next);

#endif

/* window.h -- sentences that go through the cascade together: what is let through is read, short
 * ones first, copies once; their scores come out in the order in which they went in. */
#ifndef WINDOW_H
#define WINDOW_H

#include "cascade.h"

struct window;

/* Caller owns *out. */
enum fecit_status window_new(struct cascade *c, struct window **out);
void window_free(struct window *w); /* NULL is fine; nothing may be under way */

/* Append a sentence of n ids in `lang`. False when there is no room: launch, wait, clear. */
bool window_push(struct window *w, const char *lang, const uint32_t *ids, uint32_t n);
uint32_t window_count(const struct window *w);
uint32_t window_limit(const struct window *w); /* sentences that have room */
void window_clear(struct window *w);

/* Queue its work; the last part of the reading stays under way until window_wait(). */
enum fecit_status window_launch(struct window *w);
enum fecit_status window_wait(struct window *w);

/* Sentence i, whose text is utf8 [size]: class, and roles when it is a statement. *by_reader
 * tells which stage decided. */
enum fecit_status window_verdict(struct window *w, uint32_t i, const char *utf8,
                                 size_t size, struct verdict *out, bool *by_reader);

#endif

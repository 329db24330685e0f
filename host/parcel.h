/* parcel.h -- some documents travelling the host's road together: about 64 KiB of text, so
 * that a thread's lock costs nothing beside its work. What the source refused travels in
 * the same parcels, so that rejects are written in reading order. */
#ifndef PARCEL_H
#define PARCEL_H

#include "language.h"
#include "segment.h"
#include "source.h"
#include "tokens.h"

#define PARCEL_BYTES (64u << 10) /* a parcel is full with so many raw bytes ... */
#define PARCEL_ITEMS 256u        /* ... or so many documents and rejects */
#define REJECT_HEAD  64

/* Where a sentence's pieces lie in its parcel's token list. */
struct parcel_span {
    uint32_t begin, count;
};

/* A document, or a part of one, or a reject (then `why` is set and only file, offset, line,
 * head are valid). */
struct parcel_item {
    struct document document;
    struct bytes text;     /* the part as valid UTF-8 */
    uint32_t first, count; /* its sentences in the parcel */
    uint64_t repaired;
    const char *lang; /* static, or the document's own */
    char *why;        /* NULL: not a reject */
    uint64_t line;
    uint8_t head[REJECT_HEAD];
    size_t head_size;
};

struct parcel {
    struct parcel_item *items; /* [capacity], n_items in use */
    size_t n_items, capacity;
    struct sentence *sentences; /* [n_sentences] byte ranges in their item's text */
    struct parcel_span *spans;  /* [n_sentences] their pieces */
    size_t n_sentences, sentence_capacity, span_capacity;
    struct token_list tokens;
    size_t raw_bytes;
};

/* Nanoseconds of work by station, added up over the threads. */
struct parcel_times {
    uint64_t source, text, segment, tokens;
};

/* One thread's tools. */
struct parcel_tools {
    struct segment *segment;
    struct tokens *tokens;
    struct parcel_times times;
};

enum fecit_status parcel_new(struct parcel **out);
void parcel_free(struct parcel *p); /* NULL is fine */

/* Empty it for the next use; buffers of ordinary size stay allocated. */
void parcel_clear(struct parcel *p);

/* A fresh item at the end. Borrows from p until the next push or clear. */
enum fecit_status parcel_push(struct parcel *p, struct parcel_item **out);
enum fecit_status parcel_push_reject(struct parcel *p, const struct reject *r);

/* Text, sentences and pieces of every document in p. */
enum fecit_status parcel_run(struct parcel *p, struct parcel_tools *tools);

enum fecit_status parcel_tools_init(struct parcel_tools *t, const struct vocabulary *v,
                                    const struct tokens_options *options);
void parcel_tools_clear(struct parcel_tools *t);

/* Monotonic clock, nanoseconds. */
uint64_t parcel_clock(void);

#endif

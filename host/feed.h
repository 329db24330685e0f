/* feed.h -- one thread reads, several split and tokenise, the caller gets parcels in
 * reading order. At most a fixed number of parcels and FEED_BYTES of text are under way,
 * whatever the size of the input. */
#ifndef FEED_H
#define FEED_H

#include "parcel.h"

#define FEED_BYTES                                                                     \
    (32u << 20) /* raw bytes under way; one larger document passes alone */

struct feed_options {
    const char *const *inputs; /* [n_inputs] */
    uint32_t n_inputs;
    struct source_options source;
    const struct vocabulary *vocabulary;
    struct tokens_options tokens;
    uint32_t threads; /* that split and tokenise; 0 = as many as processors */
    uint32_t shard_index, shard_count; /* count 0 or 1: everything */
    uint32_t hold; /* parcels the caller would like to hold; FEED_HOLD at least */
};

#define FEED_HOLD 8 /* parcels that may always be held */

struct feed;

/* Opens the inputs (FECIT_E_INPUT when one is missing) and starts the threads.
 * Borrows everything in the options until feed_close(). Caller owns *out. */
enum fecit_status feed_open(const struct feed_options *options, struct feed **out);

/* The next parcel in reading order; FECIT_END after the last; the status of the thread that
 * failed otherwise. *out is NULL when none was ready within 100 ms (FECIT_OK): look after
 * signals and call again. Caller hands the parcel back with feed_return(). */
enum fecit_status feed_next(struct feed *f, struct parcel **out);
void feed_return(struct feed *f, struct parcel *p);

/* How many parcels may be held by the caller before it must hand some back. */
uint32_t feed_hold(const struct feed *f);

uint64_t feed_total(const struct feed *f); /* input bytes, 0 = unknown */
uint64_t feed_read(const struct feed *f);  /* input bytes read so far */
uint64_t feed_files(const struct feed *f);
struct parcel_times feed_times(struct feed *f); /* final only after FECIT_END */

/* Stops the threads, waits for them, frees everything. NULL is fine. */
void feed_close(struct feed *f);

#endif

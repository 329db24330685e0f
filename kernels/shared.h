/* shared.h -- the treaty between host and device: read by both sides. */
#ifndef SHARED_H
#define SHARED_H

#ifdef __OPENCL_VERSION__
typedef uint shared_u32;
#else
#include <stdint.h>
typedef uint32_t shared_u32;
#endif

#define SHARED_CLASSES 4 /* none, asserted, hedged, denied */

/* Where a sentence's ids lie among all ids of its batch. */
struct shared_span {
    shared_u32 begin; /* first id */
    shared_u32 count; /* 0 is a legal, empty sentence */
};

/* Up to SHARED_QUERIES neighbouring pieces of a sentence, for attention. */
struct shared_block {
    shared_u32 begin, count;   /* the sentence's pieces in the batch */
    shared_u32 first, queries; /* those of this block */
};

#define SHARED_QUERIES 4

/* A table row touched by a training batch, and where its occurrences are listed. */
struct shared_row {
    shared_u32 row;   /* in the table */
    shared_u32 begin; /* first entry of its list of positions */
    shared_u32 count; /* never 0 */
};

#endif

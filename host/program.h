/* program.h -- the embedded kernel sources, built for a device with -D options, and kept as
 * binaries in $FECIT_CACHE, else $XDG_CACHE_HOME/fecit, else ~/.cache/fecit. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "device.h"

struct program;

/* `options`: "-DDIM=64 ...". A failed build is FECIT_E_DEVICE with the log's first lines.
 * A cache that cannot be read or written is no failure. Caller owns *out; it borrows the
 * device until program_free(). */
enum fecit_status program_build(struct device *d, const char *options,
                                struct program **out);
void program_free(struct program *p); /* NULL is fine */

/* Whether the last build came from the cache. */
bool program_was_cached(const struct program *p);

/* The folder of the cache, or NULL when there is none to have. Static per thread. */
const char *program_cache_folder(void);

/* Make that folder and those above it, as far as it can be done. */
void program_cache_make(void);

#endif

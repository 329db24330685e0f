/* language.h -- which language a document is written in (CLD2 behind a thin C face). */
#ifndef LANGUAGE_H
#define LANGUAGE_H

#include <stddef.h>

/* ISO 639-1 (or CLD2's code) of utf8 [size] by its first 512 bytes when they leave no doubt,
 * else by its first 4 KiB; "und" when CLD2 is not sure. Static. Safe from several threads. */
const char *language_of(const char *utf8, size_t size);

#endif

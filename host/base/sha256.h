/* sha256.h -- SHA-256 (FIPS 180-4), streaming. Checks that a file is the one meant; it
 * is no guard against an attacker who may change the file and its digest alike. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t state[8];
    uint64_t size;     /* bytes so far */
    uint8_t block[64]; /* [size % 64] wait for the rest of their block */
};

void sha256_init(struct sha256 *s);
void sha256_push(struct sha256 *s, const void *data, size_t size);
/* Lower-case hex and NUL. *s is used up: sha256_init() before another push. */
void sha256_hex(struct sha256 *s, char hex[65]);

#endif

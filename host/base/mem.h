/* mem.h -- every allocation of the program, and growable bytes. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "status.h"
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `count` items of `size` bytes, zeroed. NULL (and a status text) when memory is short.
 * A count of 0 gives a valid pointer. Caller owns it; gives it back with mem_free(). */
void *mem_new(size_t count, size_t size);

/* NULL is fine. */
void mem_free(void *p);

/* Make room for at least `need` items of `size` bytes in a growing array; doubles, so that
 * a push costs O(1). Takes `old` and returns the (moved) array; on failure returns NULL and
 * `old` stays valid. New bytes are not zeroed. */
void *mem_grow(void *old, size_t *capacity, size_t need, size_t size);

/* A NUL-terminated copy of `size` bytes. Caller owns it; mem_free(). */
char *mem_text(const char *bytes, size_t size);

/* Test hook: the n-th allocation from now on fails (1 = the next), on any thread, once;
 * 0 switches it off. */
void mem_fail_at(long n);

/* Growable bytes; {0} is empty and valid. */
struct bytes {
    uint8_t *data; /* [capacity], the first `size` in use */
    size_t size, capacity;
    int failed; /* nonzero once anything did not fit: many pushes, one question at the end */
};

enum fecit_status bytes_push(struct bytes *b, const void *data, size_t size);
enum fecit_status bytes_reserve(struct bytes *b, size_t capacity); /* at least */
/* printf onto the end; no NUL is counted. */
enum fecit_status bytes_print(struct bytes *b, const char *format, ...)
    STATUS_PRINTF(2, 3);
/* `utf8` [size] as a JSON string with quotes onto the end. */
enum fecit_status bytes_push_json(struct bytes *b, const char *utf8, size_t size);
void bytes_clear(struct bytes *b); /* frees; empty again */

#ifdef __cplusplus
}
#endif
#endif

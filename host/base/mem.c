#include "mem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_long fail_at;

void mem_fail_at(long n)
{
    atomic_store(&fail_at, n);
}

/* True when the test hook wants this allocation to fail. */
static int must_fail(void)
{
    if (atomic_load_explicit(&fail_at, memory_order_relaxed) <= 0) return 0;
    return atomic_fetch_sub(&fail_at, 1) == 1;
}

void *mem_new(size_t count, size_t size)
{
    void *p = must_fail() ? NULL : calloc(count ? count : 1, size ? size : 1);

    if (!p)
        status_set(FECIT_E_MEMORY,
                   "out of memory: asked for %zu items of %zu bytes; use fewer threads "
                   "or a machine with more memory",
                   count, size);
    return p;
}

void mem_free(void *p)
{
    free(p);
}

void *mem_grow(void *old, size_t *capacity, size_t need, size_t size)
{
    size_t want = *capacity ? *capacity : 16;
    void *p = NULL;

    if (need <= *capacity && old) return old;
    while (want < need && want <= SIZE_MAX / 2)
        want *= 2;
    if (want >= need && want <= SIZE_MAX / size && !must_fail())
        p = realloc(old, want * size);
    if (!p) {
        status_set(FECIT_E_MEMORY,
                   "out of memory: cannot grow an array to %zu items of %zu bytes; use "
                   "fewer threads or a machine with more memory",
                   need, size);
        return NULL;
    }
    *capacity = want;
    return p;
}

char *mem_text(const char *bytes, size_t size)
{
    char *copy = mem_new(size + 1, 1);

    if (copy && size) memcpy(copy, bytes, size);
    return copy;
}

enum fecit_status bytes_reserve(struct bytes *b, size_t capacity)
{
    enum fecit_status st = FECIT_OK;
    void *grown = mem_grow(b->data, &b->capacity, capacity, 1);

    TRY_MEM(grown);
    b->data = grown;
done:
    b->failed = b->failed || st != FECIT_OK;
    return st;
}

enum fecit_status bytes_push(struct bytes *b, const void *data, size_t size)
{
    enum fecit_status st = FECIT_OK;

    TRY(bytes_reserve(b, b->size + size));
    if (size) memcpy(b->data + b->size, data, size);
    b->size += size;
done:
    return st;
}

enum fecit_status bytes_print(struct bytes *b, const char *format, ...)
{
    enum fecit_status st = FECIT_OK;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    TRY(bytes_reserve(b, b->size + (size_t)n + 1));
    va_start(args, format);
    vsnprintf((char *)b->data + b->size, (size_t)n + 1, format, args);
    va_end(args);
    b->size += (size_t)n;
done:
    return st;
}

enum fecit_status bytes_push_json(struct bytes *b, const char *utf8, size_t size)
{
    static const char hex[] = "0123456789abcdef";
    enum fecit_status st = FECIT_OK;

    TRY(bytes_reserve(b, b->size + 6 * size + 2)); /* \u00XX is the longest escape */
    b->data[b->size++] = '"';
    for (size_t i = 0; i < size; i++) {
        const uint8_t c = (uint8_t)utf8[i];
        if (c == '"' || c == '\\') {
            b->data[b->size++] = '\\';
            b->data[b->size++] = c;
        } else if (c < 0x20 || c == 0x7f) {
            memcpy(b->data + b->size, "\\u00", 4);
            b->data[b->size + 4] = (uint8_t)hex[c >> 4];
            b->data[b->size + 5] = (uint8_t)hex[c & 15];
            b->size += 6;
        } else {
            b->data[b->size++] = c;
        }
    }
    b->data[b->size++] = '"';
done:
    return st;
}

void bytes_clear(struct bytes *b)
{
    mem_free(b->data);
    *b = (struct bytes){0};
}

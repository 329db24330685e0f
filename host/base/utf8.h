/* utf8.h -- code points out of bytes that may be no UTF-8 at all. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "mem.h"
#include <stdbool.h>

/* The code point at *at, which moves past it; *at < end. -1 for bytes that are none by
 * Unicode 15, table 3-7 (overlong, surrogate, cut): *at then moves past the longest
 * start of one, as a decoder with U+FFFD does. */
static inline int32_t utf8_next(const char **at, const char *end)
{
    const uint8_t *p = (const uint8_t *)*at;
    const uint8_t first = *p++;
    uint8_t low = 0x80, high = 0xbf; /* bounds of the second byte */
    int more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    int32_t code = more == 0 ? first : first & (0x3f >> more);

    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
    if (first > 0xf4 || (first >= 0x80 && first < 0xc2)) code = -1;
    for (; code >= 0 && more > 0; more--, low = 0x80, high = 0xbf) {
        if (p == (const uint8_t *)end || *p < low || *p > high)
            code = -1;
        else
            code = code << 6 | (*p++ & 0x3f);
    }
    *at = (const char *)p;
    return code;
}

/* Whether all of it is UTF-8. */
bool utf8_check(const char *text, size_t size);

/* `text` onto the end of b with what is no UTF-8 replaced by U+FFFD. */
enum fecit_status utf8_push(struct bytes *b, const char *text, size_t size);

#endif

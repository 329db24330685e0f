#include "utf8.h"

#include <string.h>

bool utf8_check(const char *text, size_t size)
{
    const char *at = text, *end = text + size;
    uint64_t eight;

    while (at < end) {
        while (end - at >= 8) { /* most of most texts, and all of keys and names */
            memcpy(&eight, at, 8);
            if (eight & 0x8080808080808080) break;
            at += 8;
        }
        if (at < end && utf8_next(&at, end) < 0) return false;
    }
    return true;
}

enum fecit_status utf8_push(struct bytes *b, const char *text, size_t size)
{
    enum fecit_status st = FECIT_OK;
    const char *at = text, *end = text + size, *good = text;

    while (at < end) {
        const char *here = at;
        if (utf8_next(&at, end) >= 0) continue;
        TRY(bytes_push(b, good, (size_t)(here - good)));
        TRY(bytes_push(b, "\xef\xbf\xbd", 3));
        good = at;
    }
    TRY(bytes_push(b, good, (size_t)(end - good)));
done:
    return st;
}

#include "text.h"

#include <stdbool.h>
#include <string.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

enum text_encoding text_encoding_of(const uint8_t *raw, size_t size, size_t *bom_size)
{
    size_t even = 0, odd = 0;
    const size_t look = size < 4096 ? size & ~(size_t)1 : 4096;

    *bom_size = 0;
    if (size >= 3 && !memcmp(raw, "\xEF\xBB\xBF", 3)) {
        *bom_size = 3;
        return TEXT_UTF8;
    }
    if (size >= 2 && (!memcmp(raw, "\xFF\xFE", 2) || !memcmp(raw, "\xFE\xFF", 2))) {
        *bom_size = 2;
        return raw[0] == 0xFF ? TEXT_UTF16LE : TEXT_UTF16BE;
    }
    for (size_t i = 0; i < look; i += 2) {
        even += raw[i] == 0;
        odd += raw[i + 1] == 0;
    }
    /* Latin text in UTF-16 has a NUL in nearly every second byte; any text has spaces and
     * line ends, so a twentieth is asked for, all on one side. */
    if (look >= 4 && odd > look / 40 && even == 0) return TEXT_UTF16LE;
    if (look >= 4 && even > look / 40 && odd == 0) return TEXT_UTF16BE;
    return TEXT_UTF8;
}

static enum fecit_status read_utf8(const uint8_t *raw, size_t size, struct bytes *out,
                                   uint64_t *repaired)
{
    enum fecit_status st = FECIT_OK;
    size_t i = 0, good = 0; /* raw[good .. i) is well formed and not yet copied */

    TRY(bytes_reserve(out, size + 16));
    while (i < size) {
        size_t next = i;
        UChar32 c;
        uint64_t eight;
        /* Eight ASCII bytes at a time, none of them NUL. */
        while (i + 8 <= size && (memcpy(&eight, raw + i, 8), true) &&
               !(eight & 0x8080808080808080u) &&
               !((eight - 0x0101010101010101u) & ~eight & 0x8080808080808080u))
            i += 8;
        if (i >= size) break;
        next = i;
        U8_NEXT(raw, next, size, c);
        if (c > 0) {
            i = next;
            continue;
        }
        TRY(bytes_push(out, raw + good, i - good));
        TRY(bytes_push(out, replacement, 3));
        ++*repaired;
        i = good = next;
    }
    TRY(bytes_push(out, raw + good, size - good));
done:
    return st;
}

static enum fecit_status read_utf16(const uint8_t *raw, size_t size, int big,
                                    struct bytes *out, uint64_t *repaired)
{
    enum fecit_status st = FECIT_OK;
    const size_t n = size / 2;

    TRY(bytes_reserve(out, 3 * n + 16));
#define UNIT(k)                                                                        \
    ((uint16_t)(big ? raw[2 * (k)] << 8 | raw[2 * (k) + 1]                             \
                    : raw[2 * (k) + 1] << 8 | raw[2 * (k)]))
    for (size_t i = 0; i < n; i++) {
        UChar32 c = UNIT(i);
        if (U16_IS_LEAD(c) && i + 1 < n && U16_IS_TRAIL(UNIT(i + 1))) {
            c = U16_GET_SUPPLEMENTARY(c, UNIT(i + 1));
            i++;
        }
        if (U_IS_SURROGATE(c) || c == 0) {
            c = 0xFFFD;
            ++*repaired;
        }
        TRY(bytes_reserve(out, out->size + 4));
        U8_APPEND_UNSAFE(out->data, out->size, c);
    }
    if (size % 2) {
        TRY(bytes_push(out, replacement, 3));
        ++*repaired;
    }
#undef UNIT
done:
    return st;
}

enum fecit_status text_read(const uint8_t *raw, size_t size,
                            enum text_encoding encoding, int first, struct bytes *out,
                            uint64_t *repaired)
{
    size_t bom = 0;
    enum text_encoding found = TEXT_UTF8;

    *repaired = 0;
    out->size = 0;
    if (first) found = text_encoding_of(raw, size, &bom);
    if (encoding == TEXT_AUTO)
        encoding = found;
    else if (encoding != found)
        bom = 0; /* not this encoding's mark */
    if (encoding == TEXT_UTF8) return read_utf8(raw + bom, size - bom, out, repaired);
    return read_utf16(raw + bom, size - bom, encoding == TEXT_UTF16BE, out, repaired);
}

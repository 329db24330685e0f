#include "text.h"
#include "base/json.h"

#include <stdbool.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

static uint16_t unit_at(const uint8_t *p, bool big)
{
    return (uint16_t)(big ? p[0] << 8 | p[1] : p[1] << 8 | p[0]);
}

/* Of raw [size] as UTF-16: units that no text has, and units that every text has. */
static void utf16_signs(const uint8_t *raw, size_t size, bool big, size_t *bad,
                        size_t *common)
{
    *bad = *common = 0;
    for (size_t i = 0; i + 2 <= size; i += 2) {
        const UChar32 c = unit_at(raw + i, big);
        const int8_t type = u_charType(c);
        if (U16_IS_LEAD(c) && i + 4 <= size && U16_IS_TRAIL(unit_at(raw + i + 2, big)))
            i += 2;
        else if (U16_IS_LEAD(c) && i + 4 > size) /* the look ends in a pair */
            break;
        else if ((c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t' ||
                 (c >= 0x3000 && c <= 0x3002) || (c >= 0xFF01 && c <= 0xFF1F))
            ++*common;
        else
            *bad += type == U_UNASSIGNED || type == U_CONTROL_CHAR ||
                    type == U_PRIVATE_USE_CHAR || type == U_SURROGATE;
    }
}

/* UTF-16 without a mark: bytes that are no UTF-8 text, but units that make sense in one of
 * the two orders. Chinese has few NULs and U+4E00, so NULs alone do not tell. */
static enum text_encoding utf16_guess(const uint8_t *raw, size_t size)
{
    size_t bad[2], common[2];

    for (int big = 0; big < 2; big++)
        utf16_signs(raw, size, big, &bad[big], &common[big]);
    for (int big = 0; big < 2; big++)
        if (bad[big] <= size / 256 && common[big] > size / 128 &&
            common[big] > common[!big])
            return big ? TEXT_UTF16BE : TEXT_UTF16LE;
    return TEXT_UTF8;
}

/* The encoding that a byte order mark names; TEXT_AUTO when there is none. */
static enum text_encoding mark_of(const uint8_t *raw, size_t size, size_t *bom_size)
{
    *bom_size = 0;
    if (size >= 3 && !memcmp(raw, "\xEF\xBB\xBF", 3)) {
        *bom_size = 3;
        return TEXT_UTF8;
    }
    if (size >= 2 && (!memcmp(raw, "\xFF\xFE", 2) || !memcmp(raw, "\xFE\xFF", 2))) {
        *bom_size = 2;
        return raw[0] == 0xFF ? TEXT_UTF16LE : TEXT_UTF16BE;
    }
    return TEXT_AUTO;
}

enum text_encoding text_encoding_of(const uint8_t *raw, size_t size, size_t *bom_size)
{
    const enum text_encoding mark = mark_of(raw, size, bom_size);
    const size_t look = size < 4096 ? size : 4096;
    size_t whole = look; /* without a code point that the look cuts */
    size_t controls = 0; /* that no text has, NUL too; every second byte in UTF-16 */

    if (mark != TEXT_AUTO || look < 4) return mark == TEXT_AUTO ? TEXT_UTF8 : mark;
    for (size_t i = 1; i < 4; i++)
        if (raw[look - i] >= 0xC0) {
            whole = look - i;
            break;
        } else if (raw[look - i] < 0x80) {
            break;
        }
    for (size_t i = 0; i < look; i++)
        controls += raw[i] < ' ' && !(raw[i] >= '\t' && raw[i] <= '\r');
    if (controls <= look / 16 && json_utf8_check((const char *)raw, whole))
        return TEXT_UTF8;
    return utf16_guess(raw, look & ~(size_t)1);
}

static enum fecit_status read_utf8(const uint8_t *raw, size_t size, struct bytes *out,
                                   uint64_t *repaired)
{
    enum fecit_status st = FECIT_OK;
    size_t i = 0, good = 0; /* raw[good .. i) is well formed and not yet copied */

    if (size == 0) goto done;
    TRY(bytes_reserve(out, size + 16));
    if (json_utf8_check((const char *)raw, size) && !memchr(raw, 0, size))
        i = size; /* nearly every text */
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

static enum fecit_status read_utf16(const uint8_t *raw, size_t size, bool big,
                                    struct bytes *out, uint64_t *repaired)
{
    enum fecit_status st = FECIT_OK;
    const size_t n = size / 2;

    TRY(bytes_reserve(out, 3 * n + 16));
    for (size_t i = 0; i < n; i++) {
        UChar32 c = unit_at(raw + 2 * i, big);
        if (U16_IS_LEAD(c) && i + 1 < n) {
            const uint16_t trail = unit_at(raw + 2 * i + 2, big);
            if (U16_IS_TRAIL(trail)) {
                c = U16_GET_SUPPLEMENTARY(c, trail);
                i++;
            }
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
    if (first)
        found = encoding == TEXT_AUTO ? text_encoding_of(raw, size, &bom)
                                      : mark_of(raw, size, &bom);
    if (encoding == TEXT_AUTO) encoding = found;
    if (encoding != found) bom = 0; /* not this encoding's mark */
    if (encoding == TEXT_UTF8) return read_utf8(raw + bom, size - bom, out, repaired);
    return read_utf16(raw + bom, size - bom, encoding == TEXT_UTF16BE, out, repaired);
}

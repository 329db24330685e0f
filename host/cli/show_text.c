#include "show_text.h"
#include "../base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static bool is_break(int32_t c)
{
    return (c >= 9 && c <= 13) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

static bool is_control(int32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

static bool is_embedding(int32_t c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static bool is_right_to_left(int32_t c)
{
    return (c >= 0x590 && c <= 0x8ff) || c == 0x200f || (c >= 0xfb1d && c <= 0xfdff) ||
           (c >= 0xfe70 && c <= 0xfeff) || (c >= 0x10800 && c <= 0x10fff) ||
           (c >= 0x1e800 && c <= 0x1efff);
}

/* One character as it is shown: bytes [*size] and columns; none for what is dropped. */
static const char *shown(int32_t c, const char *from, size_t *size, int *columns)
{
    if (is_break(c)) {
        *size = *columns = 1;
        return " ";
    }
    *columns = c < 0 || is_control(c) ? -1 : wcwidth((wchar_t)c);
    if (is_embedding(c)) *size = 0, *columns = 0;
    if (*columns >= 0) return from;
    *size = 3;
    *columns = 1;
    return "\xef\xbf\xbd";
}

enum fecit_status show_text_push(struct bytes *b, const char *text, size_t size,
                                 int width, bool isolate, int *used)
{
    enum fecit_status st = FECIT_OK;
    const char *at = text, *end = text + size;
    const size_t start = b->size;
    size_t cut = 0, n; /* where the text ends when it must be cut */
    bool turned = false, too_long = false;
    int columns, cut_used = 0;

    *used = 0;
    if (isolate) TRY(bytes_push(b, "\xe2\x81\xa8", 3));
    cut = b->size;
    while (at < end && !too_long) {
        const char *from = at;
        const int32_t c = utf8_next(&at, end);
        n = (size_t)(at - from);
        from = shown(c, from, &n, &columns);
        turned = turned || is_right_to_left(c);
        if (width > 0 && *used + columns > width) {
            too_long = true;
            break;
        }
        TRY(bytes_push(b, from, n));
        *used += columns;
        if (*used < width) { /* here the ellipsis still has a column */
            cut = b->size;
            cut_used = *used;
        }
    }
    if (too_long) {
        b->size = cut;
        TRY(bytes_push(b, "\xe2\x80\xa6", 3));
        *used = cut_used + 1;
    }
    if (isolate && turned) TRY(bytes_push(b, "\xe2\x81\xa9", 3));
    if (isolate && !turned) { /* it needs none: take the opening back */
        memmove(b->data + start, b->data + start + 3, b->size - start - 3);
        b->size -= 3;
    }
done:
    return st;
}

/* ---- JSON ----------------------------------------------------------------------- */

static enum fecit_status push_string(struct bytes *b, const char *text, size_t size)
{
    enum fecit_status st = FECIT_OK;
    const char *at = text, *end = text + size;

    TRY(bytes_push(b, "\"", 1));
    while (at < end) {
        const char *from = at;
        const int32_t c = utf8_next(&at, end);
        if (c < 0)
            TRY(bytes_push(b, "\xef\xbf\xbd", 3));
        else if (c == '"' || c == '\\')
            TRY(bytes_print(b, "\\%c", (char)c));
        else if (is_control(c) || is_embedding(c) || c == 0x2028 || c == 0x2029)
            TRY(bytes_print(b, "\\u%04x", (unsigned)c));
        else
            TRY(bytes_push(b, from, (size_t)(at - from)));
    }
    TRY(bytes_push(b, "\"", 1));
done:
    return st;
}

static enum fecit_status push_float(struct bytes *b, double value)
{
    char text[40];

    if (!isfinite(value)) return bytes_print(b, "null");
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtof(text, NULL) == (float)value && (double)(float)value == value) break;
    }
    return bytes_print(b, "%s", text);
}

static enum fecit_status push_map(struct bytes *b, struct record map)
{
    enum fecit_status st = FECIT_OK;
    struct record key, value;
    const char *comma = "";

    TRY(bytes_print(b, "{"));
    while (record_step(&map, &key) && record_step(&map, &value)) {
        if (key.kind != RECORD_TEXT) continue; /* fecit writes no other */
        TRY(bytes_print(b, "%s", comma));
        TRY(push_string(b, key.text, key.size));
        TRY(bytes_print(b, ": "));
        if (key.size == 4 && !memcmp(key.text, "hash", 4) && value.kind == RECORD_UINT)
            TRY(bytes_print(b, "\"%016llx\"", (unsigned long long)value.u));
        else
            TRY(show_json_push(b, value));
        comma = ", ";
    }
    TRY(bytes_print(b, "}"));
done:
    return st;
}

enum fecit_status show_json_push(struct bytes *b, struct record value)
{
    enum fecit_status st = FECIT_OK;
    struct record item;
    const char *comma = "";

    switch (value.kind) {
    case RECORD_NIL:
    case RECORD_BIN:
        return bytes_print(b, "null"); /* fecit writes no bytes */
    case RECORD_BOOL:
        return bytes_print(b, value.u ? "true" : "false");
    case RECORD_UINT:
        return bytes_print(b, "%llu", (unsigned long long)value.u);
    case RECORD_INT:
        return bytes_print(b, "%lld", (long long)value.i);
    case RECORD_FLOAT:
        return push_float(b, value.f);
    case RECORD_TEXT:
        return push_string(b, value.text, value.size);
    case RECORD_MAP:
        return push_map(b, value);
    case RECORD_LIST:
        break;
    }
    TRY(bytes_print(b, "["));
    for (; record_step(&value, &item); comma = ", ") {
        TRY(bytes_print(b, "%s", comma));
        TRY(show_json_push(b, item));
    }
    TRY(bytes_print(b, "]"));
done:
    return st;
}

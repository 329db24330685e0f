/* plain.c -- plain text: a file a document, in parts when it is large; with `sentences`, a
 * line a document. */
#include "format.h"

#include <stdio.h>
#include <string.h>

#define PART (1u << 20) /* bytes; a larger text comes in parts of about this size */

/* Bytes of one code unit. */
static size_t unit_size(enum text_encoding e)
{
    return e == TEXT_UTF16LE || e == TEXT_UTF16BE ? 2 : 1;
}

/* The code unit at p as a number (UTF-8: the byte). */
static uint32_t unit_at(const uint8_t *p, enum text_encoding e)
{
    if (e == TEXT_UTF16LE) return p[0] | (uint32_t)p[1] << 8;
    if (e == TEXT_UTF16BE) return p[1] | (uint32_t)p[0] << 8;
    return p[0];
}

/* Where to cut data [size], size >= PART: after the last blank line of the second half, else
 * after the last line, else after the last space, else between two code points. */
static size_t part_size(const uint8_t *data, size_t size, enum text_encoding e)
{
    const size_t u = unit_size(e), least = PART / 2;
    size_t line = 0, space = 0, end = size - size % u;

    for (size_t i = end - u; i >= least; i -= u) {
        const uint32_t c = unit_at(data + i, e);
        if (c == '\n') {
            size_t before = i - u;
            if (unit_at(data + before, e) == '\r') before -= u;
            if (unit_at(data + before, e) == '\n') return i + u;
            if (line == 0) line = i + u;
        } else if (c == ' ' && space == 0) {
            space = i + u;
        }
    }
    if (line > 0) return line;
    if (space > 0) return space;
    if (u == 1) {
        size_t i = end - 1;
        while (i > end - 4 && (data[i] & 0xC0) == 0x80)
            i--;
        return data[i] >= 0xC0 ? i : end;
    }
    return (unit_at(data + end - u, e) & 0xFC00) == 0xD800 ? end - u : end;
}

static enum fecit_status line_next(struct reading *r, struct document *d)
{
    enum fecit_status st = FECIT_OK;
    struct stream *s = &r->stream;
    const size_t u = unit_size(r->encoding);
    char id[32];

    for (;;) {
        size_t n = 0, size;
        bool whole = false;
        while (!whole) {
            TRY(stream_fill(s, n + PART));
            size = stream_size(s) - stream_size(s) % u;
            while (n < size && unit_at(stream_data(s) + n, r->encoding) != '\n')
                n += u;
            whole = n < size || s->end;
        }
        if (stream_size(s) == 0) {
            st = FECIT_END;
            goto done;
        }
        if (n == 0 && stream_size(s) < u) n = stream_size(s); /* half a UTF-16 unit */
        d->offset = s->offset;
        TRY(bytes_push(&d->raw, stream_data(s), n));
        snprintf(id, sizeof id, ":%llu", (unsigned long long)s->line);
        stream_skip(s, n + u <= stream_size(s) ? n + u : stream_size(s));
        s->line++;
        if (n >= u && unit_at(d->raw.data + n - u, r->encoding) == '\r')
            d->raw.size -= u;
        if (d->raw.size > 0) break;
    }
    TRY_MEM(d->id = mem_new(strlen(r->name) + sizeof id, 1));
    strcpy(d->id, r->name);
    strcat(d->id, id);
    d->sentences = d->last = true;
    d->encoding = r->encoding;
done:
    return st;
}

enum fecit_status plain_next(struct reading *r, struct document *d)
{
    enum fecit_status st = FECIT_OK;
    struct stream *s = &r->stream;
    size_t n;

    if (r->options->sentences) return line_next(r, d);
    if (r->done) return FECIT_END;
    TRY(stream_fill(s, PART + 1));
    n = stream_size(s);
    if (n > PART) n = part_size(stream_data(s), PART, r->encoding);
    d->offset = s->offset;
    TRY(bytes_push(&d->raw, stream_data(s), n));
    stream_skip(s, n);
    TRY_MEM(d->id = mem_text(r->name, strlen(r->name)));
    d->part = r->part++;
    d->last = r->done = stream_size(s) == 0 && s->end;
    d->encoding = r->encoding;
done:
    return st;
}

/* plain.c -- plain text: a file a document, in parts when it is large; with `sentences`, a
 * line a document. */
#include "format.h"

#include <string.h>

#define PART (1u << 20) /* bytes; a larger text comes in parts of about this size */

/* Where to cut data [size], size >= PART: after the last blank line of the second half, else
 * after the last line, else after the last space, else between two code points. */
static size_t part_size(const uint8_t *data, size_t size, enum text_encoding e)
{
    const size_t u = stream_unit(e), least = PART / 2;
    size_t line = 0, space = 0, end = size - size % u;

    for (size_t i = end - u; i >= least; i -= u) {
        const uint32_t c = stream_unit_at(data + i, e);
        if (c == '\n') {
            size_t before = i - u;
            if (stream_unit_at(data + before, e) == '\r') before -= u;
            if (stream_unit_at(data + before, e) == '\n') return i + u;
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
    return (stream_unit_at(data + end - u, e) & 0xFC00) == 0xD800 ? end - u : end;
}

static enum fecit_status line_next(struct reading *r, struct document *d)
{
    enum fecit_status st = FECIT_OK;
    struct stream *s = &r->stream;
    const size_t u = stream_unit(r->encoding);

    while (!d->id) {
        size_t size, with_end;
        bool too_long;
        d->offset = s->offset;
        TRY(stream_line(s, r->encoding, format_most(r), &size, &with_end, &too_long));
        if (too_long) {
            TRY(format_too_long(r, d->offset));
            continue;
        }
        if (with_end == 0) {
            st = FECIT_END;
            goto done;
        }
        if (!format_blank(stream_data(s), size, r->encoding)) {
            if (size >= u &&
                stream_unit_at(stream_data(s) + size - u, r->encoding) == '\r')
                size -= u;
            TRY(bytes_push(&d->raw, stream_data(s), size));
            TRY(format_line_id(r, &d->id));
        }
        stream_skip(s, with_end);
        s->line++;
    }
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

/* jsonl.c -- one JSON object a line (https://jsonlines.org). */
#include "format.h"

#include <string.h>

static enum fecit_status copy_field(struct json record, const char *name, char **out)
{
    struct json value;

    if (!name || !json_get(record, name, &value)) return FECIT_OK;
    return json_copy(value, out);
}

/* The record into *d. *why is set (static, or in r->scratch) when it is no document. */
static enum fecit_status record_read(struct reading *r, struct json record,
                                     struct document *d, const char **why)
{
    enum fecit_status st = FECIT_OK;
    const struct source_options *o = r->options;
    const char *field = o->text_field ? o->text_field : "text", *text;
    struct json value;
    size_t size;

    *why = NULL;
    if (json_kind(record) != JSON_MAP) {
        *why = "a JSON value, but not an object; expected {\"id\": ..., \"text\": ...}";
        goto done;
    }
    if (!json_get(record, field, &value)) {
        r->scratch.size = 0;
        TRY(bytes_print(&r->scratch,
                        "the object has no field \"%s\"; name the right one with "
                        "--text-field%c",
                        field, 0));
        *why = (const char *)r->scratch.data;
        goto done;
    }
    if (!json_text(value, &text, &size)) {
        r->scratch.size = 0;
        TRY(bytes_print(&r->scratch,
                        "the field \"%s\" is not a string; name the right one with "
                        "--text-field%c",
                        field, 0));
        *why = (const char *)r->scratch.data;
        goto done;
    }
    TRY(bytes_push(&d->raw, text, size));
    if (o->id_field) {
        TRY(copy_field(record, o->id_field, &d->id));
    } else {
        TRY(copy_field(record, "id", &d->id));
        if (!d->id) TRY(copy_field(record, "doc_id", &d->id));
    }
    TRY(copy_field(record, o->lang_field ? o->lang_field : "lang", &d->lang));
    TRY(copy_field(record, o->date_field ? o->date_field : "date", &d->date));
    TRY(copy_field(record, o->url_field ? o->url_field : "url", &d->url));
    TRY(copy_field(record, o->title_field ? o->title_field : "title", &d->title));
    TRY(copy_field(record, o->source_field ? o->source_field : "source", &d->source));
    if (!d->id) TRY(format_line_id(r, &d->id));
    d->encoding = TEXT_UTF8;
    d->sentences = o->sentences;
    d->last = true;
done:
    return st;
}

/* The code unit that the escape at p (\uXXXX, at least 6 bytes) names; -1 when it is none. */
static int32_t escape_at(const uint8_t *p)
{
    int32_t unit = 0;

    if (p[0] != '\\' || p[1] != 'u') return -1;
    for (int i = 2; i < 6; i++) {
        const int32_t small = p[i] | 0x20;
        if (p[i] >= '0' && p[i] <= '9')
            unit = unit << 4 | (p[i] - '0');
        else if (small >= 'a' && small <= 'f')
            unit = unit << 4 | (small - 'a' + 10);
        else
            return -1;
    }
    return unit;
}

/* Escapes that name one half of a surrogate pair become \uFFFD; programs that cut text
 * between the two halves write them. Returns how many. */
static uint64_t escapes_repair(uint8_t *line, size_t size)
{
    uint64_t repaired = 0;
    size_t i = 0;

    while (i + 6 <= size) {
        const uint8_t *next = memchr(line + i, '\\', size - i);
        int32_t unit;
        if (!next || (i = (size_t)(next - line)) + 6 > size) break;
        unit = escape_at(line + i);
        if (unit < 0xD800 || unit > 0xDFFF) {
            i += 2;
        } else if (unit < 0xDC00 && i + 12 <= size &&
                   escape_at(line + i + 6) >= 0xDC00 &&
                   escape_at(line + i + 6) <= 0xDFFF) {
            i += 12;
        } else {
            memcpy(line + i + 2, "FFFD", 4);
            repaired++;
            i += 6;
        }
    }
    return repaired;
}

/* Parse the line; when it is not JSON only because of ill-formed UTF-8 or half surrogate
 * pairs, repair it and parse again. */
static enum fecit_status line_parse(struct reading *r, const uint8_t *line, size_t size,
                                    struct json *record, uint64_t *repaired)
{
    enum fecit_status st;
    bool bad_utf8 = false;
    uint64_t escapes;

    *repaired = 0;
    st = json_parse(r->json, (const char *)line, size, record, &bad_utf8);
    if (st != FECIT_E_INPUT) goto done;
    TRY(text_read(line, size, TEXT_UTF8, 0, &r->scratch, repaired));
    escapes = escapes_repair(r->scratch.data, r->scratch.size);
    *repaired += escapes;
    st = bad_utf8 || escapes > 0 ? json_parse(r->json, (const char *)r->scratch.data,
                                              r->scratch.size, record, NULL)
                                 : FECIT_E_INPUT; /* with json_parse's text */
done:
    return st;
}

/* The line [size] at the stream's place into *d, or to on_reject: then d->id is NULL. */
static enum fecit_status line_read(struct reading *r, size_t size, struct document *d)
{
    enum fecit_status st = FECIT_OK;
    const struct stream *s = &r->stream;
    const uint8_t *line = stream_data(s);
    struct json record;
    const char *why = NULL;

    st = line_parse(r, line, size, &record, &d->repaired);
    if (st == FECIT_E_INPUT) {
        r->scratch.size = 0;
        TRY(bytes_print(&r->scratch,
                        "not JSON: %s; expected one object on the line: {\"id\": ..., "
                        "\"text\": ...}%c",
                        status_text(), 0));
        why = (const char *)r->scratch.data;
    } else {
        TRY(st);
        TRY(record_read(r, record, d, &why));
    }
    d->offset = s->offset;
    if (why) TRY(format_reject(r, s->offset, s->line, line, size, why));
    if (why) document_clear(d);
done:
    return st;
}

enum fecit_status jsonl_next(struct reading *r, struct document *d)
{
    enum fecit_status st = FECIT_OK;
    struct stream *s = &r->stream;

    while (!d->id) {
        const uint64_t offset = s->offset;
        size_t size, with_end;
        bool too_long;
        TRY(stream_line(s, TEXT_UTF8, format_most(r), &size, &with_end, &too_long));
        if (too_long) {
            TRY(format_too_long(r, offset));
            continue;
        }
        if (with_end == 0) {
            st = FECIT_END;
            goto done;
        }
        if (!format_blank(stream_data(s), size, TEXT_UTF8)) TRY(line_read(r, size, d));
        stream_skip(s, with_end);
        s->line++;
    }
done:
    return st;
}

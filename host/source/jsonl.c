/* jsonl.c -- one JSON object a line (https://jsonlines.org). */
#include "format.h"

#include <stdio.h>
#include <string.h>

#define FIRST_LOOK (64u << 10) /* bytes wanted at once while looking for a line's end */

/* The length of the line at the stream's place without its end; *with_end with it. A line
 * longer than `most` is passed over without being held: *too_long, and the stream stands
 * behind it. */
static enum fecit_status line_size(struct stream *s, size_t most, size_t *size,
                                   size_t *with_end, bool *too_long)
{
    enum fecit_status st = FECIT_OK;
    size_t seen = 0;
    const uint8_t *end;

    *too_long = false;
    for (;;) {
        TRY(stream_fill(s, seen + FIRST_LOOK));
        end = memchr(stream_data(s) + seen, '\n', stream_size(s) - seen);
        seen = end ? (size_t)(end - stream_data(s)) : stream_size(s);
        if (seen > most) {
            *too_long = true;
            stream_skip(s, seen);
            seen = 0;
        }
        if (end || s->end) break;
    }
    *size = seen;
    *with_end = seen + (end ? 1 : 0);
    if (*too_long) stream_skip(s, *with_end);
done:
    return st;
}

static bool is_blank(const uint8_t *p, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r') return false;
    return true;
}

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
    char id[32];

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
    if (!d->id) {
        snprintf(id, sizeof id, ":%llu", (unsigned long long)r->stream.line);
        TRY_MEM(d->id = mem_new(strlen(r->name) + sizeof id, 1));
        strcpy(d->id, r->name);
        strcat(d->id, id);
    }
    d->encoding = TEXT_UTF8;
    d->sentences = o->sentences;
    d->last = true;
done:
    return st;
}

/* Parse the line; when its only fault is invalid UTF-8, repair it and parse again. */
static enum fecit_status line_parse(struct reading *r, const uint8_t *line, size_t size,
                                    struct json *record, uint64_t *repaired)
{
    enum fecit_status st;
    bool bad_utf8 = false;

    *repaired = 0;
    st = json_parse(r->json, (const char *)line, size, record, &bad_utf8);
    if (st == FECIT_E_INPUT && bad_utf8) {
        TRY(text_read(line, size, TEXT_UTF8, 0, &r->scratch, repaired));
        st = json_parse(r->json, (const char *)r->scratch.data, r->scratch.size, record,
                        NULL);
    }
done:
    return st;
}

enum fecit_status jsonl_next(struct reading *r, struct document *d)
{
    enum fecit_status st = FECIT_OK;
    struct stream *s = &r->stream;
    const size_t most = r->options->max_record ? r->options->max_record : 256u << 20;
    struct json record;

    for (;;) {
        const uint64_t offset = s->offset, line = s->line;
        const char *why = NULL;
        size_t size = 0, with_end = 0;
        bool too_long;
        TRY(line_size(s, most, &size, &with_end, &too_long));
        if (too_long) {
            char text[96];
            snprintf(text, sizeof text,
                     "the line is longer than %zu bytes; split the record", most);
            s->line++;
            TRY(format_reject(r, offset, line, NULL, 0, text));
            continue;
        }
        if (with_end == 0) {
            st = FECIT_END;
            break;
        }
        if (!is_blank(stream_data(s), size)) {
            st = line_parse(r, stream_data(s), size, &record, &d->repaired);
            if (st == FECIT_E_INPUT) {
                status_prefix(st, "not JSON");
                why = status_text();
            } else {
                TRY(st);
            }
            if (!why) TRY(record_read(r, record, d, &why));
            d->offset = offset;
            if (why) TRY(format_reject(r, offset, line, stream_data(s), size, why));
        }
        stream_skip(s, with_end);
        s->line++;
        st = FECIT_OK;
        if (d->id && !why) break;
        document_clear(d);
    }
done:
    return st;
}

/* format.h -- what every format of source/ offers to source.c. */
#ifndef SOURCE_FORMAT_H
#define SOURCE_FORMAT_H

#include "../base/json.h"
#include "../source.h"
#include "stream.h"

/* The file being read. */
struct reading {
    const struct source_options *options;
    struct stream stream;
    struct json_reader *json;
    const char *path; /* as opened */
    const char
        *name; /* the id of a document that has none: path below the input folder */
    enum text_encoding encoding;
    uint32_t part;        /* of the plain text under way */
    bool done;            /* a plain text: its last part has been given */
    struct bytes scratch; /* a repaired line, or the text of a reject */
    source_reject on_reject;
    void *self;
};

/* The next document of the file into *d (empty), or FECIT_END. `number` is left alone. */
enum fecit_status plain_next(struct reading *r, struct document *d);
enum fecit_status jsonl_next(struct reading *r, struct document *d);

/* The most bytes of a record or line. */
static inline size_t format_most(const struct reading *r)
{
    return r->options->max_record ? r->options->max_record : (size_t)256 << 20;
}

/* The id of a document that has none of its own: the file's name and the line. Caller owns
 * *id; mem_free(). */
enum fecit_status format_line_id(const struct reading *r, char **id);

/* Whether a line is nothing but spaces, tabs and CRs. */
bool format_blank(const uint8_t *line, size_t size, enum text_encoding encoding);

/* Take the line that stream_line() found too long, and reject it. */
enum fecit_status format_too_long(struct reading *r, uint64_t offset);

/* Tell on_reject about the bytes at the stream's place. */
enum fecit_status format_reject(struct reading *r, uint64_t offset, uint64_t line,
                                const uint8_t *head, size_t size, const char *why);

/* What a file that begins with p [size] and is no text looks like, with the next step; NULL
 * when it may be text. Static. */
const char *format_binary(const uint8_t *p, size_t size, enum text_encoding encoding);

/* Whether text that begins with p [size] is JSON lines: by its name (`named`), else because
 * it begins with an object. What is neither that nor plain text is named in the answer, with
 * the next step; else NULL. Static. */
const char *format_guess(const uint8_t *p, size_t size, bool named, bool *jsonl);

#endif

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
    uint32_t part; /* of the plain text under way */
    bool done;     /* a plain text: its last part has been given */
    struct bytes scratch;
    source_reject on_reject;
    void *self;
};

/* The next document of the file into *d (empty), or FECIT_END. `number` is left alone. */
enum fecit_status plain_next(struct reading *r, struct document *d);
enum fecit_status jsonl_next(struct reading *r, struct document *d);

/* Tell on_reject about the bytes at the stream's place. */
enum fecit_status format_reject(struct reading *r, uint64_t offset, uint64_t line,
                                const uint8_t *head, size_t size, const char *why);

#endif

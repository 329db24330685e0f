/* source.h -- files, folders, stdin -> one raw document at a time, in a fixed order.
 * Formats lie behind one interface (source/): plain text and JSONL today. */
#ifndef SOURCE_H
#define SOURCE_H

#include "text.h"
#include <stdbool.h>

enum source_format { SOURCE_AUTO, SOURCE_PLAIN, SOURCE_JSONL };

struct source_options {
    enum source_format format; /* AUTO: .jsonl and .ndjson by name, else JSONL when the
                                  content begins with an object, else plain */
    enum text_encoding encoding; /* AUTO: text_encoding_of() per file */
    const char *text_field;      /* NULL = "text"; paths with dots are allowed */
    const char *id_field;        /* NULL = "id", then "doc_id" */
    const char *lang_field, *date_field, *url_field, *title_field, *source_field;
    bool sentences;    /* each record (JSONL) or line (plain) is already one sentence */
    size_t max_record; /* bytes; 0 = 256 MiB. A longer JSONL record, or line of plain
                          text with `sentences`, is rejected without being held */
};

/* A document, or a part of one: a large plain text comes in parts of about 1 MiB, cut at a
 * paragraph, else a line, else a space, so that memory is bounded. Parts are numbered from
 * 0; `last` is set on the final one. Strings are NUL-terminated, valid UTF-8, NULL when
 * absent. A document owns its memory; document_clear() frees it. */
struct document {
    char *id; /* never NULL: the record's id, else file name, else file:line */
    char *lang, *date, *url, *title, *source;
    char *file;      /* as given or found; "-" for stdin */
    uint64_t offset; /* byte of the record in its file */
    uint64_t number; /* 0-based, over the whole run */
    uint32_t part;
    bool last;
    bool sentences; /* text is one sentence: do not segment */
    enum text_encoding encoding;
    struct bytes raw;  /* the text of this part, still in `encoding` */
    uint64_t repaired; /* repairs already made while parsing the record */
};
void document_clear(struct document *d);

/* What could not be read. `head`: its first bytes [head_size <= 64], not always UTF-8. */
struct reject {
    const char *file;
    uint64_t offset; /* bytes */
    uint64_t line;   /* 1-based, 0 when the format has no lines */
    const char *why;
    const uint8_t *head;
    size_t head_size;
};
typedef enum fecit_status (*source_reject)(void *self, const struct reject *r);

struct source;

/* inputs [n_inputs]: files, folders (walked in byte order of names; hidden files and
 * symbolic-link loops left out; whatever its name, every file is looked at, and what is no
 * text is rejected), "-" for stdin. Every input must exist and be readable now:
 * FECIT_E_INPUT otherwise, before any work is done. A folder without a file to read is
 * FECIT_E_INPUT too. Sizes are summed for the progress line.
 * `on_reject` is called from source_next(), in reading order.
 * Borrows inputs and options until source_close(). Caller owns *out. */
enum fecit_status source_open(const char *const *inputs, uint32_t n_inputs,
                              const struct source_options *options,
                              source_reject on_reject, void *self, struct source **out);
void source_close(struct source *s); /* NULL is fine */

/* The next document or part into *d (cleared by the call's own hand first), or FECIT_END.
 * What is damaged (a binary file, a line that is not JSON, a record without the text field,
 * a file that vanished) goes to on_reject and the road goes on. An empty file is a reject
 * ("empty file"); a record whose text is "" is a document with no sentence. */
enum fecit_status source_next(struct source *s, struct document *d);

/* For the progress line: bytes of all inputs (0 = unknown, stdin) and bytes read so far.
 * May be called from any thread. */
uint64_t source_total(const struct source *s);
uint64_t source_read(const struct source *s);

/* Files opened so far. */
uint64_t source_files(const struct source *s);

#endif

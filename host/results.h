/* results.h -- rows -> msgpack streams in the output folder (docs/results_format.md).
 * Each file is header map, rows as maps, footer map with the row count and a checksum of
 * what precedes it. Files are written as NAME.part and renamed when whole; run.json is
 * written first with "complete": false and replaced last. */
#ifndef RESULTS_H
#define RESULTS_H

#include "source.h"
#include "verdict.h"

#define RESULTS_FORMAT 1

enum results_stage { RESULTS_SIEVE, RESULTS_READER };

/* One scored sentence on its way out. */
struct row {
    uint64_t doc;        /* document number */
    const char *doc_id;  /* NUL-terminated */
    uint32_t sent;       /* 0-based in the document */
    uint64_t start, end; /* bytes in the document's UTF-8 text */
    const char *text;    /* [size] */
    size_t size;
    const char *lang;
    enum fecit_label label;
    float p;
    float p_class[FECIT_LABELS];
    enum results_stage stage;
    const struct verdict *said; /* act, tie, roles; NULL = nobody looked */
};

/* One document, for the denominators. */
struct document_row {
    uint64_t doc;
    const char *doc_id, *file, *lang;        /* lang never NULL ("und") */
    const char *date, *url, *title, *source; /* NULL = nil */
    uint64_t offset;                         /* of the record in its file */
    uint64_t bytes;                          /* of the UTF-8 text */
    uint32_t sentences, statements;
    uint64_t repaired;
};

struct results_options {
    const char *folder;
    bool all;                 /* write sentences-00000.msgpack too */
    bool force;               /* replace a finished output */
    const char *model_digest; /* goes into every header */
};

struct results;

/* Make the folder (and its parents). A folder that holds a finished run.json is refused
 * without `force`; one that holds anything that fecit did not write is refused always
 * (force or not): FECIT_E_OUTPUT. An unfinished one is started again. One into which
 * another fecit writes at this moment is refused (a lock in it, gone when it is done).
 * With force, the old files stay until the new ones are whole: then run.json says
 * "complete": false, the new files take the place of the old, and run.json follows.
 * Borrows the options' texts for the call. Caller owns *out. */
enum fecit_status results_open(const struct results_options *options,
                               struct results **out);

/* Write errors are sticky: the first is kept and returned by every later call. */
enum fecit_status results_push_statement(struct results *r, const struct row *row);
enum fecit_status results_push_sentence(struct results *r, const struct row *row);
enum fecit_status results_push_document(struct results *r,
                                        const struct document_row *d);
/* One JSON line in rejects.jsonl: file, offset, line, why, head (hex). */
enum fecit_status results_push_reject(struct results *r, const struct reject *reject);

/* Replace run.json by `json` (written whole, fsynced, renamed; invalid UTF-8 in it, from
 * file names, becomes U+FFFD). While finished results are being replaced it is kept back
 * until results_finish(). */
enum fecit_status results_save_run(struct results *r, const char *json, size_t size);

/* Footers, fsync, rename of every file, fsync of the folder. Call results_save_run() with
 * "complete": true after it. */
enum fecit_status results_finish(struct results *r);

/* Rows and rejects so far. */
uint64_t results_statements(const struct results *r);
uint64_t results_rejects(const struct results *r);

/* Writes out what is held (so that rejects.jsonl.part is of use) and closes; unfinished
 * .part files stay where they are. NULL is fine. */
void results_close(struct results *r);

/* 64-bit XXH3 of the sentence normalised for syndication: lower-cased ASCII, runs of white
 * space as one space and none at the ends, ASCII punctuation, quotes, tatweel, harakat and
 * invisible marks dropped (docs/results_format.md lists them). */
uint64_t results_hash(const char *utf8, size_t size);

/* ---- rows as bytes (results_pack.c): for results.c and records.c -------------------
 * One row, header or footer as msgpack onto the end of a buffer. On failure
 * (FECIT_E_MEMORY) the buffer ends where it ended before. Texts that are no UTF-8 (file
 * names) get U+FFFD: one bad string would make the whole file unreadable for most msgpack
 * libraries. */

enum results_kind { RESULTS_DOCUMENTS, RESULTS_STATEMENTS, RESULTS_SENTENCES };
#define RESULTS_KINDS 3

/* `model` may be NULL: nil. */
enum fecit_status results_pack_header(struct bytes *b, enum results_kind kind,
                                      const char *model);
enum fecit_status results_pack_statement(struct bytes *b, const struct row *row);
enum fecit_status results_pack_sentence(struct bytes *b, const struct row *row);
enum fecit_status results_pack_document(struct bytes *b, const struct document_row *d);
enum fecit_status results_pack_footer(struct bytes *b, uint64_t rows, uint64_t sum);

#endif

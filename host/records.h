/* records.h -- msgpack result files back into rows: a bounded reader that trusts nothing
 * (no length is believed before it is compared with the bytes left). */
#ifndef RECORDS_H
#define RECORDS_H

#include "base/mem.h"
#include <stdbool.h>

enum record_kind {
    RECORD_NIL,
    RECORD_BOOL,
    RECORD_UINT,
    RECORD_INT,
    RECORD_FLOAT,
    RECORD_TEXT,
    RECORD_BIN,
    RECORD_LIST,
    RECORD_MAP
};

/* One value. Lists and maps: `count` items (pairs) follow at `body`; walk them with
 * record_item() / record_get() / record_step(). Borrows from the open file. */
struct record {
    enum record_kind kind;
    uint64_t u;       /* UINT; also BOOL 0/1 */
    int64_t i;        /* INT: below 0; a whole number from 0 on is UINT */
    double f;         /* FLOAT */
    const char *text; /* TEXT, BIN: [size], not NUL-terminated */
    size_t size;
    uint32_t count; /* LIST, MAP */
    const uint8_t *body, *body_end;
};

struct records;

/* Map the file and read its header. FECIT_E_INPUT (with place) when it is no fecit file. */
enum fecit_status records_open(const char *path, struct records **out);
void records_close(struct records *r); /* NULL is fine */
struct record records_header(const struct records *r);
uint64_t records_size(const struct records *r); /* bytes of the file */

/* The next row (a map), FECIT_END after a footer whose count and checksum are right, or
 * FECIT_E_INPUT with the byte where the file is cut, damaged or goes on after its footer.
 * A row read before FECIT_END may come from a damaged file: it is well formed and within
 * the file, but only the footer vouches for its values. */
enum fecit_status records_next(struct records *r, struct record *row);

bool record_get(struct record map, const char *key, struct record *out);
bool record_item(struct record list, uint32_t i, struct record *out);
/* Walk a list or map in one pass: the next item (of maps: key, value, key ...) leaves the
 * front of *walk, a copy of it. False at the end. record_item() is O(i). */
bool record_step(struct record *walk, struct record *out);
bool record_text(struct record map, const char *key, const char **text, size_t *size);
uint64_t record_uint(struct record map, const char *key); /* 0 when absent */
double record_number(struct record map, const char *key); /* 0 when absent */

#endif

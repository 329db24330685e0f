/* json.h -- JSON in: a thin C face on simdjson's DOM (C++ stays in json.cc).
 * A json_reader keeps its parse buffers from call to call: one per thread. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "mem.h"
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct json_reader;

/* A value inside the document last parsed. Borrows from the reader until its next parse. */
struct json {
    uint64_t opaque[2];
};

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_MAP };

enum fecit_status json_reader_new(struct json_reader **out);
void json_reader_free(struct json_reader *r); /* NULL is fine */

/* Parse one document. `text` needs no padding (it is copied when it must be).
 * FECIT_E_INPUT with simdjson's reason when it is not JSON; then *bad_utf8 (may be NULL)
 * tells whether the reason was invalid UTF-8. */
enum fecit_status json_parse(struct json_reader *r, const char *text, size_t size,
                             struct json *root, bool *bad_utf8);

enum json_kind json_kind(struct json j);
/* Member by key, or by path with dots ("a.b"). False when absent. A key that itself holds
 * dots is tried whole first. */
bool json_get(struct json map, const char *path, struct json *out);
size_t json_count(struct json list_or_map);
bool json_item(struct json list, size_t i, struct json *out);
/* i-th member of a map; key borrowed like values. O(i). */
bool json_member(struct json map, size_t i, const char **key, size_t *key_size,
                 struct json *out);
bool json_text(struct json j, const char **utf8,
               size_t *size); /* false: not a string */
bool json_number(struct json j, double *out);
bool json_bool(struct json j, bool *out);
/* Text, number or bool as a NUL-terminated copy (ids may be numbers: 17 -> "17").
 * A NUL in a text becomes U+FFFD. *out is NULL for null, lists and maps. Caller owns it; mem_free(). */
enum fecit_status json_copy(struct json j, char **out);

/* Whether `text` is well-formed UTF-8, many bytes at a time (utf8_check() needs no C++). */
bool json_utf8_check(const char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif

#include "records.h"
#include "base/disk.h"
#include "results.h"

#include <string.h>
#include <xxhash.h>

#define DEPTH_MAX 16 /* nesting; ours is three */

struct records {
    char *path;
    struct disk_map file;
    size_t at; /* where the next value begins */
    uint64_t rows;
    struct record header;
};

/* A value's first byte, and what it says of the rest. */
enum { TAKEN, SHORT, STRANGE };

/* `n` bytes at *at as a big-endian number. */
static bool take(const uint8_t **at, const uint8_t *end, int n, uint64_t *out)
{
    uint64_t value = 0;

    if (end - *at < n) return false;
    for (int i = 0; i < n; i++)
        value = value << 8 | *(*at)++;
    *out = value;
    return true;
}

static int take_body(const uint8_t **at, const uint8_t *end, struct record *out)
{
    if (out->size > (size_t)(end - *at)) return SHORT;
    out->text = (const char *)*at;
    *at += out->size;
    return TAKEN;
}

/* Floats (0xca, 0xcb) and whole numbers (0xcc to 0xd3). */
static int take_number(uint8_t type, const uint8_t **at, const uint8_t *end,
                       struct record *out)
{
    const int bytes = type < 0xcc ? 4 << (type - 0xca) : 1 << (type & 3);
    const uint64_t sign = (uint64_t)1 << (8 * bytes - 1);
    uint64_t n = 0;

    if (!take(at, end, bytes, &n)) return SHORT;
    if (type == 0xca) {
        const uint32_t bits = (uint32_t)n;
        float single;
        memcpy(&single, &bits, sizeof single);
        out->kind = RECORD_FLOAT;
        out->f = (double)single;
    } else if (type == 0xcb) {
        out->kind = RECORD_FLOAT;
        memcpy(&out->f, &n, sizeof out->f);
    } else if (type >= 0xd0 && (n & sign)) {
        out->kind = RECORD_INT;
        out->i = (int64_t)(n - sign) - (int64_t)(sign - 1) - 1;
    } else {
        out->kind = RECORD_UINT;
        out->u = n;
    }
    return TAKEN;
}

/* Types 0xc0 to 0xdf. */
static int take_long(uint8_t type, const uint8_t **at, const uint8_t *end,
                     struct record *out)
{
    uint64_t n = 0;

    if (type >= 0xca && type <= 0xd3) return take_number(type, at, end, out);
    if (type == 0xc0) {
        out->kind = RECORD_NIL;
    } else if (type == 0xc2 || type == 0xc3) {
        out->kind = RECORD_BOOL;
        out->u = type & 1;
    } else if ((type >= 0xc4 && type <= 0xc6) || (type >= 0xd9 && type <= 0xdb)) {
        const bool text = type >= 0xd9; /* else bin; lengths of 1, 2, 4 bytes */
        if (!take(at, end, 1 << (type - (text ? 0xd9 : 0xc4)), &n)) return SHORT;
        out->kind = text ? RECORD_TEXT : RECORD_BIN;
        out->size = (size_t)n;
        return take_body(at, end, out);
    } else if (type >= 0xdc) {
        if (!take(at, end, type & 1 ? 4 : 2, &n)) return SHORT;
        out->kind = type < 0xde ? RECORD_LIST : RECORD_MAP;
        out->count = (uint32_t)n;
    } else {
        return STRANGE; /* 0xc1 and extensions: fecit writes none */
    }
    return TAKEN;
}

/* One value without the items of a list or map, which begin at *at afterwards. */
static int take_value(const uint8_t **at, const uint8_t *end, struct record *out)
{
    uint8_t type;

    *out = (struct record){0};
    if (*at == end) return SHORT;
    type = *(*at)++;
    if (type < 0x80 || type >= 0xe0) {
        out->kind = type < 0x80 ? RECORD_UINT : RECORD_INT;
        out->u = type < 0x80 ? type : 0;
        out->i = type < 0x80 ? 0 : (int)type - 256;
        return TAKEN;
    }
    if (type < 0xa0) {
        out->kind = type < 0x90 ? RECORD_MAP : RECORD_LIST;
        out->count = type & 15;
        return TAKEN;
    }
    if (type < 0xc0) {
        out->kind = RECORD_TEXT;
        out->size = type & 31;
        return take_body(at, end, out);
    }
    return take_long(type, at, end, out);
}

/* One value with all that is in it; *at moves past it, or to the fault. */
static int take_whole(const uint8_t **at, const uint8_t *end, int depth,
                      struct record *out)
{
    int code = take_value(at, end, out);
    struct record inner;
    uint64_t n = out->count;

    if (code != TAKEN || (out->kind != RECORD_LIST && out->kind != RECORD_MAP))
        return code;
    if (depth == DEPTH_MAX) return STRANGE;
    if (out->kind == RECORD_MAP) n *= 2;
    if (n > (uint64_t)(end - *at)) return SHORT; /* each item has at least one byte */
    out->body = *at;
    for (; n > 0 && code == TAKEN; n--)
        code = take_whole(at, end, depth + 1, &inner);
    out->body_end = *at;
    return code;
}

/* The next map of the file. */
static enum fecit_status map_next(struct records *r, struct record *out)
{
    enum fecit_status st = FECIT_OK;
    const uint8_t *start = r->file.data, *at = start + r->at,
                  *end = start + r->file.size;
    const int code = take_whole(&at, end, 0, out);

    if (code == SHORT)
        FAIL(FECIT_E_INPUT,
             "%s: byte %zu: the file ends here, within row %llu and without a footer; "
             "it "
             "was cut: copy it again or run fecit score again",
             r->path, r->file.size, (unsigned long long)r->rows);
    if (code == STRANGE || out->kind != RECORD_MAP)
        FAIL(FECIT_E_INPUT,
             "%s: byte %zu: row %llu begins at byte %zu and is no map as fecit writes "
             "them; the file is damaged: copy it again or run fecit score again",
             r->path, (size_t)(at - start), (unsigned long long)r->rows, r->at);
    r->at = (size_t)(at - start);
done:
    return st;
}

enum fecit_status records_open(const char *path, struct records **out)
{
    enum fecit_status st = FECIT_OK;
    struct records *r = NULL;
    struct record value;
    const char *text;
    size_t size;

    *out = NULL;
    TRY_MEM(r = mem_new(1, sizeof *r));
    TRY_MEM(r->path = mem_text(path, strlen(path)));
    TRY(disk_map(path, FECIT_E_INPUT, &r->file));
    if (r->file.size == 0)
        FAIL(FECIT_E_INPUT,
             "%s: byte 0: the file is empty; a result file has at least a header",
             path);
    st = map_next(r, &r->header);
    if (st == FECIT_E_INPUT || !record_text(r->header, "fecit", &text, &size))
        FAIL(FECIT_E_INPUT,
             "%s: byte 0: no header of a fecit result file; name the folder that fecit "
             "score wrote, or copy the file again",
             path);
    if (!record_get(r->header, "format", &value) || value.kind != RECORD_UINT ||
        value.u != RESULTS_FORMAT)
        FAIL(FECIT_E_INPUT,
             "%s: has result format %llu, this program reads %d; use the fecit that "
             "wrote "
             "it",
             path, (unsigned long long)record_uint(r->header, "format"),
             RESULTS_FORMAT);
    *out = r;
    r = NULL;
done:
    records_close(r);
    return st;
}

void records_close(struct records *r)
{
    if (!r) return;
    disk_unmap(&r->file);
    mem_free(r->path);
    mem_free(r);
}

struct record records_header(const struct records *r)
{
    return r->header;
}

uint64_t records_size(const struct records *r)
{
    return r->file.size;
}

/* `map` begins at `begin`: FECIT_END when it is the footer of what was read. */
static enum fecit_status footer_check(const struct records *r, size_t begin,
                                      struct record map)
{
    enum fecit_status st = FECIT_OK;
    const uint64_t rows = record_uint(map, "rows"), sum = record_uint(map, "xxh3_64");
    const uint64_t found = XXH3_64bits(r->file.data, begin);
    uint8_t room[64]; /* a footer has at most 46 bytes: nothing is allocated */
    struct bytes whole = {room, 0, sizeof room, 0};

    if (sum != found)
        FAIL(FECIT_E_INPUT,
             "%s: byte %zu: the checksum over all before is %016llx, the footer says "
             "%016llx; the file is damaged: copy it again or run fecit score again",
             r->path, begin, (unsigned long long)found, (unsigned long long)sum);
    if (rows != r->rows)
        FAIL(FECIT_E_INPUT,
             "%s: byte %zu: %llu rows before the footer, which says %llu; the file is "
             "damaged: copy it again or run fecit score again",
             r->path, begin, (unsigned long long)r->rows, (unsigned long long)rows);
    TRY(results_pack_footer(&whole, rows, sum));
    if (whole.size != r->at - begin ||
        memcmp(whole.data, r->file.data + begin, whole.size))
        FAIL(FECIT_E_INPUT,
             "%s: byte %zu: the footer is not as fecit writes it; the file is damaged: "
             "copy "
             "it again or run fecit score again",
             r->path, begin);
    if (r->at != r->file.size)
        FAIL(FECIT_E_INPUT,
             "%s: byte %zu: the file goes on for %zu bytes after its footer; cut them "
             "off "
             "or copy it again",
             r->path, r->at, r->file.size - r->at);
    st = FECIT_END;
done:
    return st;
}

enum fecit_status records_next(struct records *r, struct record *row)
{
    enum fecit_status st = FECIT_OK;
    const size_t begin = r->at;
    struct record value;

    TRY(map_next(r, row));
    if (record_get(*row, "footer", &value)) {
        st = footer_check(r, begin, *row);
        r->at = begin; /* asked again, the answer is the same */
        goto done;
    }
    r->rows++;
done:
    return st;
}

bool record_get(struct record map, const char *key, struct record *out)
{
    const size_t size = strlen(key);
    struct record name;

    if (map.kind != RECORD_MAP) return false;
    for (uint32_t i = 0; i < map.count; i++) {
        if (take_whole(&map.body, map.body_end, 0, &name) != TAKEN ||
            take_whole(&map.body, map.body_end, 0, out) != TAKEN)
            return false;
        if (name.kind == RECORD_TEXT && name.size == size &&
            !memcmp(name.text, key, size))
            return true;
    }
    return false;
}

bool record_item(struct record list, uint32_t i, struct record *out)
{
    if (list.kind != RECORD_LIST || i >= list.count) return false;
    for (uint32_t k = 0; k <= i; k++)
        if (take_whole(&list.body, list.body_end, 0, out) != TAKEN) return false;
    return true;
}

bool record_step(struct record *walk, struct record *out)
{
    if (walk->body == walk->body_end) return false;
    return take_whole(&walk->body, walk->body_end, 0, out) == TAKEN;
}

bool record_text(struct record map, const char *key, const char **text, size_t *size)
{
    struct record value;

    if (!record_get(map, key, &value) || value.kind != RECORD_TEXT) return false;
    *text = value.text;
    *size = value.size;
    return true;
}

uint64_t record_uint(struct record map, const char *key)
{
    struct record value;

    return record_get(map, key, &value) && value.kind == RECORD_UINT ? value.u : 0;
}

double record_number(struct record map, const char *key)
{
    struct record value;

    if (!record_get(map, key, &value)) return 0;
    if (value.kind == RECORD_FLOAT) return value.f;
    if (value.kind == RECORD_INT) return (double)value.i;
    return value.kind == RECORD_UINT ? (double)value.u : 0;
}

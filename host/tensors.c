#include "tensors.h"
#include "base/disk.h"
#include "base/json.h"
#include "base/sha256.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors are mapped as they lie in the file: little-endian machines only"
#endif

#define HEADER_MAX                                                                     \
    ((uint64_t)64 << 20) /* bytes of JSON; a real one has some thousand */
#define NAMES_MAX 1024   /* bytes of one name or key */

static const struct {
    const char *name;
    uint32_t size; /* bytes of one element */
} types[] = {
    [TENSOR_U8] = {"U8", 1},   [TENSOR_I8] = {"I8", 1},   [TENSOR_F16] = {"F16", 2},
    [TENSOR_I32] = {"I32", 4}, [TENSOR_U32] = {"U32", 4}, [TENSOR_F32] = {"F32", 4},
};
enum { N_TYPES = sizeof types / sizeof *types };

struct tensors {
    char *path;
    struct disk_map file;
    struct tensor *list; /* [n_tensors] by name; the names are owned */
    struct note *notes;  /* [n_notes] in the file's order; keys and values are owned */
    uint32_t n_tensors, n_notes;
};

/* Bytes that type and shape ask for, or UINT64_MAX when that is more than 2^63. */
static uint64_t shape_size(enum tensor_type type, uint32_t rank, const uint64_t *shape)
{
    uint64_t size = types[type].size;

    for (uint32_t i = 0; i < rank; i++)
        if (shape[i] == 0) return 0;
    for (uint32_t i = 0; i < rank; i++) {
        if (shape[i] > (UINT64_MAX >> 1) / size) return UINT64_MAX;
        size *= shape[i];
    }
    return size;
}

/* "U8 [3][4]" for error texts; `any`: a size of 0 is shown as [any]. */
static const char *shape_text(enum tensor_type type, uint32_t rank,
                              const uint64_t *shape, bool any, char text[128])
{
    int n = snprintf(text, 128, "%s ", types[type].name);

    for (uint32_t i = 0; i < rank && i < TENSOR_RANK; i++)
        if (any && shape[i] == 0)
            n += snprintf(text + n, 128 - (size_t)n, "[any]");
        else
            n += snprintf(text + n, 128 - (size_t)n, "[%llu]",
                          (unsigned long long)shape[i]);
    if (rank == 0) snprintf(text + n, 128 - (size_t)n, "single value");
    return text;
}

/* A whole number from 0 to 2^53. */
static bool whole(struct json j, uint64_t *out)
{
    double value;

    if (!json_number(j, &value) || !(value >= 0 && value <= 0x1p53) ||
        value != floor(value))
        return false;
    *out = (uint64_t)value;
    return true;
}

/* A name without NUL as a NUL-terminated copy. */
static enum fecit_status name_copy(const struct tensors *t, const char *name,
                                   size_t size, const char **out)
{
    enum fecit_status st = FECIT_OK;

    if (size == 0 || size > NAMES_MAX || memchr(name, 0, size))
        FAIL(
            FECIT_E_MODEL,
            "%s: the header holds a name of %zu bytes that is empty, too long or has a "
            "NUL; the file is damaged: get it again",
            t->path, size);
    TRY_MEM(*out = mem_text(name, size));
done:
    return st;
}

static enum fecit_status notes_read(struct tensors *t, struct json map)
{
    enum fecit_status st = FECIT_OK;
    const size_t n = json_kind(map) == JSON_MAP ? json_count(map) : SIZE_MAX;

    if (n > TENSORS_MAX)
        FAIL(FECIT_E_MODEL,
             "%s: __metadata__ is no map of at most %d texts; get the file "
             "again",
             t->path, TENSORS_MAX);
    if (t->notes)
        FAIL(FECIT_E_MODEL, "%s: __metadata__ stands twice; get the file again",
             t->path);
    TRY_MEM(t->notes = mem_new(n, sizeof *t->notes));
    for (size_t i = 0; i < n; i++) {
        const char *key, *value;
        size_t key_size, size;
        struct json item;
        if (!json_member(map, i, &key, &key_size, &item) ||
            !json_text(item, &value, &size) || memchr(value, 0, size))
            FAIL(FECIT_E_MODEL,
                 "%s: entry %zu of __metadata__ is no text; get the file "
                 "again",
                 t->path, i);
        t->n_notes++;
        TRY(name_copy(t, key, key_size, &t->notes[i].key));
        TRY_MEM(t->notes[i].value = mem_text(value, size));
        if (tensors_note(t, t->notes[i].key) != t->notes[i].value)
            FAIL(FECIT_E_MODEL, "%s: __metadata__ has \"%s\" twice; get the file again",
                 t->path, t->notes[i].key);
    }
done:
    return st;
}

static bool type_read(struct json map, enum tensor_type *out)
{
    struct json item;
    const char *text;
    size_t size;

    if (!json_get(map, "dtype", &item) || !json_text(item, &text, &size)) return false;
    for (int i = 0; i < N_TYPES; i++)
        if (size == strlen(types[i].name) && !memcmp(text, types[i].name, size)) {
            *out = (enum tensor_type)i;
            return true;
        }
    return false;
}

static bool shape_read(struct json map, struct tensor *out)
{
    struct json list, item;

    if (!json_get(map, "shape", &list) || json_kind(list) != JSON_LIST ||
        json_count(list) > TENSOR_RANK)
        return false;
    out->rank = (uint32_t)json_count(list);
    for (uint32_t i = 0; i < out->rank; i++)
        if (!json_item(list, i, &item) || !whole(item, &out->shape[i])) return false;
    return true;
}

static bool range_read(struct json map, uint64_t *begin, uint64_t *end)
{
    struct json list, item;

    return json_get(map, "data_offsets", &list) && json_kind(list) == JSON_LIST &&
           json_count(list) == 2 && json_item(list, 0, &item) && whole(item, begin) &&
           json_item(list, 1, &item) && whole(item, end) && *begin <= *end;
}

/* One entry of the header; `data` [size] is what follows the header. */
static enum fecit_status tensor_read(struct tensors *t, struct json map,
                                     const uint8_t *data, uint64_t size,
                                     struct tensor *out)
{
    enum fecit_status st = FECIT_OK;
    uint64_t begin, end;
    char text[128];

    if (json_kind(map) != JSON_MAP || !type_read(map, &out->type))
        FAIL(FECIT_E_MODEL,
             "%s: tensor \"%s\" has no dtype among U8 I8 F16 I32 U32 F32; the file is "
             "damaged or not for this program",
             t->path, out->name);
    if (!shape_read(map, out) || !range_read(map, &begin, &end))
        FAIL(FECIT_E_MODEL,
             "%s: tensor \"%s\" lacks a shape of at most %d sizes or a range of bytes; "
             "the file is damaged: get it again",
             t->path, out->name, TENSOR_RANK);
    if (end > size)
        FAIL(FECIT_E_MODEL,
             "%s: tensor \"%s\" ends at data byte %llu, the file at %llu; it is cut: "
             "get "
             "it again",
             t->path, out->name, (unsigned long long)end, (unsigned long long)size);
    out->size = end - begin;
    out->data = data + begin;
    if (shape_size(out->type, out->rank, out->shape) != out->size)
        FAIL(FECIT_E_MODEL,
             "%s: tensor \"%s\" is %s but has %llu bytes; the file is damaged: get it "
             "again",
             t->path, out->name,
             shape_text(out->type, out->rank, out->shape, false, text),
             (unsigned long long)out->size);
    if ((uintptr_t)out->data % types[out->type].size != 0 && out->size > 0)
        FAIL(FECIT_E_MODEL,
             "%s: tensor \"%s\" lies at data byte %llu, no multiple of %u; write the "
             "file "
             "with a current safetensors library",
             t->path, out->name, (unsigned long long)begin, types[out->type].size);
done:
    return st;
}

static int by_place(const void *a, const void *b)
{
    const struct tensor *x = a, *y = b;

    if (x->data != y->data) return (uintptr_t)x->data < (uintptr_t)y->data ? -1 : 1;
    return x->size < y->size ? -1 : x->size > y->size; /* empty ones first */
}

static int by_name(const void *a, const void *b)
{
    const struct tensor *x = a, *y = b;

    return strcmp(x->name, y->name);
}

/* Every byte of data [size] belongs to exactly one tensor, every name is there once.
 * Leaves the list in name order. */
static enum fecit_status list_check(struct tensors *t, const uint8_t *data,
                                    uint64_t size)
{
    enum fecit_status st = FECIT_OK;
    uint64_t at = 0;

    qsort(t->list, t->n_tensors, sizeof *t->list, by_place);
    for (uint32_t i = 0; i < t->n_tensors; i++) {
        const uint64_t begin = (uint64_t)((const uint8_t *)t->list[i].data - data);
        if (begin != at)
            FAIL(FECIT_E_MODEL,
                 "%s: tensor \"%s\" begins at data byte %llu, the one before ends at "
                 "%llu; the file is damaged: get it again",
                 t->path, t->list[i].name, (unsigned long long)begin,
                 (unsigned long long)at);
        at += t->list[i].size;
    }
    if (at != size)
        FAIL(FECIT_E_MODEL,
             "%s: the tensors end at data byte %llu, the file at %llu; get it again",
             t->path, (unsigned long long)at, (unsigned long long)size);
    qsort(t->list, t->n_tensors, sizeof *t->list, by_name);
    for (uint32_t i = 1; i < t->n_tensors; i++)
        if (!strcmp(t->list[i - 1].name, t->list[i].name))
            FAIL(FECIT_E_MODEL, "%s: tensor \"%s\" stands twice; get the file again",
                 t->path, t->list[i].name);
done:
    return st;
}

static enum fecit_status header_read(struct tensors *t, struct json root,
                                     const uint8_t *data, uint64_t size)
{
    enum fecit_status st = FECIT_OK;
    const size_t n = json_kind(root) == JSON_MAP ? json_count(root) : SIZE_MAX;

    if (n > TENSORS_MAX)
        FAIL(FECIT_E_MODEL,
             "%s: the header is no map of at most %d tensors; this is no model file",
             t->path, TENSORS_MAX);
    TRY_MEM(t->list = mem_new(n, sizeof *t->list));
    for (size_t i = 0; i < n; i++) {
        const char *key;
        size_t key_size;
        struct json item;
        struct tensor *tensor;
        if (!json_member(root, i, &key, &key_size, &item))
            FAIL(FECIT_E_MODEL, "%s: entry %zu of the header cannot be read", t->path,
                 i);
        if (key_size == 12 && !memcmp(key, "__metadata__", 12)) {
            TRY(notes_read(t, item));
            continue;
        }
        tensor = &t->list[t->n_tensors++];
        TRY(name_copy(t, key, key_size, &tensor->name));
        TRY(tensor_read(t, item, data, size, tensor));
    }
    TRY(list_check(t, data, size));
done:
    return st;
}

enum fecit_status tensors_load(const char *path, struct tensors **out)
{
    enum fecit_status st = FECIT_OK;
    struct json_reader *reader = NULL;
    struct tensors *t = NULL;
    struct json root;
    uint64_t header = 0;

    *out = NULL;
    TRY_MEM(t = mem_new(1, sizeof *t));
    TRY_MEM(t->path = mem_text(path, strlen(path)));
    TRY(disk_map(path, FECIT_E_MODEL, &t->file));
    if (t->file.size < 8)
        FAIL(FECIT_E_MODEL, "%s: has %zu bytes, a model file at least 8; get it again",
             path, t->file.size);
    memcpy(&header, t->file.data, 8);
    if (header > HEADER_MAX || header > t->file.size - 8)
        FAIL(FECIT_E_MODEL,
             "%s: the header should have %llu bytes, %zu follow and %llu are allowed; "
             "the "
             "file is cut or no safetensors file",
             path, (unsigned long long)header, t->file.size - 8,
             (unsigned long long)HEADER_MAX);
    TRY(json_reader_new(&reader));
    st = json_parse(reader, (const char *)t->file.data + 8, header, &root, NULL);
    if (st == FECIT_E_INPUT) st = status_prefix(FECIT_E_MODEL, "%s: bad header", path);
    TRY(st);
    TRY(header_read(t, root, t->file.data + 8 + header, t->file.size - 8 - header));
    *out = t;
    t = NULL;
done:
    json_reader_free(reader);
    tensors_free(t);
    return st;
}

void tensors_free(struct tensors *t)
{
    if (!t) return;
    for (uint32_t i = 0; i < t->n_tensors; i++)
        mem_free((void *)(uintptr_t)t->list[i].name);
    for (uint32_t i = 0; i < t->n_notes; i++) {
        mem_free((void *)(uintptr_t)t->notes[i].key);
        mem_free((void *)(uintptr_t)t->notes[i].value);
    }
    mem_free(t->list);
    mem_free(t->notes);
    mem_free(t->path);
    disk_unmap(&t->file);
    mem_free(t);
}

const struct tensor *tensors_all(const struct tensors *t, uint32_t *n_tensors)
{
    *n_tensors = t->n_tensors;
    return t->list;
}

const char *tensors_note(const struct tensors *t, const char *key)
{
    for (uint32_t i = 0; i < t->n_notes; i++)
        if (t->notes[i].key && !strcmp(t->notes[i].key, key)) return t->notes[i].value;
    return NULL;
}

const char *tensors_path(const struct tensors *t)
{
    return t->path;
}

enum fecit_status tensors_find(const struct tensors *t, const char *name,
                               enum tensor_type type, uint32_t rank,
                               const uint64_t *shape, struct tensor *out)
{
    enum fecit_status st = FECIT_OK;
    const struct tensor key = {.name = name};
    const struct tensor *found =
        bsearch(&key, t->list, t->n_tensors, sizeof *t->list, by_name);
    char want[128], have[128];
    bool fits;

    *out = (struct tensor){0};
    shape_text(type, rank, shape, true, want);
    if (!found)
        FAIL(FECIT_E_MODEL,
             "%s: tensor \"%s\" (%s) is missing; the file is of another version: get "
             "the "
             "one that belongs to this program",
             t->path, name, want);
    fits = found->type == type && found->rank == rank;
    for (uint32_t i = 0; fits && i < rank; i++)
        fits = shape[i] == 0 || shape[i] == found->shape[i];
    if (!fits)
        FAIL(FECIT_E_MODEL,
             "%s: tensor \"%s\" should be %s and is %s; get the file that belongs to "
             "this "
             "program",
             t->path, name, want,
             shape_text(found->type, found->rank, found->shape, false, have));
    *out = *found;
done:
    return st;
}

/* ---- writing -------------------------------------------------------------------- */

static int by_layout(const void *a, const void *b)
{
    const struct tensor *x = a, *y = b;
    const uint32_t size_x = types[x->type].size, size_y = types[y->type].size;

    if (size_x != size_y) return size_x > size_y ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* The JSON header for tensors that are in the order of their bytes. */
static enum fecit_status header_write(const struct tensor *list, uint32_t n_tensors,
                                      const struct note *notes, uint32_t n_notes,
                                      struct bytes *b)
{
    enum fecit_status st = FECIT_OK;
    const char *comma = "";
    uint64_t at = 0;

    TRY(bytes_print(b, "{"));
    for (uint32_t i = 0; i < n_notes; i++) {
        TRY(bytes_print(b, i == 0 ? "\"__metadata__\":{" : ","));
        TRY(bytes_push_json(b, notes[i].key, strlen(notes[i].key)));
        TRY(bytes_print(b, ":"));
        TRY(bytes_push_json(b, notes[i].value, strlen(notes[i].value)));
    }
    if (n_notes > 0) {
        TRY(bytes_print(b, "}"));
        comma = ",";
    }
    for (uint32_t i = 0; i < n_tensors; i++) {
        const struct tensor *t = &list[i];
        TRY(bytes_print(b, "%s", comma));
        TRY(bytes_push_json(b, t->name, strlen(t->name)));
        TRY(bytes_print(b, ":{\"dtype\":\"%s\",\"shape\":[", types[t->type].name));
        for (uint32_t d = 0; d < t->rank; d++)
            TRY(bytes_print(b, "%s%llu", d ? "," : "",
                            (unsigned long long)t->shape[d]));
        TRY(bytes_print(b, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)at,
                        (unsigned long long)(at + t->size)));
        at += t->size;
        comma = ",";
    }
    TRY(bytes_print(b, "}"));
    while (b->size % 8 != 0)
        TRY(bytes_print(b, " "));
done:
    return st;
}

static enum fecit_status arguments_check(const char *path, const struct tensor *list,
                                         uint32_t n_tensors, uint32_t n_notes)
{
    enum fecit_status st = FECIT_OK;

    if (n_tensors > TENSORS_MAX || n_notes > TENSORS_MAX)
        FAIL(FECIT_E_USAGE, "%s: more than %d tensors or notes", path, TENSORS_MAX);
    for (uint32_t i = 0; i < n_tensors; i++) {
        const struct tensor *t = &list[i];
        if ((unsigned)t->type >= N_TYPES || t->rank > TENSOR_RANK ||
            shape_size(t->type, t->rank, t->shape) != t->size ||
            strlen(t->name) > NAMES_MAX || !*t->name)
            FAIL(FECIT_E_USAGE,
                 "%s: tensor \"%s\": name, type, shape and size do not fit", path,
                 t->name);
        for (uint32_t k = 0; k < i; k++)
            if (!strcmp(list[k].name, t->name))
                FAIL(FECIT_E_USAGE, "%s: tensor \"%s\" is given twice", path, t->name);
    }
done:
    return st;
}

enum fecit_status tensors_save(const char *path, const struct tensor *tensors,
                               uint32_t n_tensors, const struct note *notes,
                               uint32_t n_notes)
{
    enum fecit_status st = FECIT_OK;
    struct tensor *list = NULL;
    struct disk_piece *pieces = NULL;
    struct bytes header = {0};
    uint64_t length;

    TRY(arguments_check(path, tensors, n_tensors, n_notes));
    TRY_MEM(list = mem_new(n_tensors, sizeof *list));
    TRY_MEM(pieces = mem_new((size_t)n_tensors + 2, sizeof *pieces));
    if (n_tensors > 0) memcpy(list, tensors, n_tensors * sizeof *list);
    qsort(list, n_tensors, sizeof *list, by_layout);
    TRY(header_write(list, n_tensors, notes, n_notes, &header));
    length = header.size;
    pieces[0] = (struct disk_piece){&length, sizeof length};
    pieces[1] = (struct disk_piece){header.data, header.size};
    for (uint32_t i = 0; i < n_tensors; i++)
        pieces[i + 2] = (struct disk_piece){list[i].data, (size_t)list[i].size};
    TRY(disk_save(path, pieces, (size_t)n_tensors + 2));
done:
    bytes_clear(&header);
    mem_free(pieces);
    mem_free(list);
    return st;
}

void tensors_digest(const struct tensor *tensors, uint32_t n_tensors, const char *skip,
                    char hex[65])
{
    const struct tensor *last = NULL; /* in name order, without a sorted copy */
    struct sha256 s;

    sha256_init(&s);
    for (;;) {
        const struct tensor *next = NULL;
        for (uint32_t i = 0; i < n_tensors; i++)
            if ((!last || strcmp(tensors[i].name, last->name) > 0) &&
                (!next || strcmp(tensors[i].name, next->name) < 0))
                next = &tensors[i];
        if (!next) break;
        if (!skip || strncmp(next->name, skip, strlen(skip)) != 0)
            sha256_push(&s, next->data, (size_t)next->size);
        last = next;
    }
    sha256_hex(&s, hex);
}

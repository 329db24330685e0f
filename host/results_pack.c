#include "results.h"
#include "base/utf8.h"

#include <msgpack.h>
#include <string.h>
#define XXH_INLINE_ALL /* the state of results_hash() lives on the stack */
#include <xxhash.h>

static const char *const statement_keys[] = {
    "doc",     "doc_id",  "sent",    "start",  "end",    "text", "lang", "class", "p",
    "p_class", "accused", "accuser", "victim", "groups", "act",  "tie",  "hash"};
static const char *const sentence_keys[] = {
    "doc", "doc_id", "sent", "start", "end", "class", "p", "p_class", "stage"};
static const char *const document_keys[] = {
    "doc",   "doc_id", "file",  "offset",    "lang",       "date",    "url",
    "title", "source", "bytes", "sentences", "statements", "repaired"};

static const struct kind {
    const char *name;
    const char *const *keys;
    uint32_t n_keys;
} kinds[RESULTS_KINDS] = {
    [RESULTS_DOCUMENTS] = {"documents", document_keys,
                           sizeof document_keys / sizeof *document_keys},
    [RESULTS_STATEMENTS] = {"statements", statement_keys,
                            sizeof statement_keys / sizeof *statement_keys},
    [RESULTS_SENTENCES] = {"sentences", sentence_keys,
                           sizeof sentence_keys / sizeof *sentence_keys},
};

/* A row under way. Every put_*() leaves `bad` nonzero when memory was short. */
struct packing {
    struct bytes *bytes;
    size_t before;           /* where the row begins */
    const char *const *keys; /* the next one */
    msgpack_packer packer;
    int bad;
};

static int append(void *self, const char *data, size_t size)
{
    struct bytes *b = self;

    /* Sixty short pieces a row: the call into mem.c is made only to grow. */
    if (b->capacity - b->size < size && bytes_reserve(b, b->size + size) != FECIT_OK)
        return -1;
    memcpy(b->data + b->size, data, size);
    b->size += size;
    return 0;
}

static void begin(struct packing *p, struct bytes *b, enum results_kind kind)
{
    p->bytes = b;
    p->before = b->size;
    p->keys = kinds[kind].keys;
    msgpack_packer_init(&p->packer, b, append);
    p->bad = msgpack_pack_map(&p->packer, kinds[kind].n_keys);
}

static enum fecit_status finish(const struct packing *p)
{
    if (!p->bad) return FECIT_OK;
    p->bytes->size = p->before;
    return FECIT_E_MEMORY; /* bytes_push() has said how much it wanted */
}

static void put_str(struct packing *p, const char *text, size_t size)
{
    struct bytes repaired = {0};

    if (utf8_check(text, size)) {
        p->bad |= msgpack_pack_str_with_body(&p->packer, text, size);
        return;
    }
    if (utf8_push(&repaired, text, size) == FECIT_OK)
        p->bad |= msgpack_pack_str_with_body(&p->packer, repaired.data, repaired.size);
    else
        p->bad = -1;
    bytes_clear(&repaired);
}

static void put_key(struct packing *p)
{
    p->bad |= msgpack_pack_str_with_body(&p->packer, *p->keys, strlen(*p->keys));
    p->keys++;
}

static void put_uint(struct packing *p, uint64_t value)
{
    put_key(p);
    p->bad |= msgpack_pack_uint64(&p->packer, value);
}

/* NULL: nil */
static void put_text(struct packing *p, const char *text)
{
    put_key(p);
    if (text)
        put_str(p, text, strlen(text));
    else
        p->bad |= msgpack_pack_nil(&p->packer);
}

static void put_scores(struct packing *p, const struct row *row)
{
    put_text(p, fecit_label_name(row->label));
    put_key(p);
    p->bad |= msgpack_pack_float(&p->packer, row->p);
    put_key(p);
    p->bad |= msgpack_pack_array(&p->packer, FECIT_LABELS);
    for (int i = 0; i < FECIT_LABELS; i++)
        p->bad |= msgpack_pack_float(&p->packer, row->p_class[i]);
}

static void put_place(struct packing *p, const struct row *row)
{
    put_uint(p, row->doc);
    put_text(p, row->doc_id);
    put_uint(p, row->sent);
    put_uint(p, row->start);
    put_uint(p, row->end);
}

/* The list of those in this role: maps with code, text, start, end, via. */
static void put_role(struct packing *p, const struct row *row, enum verdict_role role)
{
    static const char *const keys[] = {"code", "text", "start", "end", "via"};
    const struct verdict *v = row->said;
    const uint32_t n = v ? v->n_spans : 0;
    uint32_t of_role = 0;

    for (uint32_t i = 0; i < n; i++)
        of_role += v->spans[i].role == role;
    put_key(p);
    p->bad |= msgpack_pack_array(&p->packer, of_role);
    for (uint32_t i = 0; i < n; i++) {
        const struct verdict_span *s = &v->spans[i];
        if (s->role != role) continue;
        p->bad |= msgpack_pack_map(&p->packer, sizeof keys / sizeof *keys);
        for (int k = 0; k < 5; k++) {
            put_str(p, keys[k], strlen(keys[k]));
            if (k == 1)
                put_str(p, row->text + s->start, s->end - s->start);
            else if (k == 2 || k == 3)
                p->bad |= msgpack_pack_uint64(
                    &p->packer, row->start + (k == 2 ? s->start : s->end));
            else
                p->bad |=
                    msgpack_pack_nil(&p->packer); /* whom it names: not said yet */
        }
    }
}

enum fecit_status results_pack_statement(struct bytes *b, const struct row *row)
{
    struct packing p;

    begin(&p, b, RESULTS_STATEMENTS);
    put_place(&p, row);
    put_key(&p);
    put_str(&p, row->text, row->size);
    put_text(&p, row->lang);
    put_scores(&p, row);
    for (int i = 0; i < READING_ROLES; i++)
        put_role(&p, row, (enum verdict_role)i);
    put_text(&p, row->said ? row->said->act : NULL);
    put_text(&p, row->said ? row->said->tie : NULL);
    put_uint(&p, results_hash(row->text, row->size));
    return finish(&p);
}

enum fecit_status results_pack_sentence(struct bytes *b, const struct row *row)
{
    struct packing p;

    begin(&p, b, RESULTS_SENTENCES);
    put_place(&p, row);
    put_scores(&p, row);
    put_text(&p, row->stage == RESULTS_READER ? "reader" : "sieve");
    return finish(&p);
}

enum fecit_status results_pack_document(struct bytes *b, const struct document_row *d)
{
    struct packing p;

    begin(&p, b, RESULTS_DOCUMENTS);
    put_uint(&p, d->doc);
    put_text(&p, d->doc_id);
    put_text(&p, d->file);
    put_uint(&p, d->offset);
    put_text(&p, d->lang);
    put_text(&p, d->date);
    put_text(&p, d->url);
    put_text(&p, d->title);
    put_text(&p, d->source);
    put_uint(&p, d->bytes);
    put_uint(&p, d->sentences);
    put_uint(&p, d->statements);
    put_uint(&p, d->repaired);
    return finish(&p);
}

enum fecit_status results_pack_header(struct bytes *b, enum results_kind kind,
                                      const char *model)
{
    static const char *const keys[] = {"fecit", "format",  "version",
                                       "model", "classes", "keys"};
    struct packing p = {.bytes = b, .before = b->size, .keys = keys};

    msgpack_packer_init(&p.packer, b, append);
    p.bad |= msgpack_pack_map(&p.packer, sizeof keys / sizeof *keys);
    put_text(&p, kinds[kind].name);
    put_uint(&p, RESULTS_FORMAT);
    put_text(&p, fecit_version());
    put_text(&p, model);
    put_key(&p);
    p.bad |= msgpack_pack_array(&p.packer, FECIT_LABELS);
    for (int i = 0; i < FECIT_LABELS; i++) {
        const char *name = fecit_label_name((enum fecit_label)i);
        put_str(&p, name, strlen(name));
    }
    put_key(&p);
    p.bad |= msgpack_pack_array(&p.packer, kinds[kind].n_keys);
    for (uint32_t i = 0; i < kinds[kind].n_keys; i++)
        put_str(&p, kinds[kind].keys[i], strlen(kinds[kind].keys[i]));
    return finish(&p);
}

enum fecit_status results_pack_footer(struct bytes *b, uint64_t rows, uint64_t sum)
{
    static const char *const keys[] = {"footer", "rows", "xxh3_64"};
    struct packing p = {.bytes = b, .before = b->size, .keys = keys};

    msgpack_packer_init(&p.packer, b, append);
    p.bad |= msgpack_pack_map(&p.packer, sizeof keys / sizeof *keys);
    put_text(&p, "fecit");
    put_uint(&p, rows);
    put_uint(&p, sum);
    return finish(&p);
}

/* ---- the syndication hash ------------------------------------------------------- */

static bool is_space(int32_t c)
{
    return c == ' ' || (c >= 9 && c <= 13) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

static bool is_dropped(int32_t c)
{
    if (c < 0x80)
        return (c >= 0x21 && c <= 0x2f) || (c >= 0x3a && c <= 0x40) ||
               (c >= 0x5b && c <= 0x60) || (c >= 0x7b && c <= 0x7e);
    if (c <
        0x2000) /* soft hyphen, « », tatweel, harakat and dagger alif, Arabic mark */
        return c == 0xad || c == 0xab || c == 0xbb || c == 0x640 ||
               (c >= 0x64b && c <= 0x652) || c == 0x670 || c == 0x61c;
    return (c >= 0x2018 && c <= 0x201f) || c == 0x2039 || c == 0x203a || /* quotes */
           (c >= 0x300c && c <= 0x300f) || /* CJK quotes */
           (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x202a && c <= 0x202e) || /* invisible */
           (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}

uint64_t results_hash(const char *utf8, size_t size)
{
    const char *at = utf8, *end = utf8 + size;
    XXH3_state_t state;
    char held[1024]; /* a short sentence is hashed from here at once */
    size_t used = 0;
    bool space = false, any = false, more = false;

    while (at < end) {
        const char *from = at;
        const int32_t c = utf8_next(&at, end);
        size_t n = (size_t)(at - from);
        if (is_space(c)) {
            space = any;
            continue;
        }
        if (is_dropped(c)) continue;
        if (used + 8 > sizeof held) {
            if (!more) XXH3_64bits_reset(&state);
            XXH3_64bits_update(&state, held, used);
            more = true;
            used = 0;
        }
        if (space) held[used++] = ' ';
        if (c < 0) {
            from = "\xef\xbf\xbd"; /* what is written in its place */
            n = 3;
        }
        memcpy(held + used, from, n);
        if (c >= 'A' && c <= 'Z') held[used] = (char)(c + ('a' - 'A'));
        used += n;
        space = false;
        any = true;
    }
    if (!more) return XXH3_64bits(held, used);
    XXH3_64bits_update(&state, held, used);
    return XXH3_64bits_digest(&state);
}

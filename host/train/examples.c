#include "examples.h"
#include "../base/disk.h"
#include "../base/json.h"
#include "../base/sha256.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

/* Texts seen, as hashes: open addressing, at most half full. */
struct seen {
    uint64_t *slots; /* [size], 0 = free */
    size_t size, used;
};

struct loading {
    struct examples *e;
    const struct examples_options *options;
    struct tokens *tokens;
    struct token_list list;
    struct json_reader *reader;
    struct seen seen;
    struct sha256 sha;
};

static enum fecit_status seen_push(struct seen *s, uint64_t hash, bool *was_there)
{
    enum fecit_status st = FECIT_OK;
    struct seen larger = {0};

    hash += hash == 0;
    *was_there = false;
    if (2 * (s->used + 1) > s->size) {
        larger.size = s->size ? 2 * s->size : 4096;
        TRY_MEM(larger.slots = mem_new(larger.size, sizeof *larger.slots));
        for (size_t i = 0; i < s->size; i++)
            if (s->slots[i]) TRY(seen_push(&larger, s->slots[i], was_there));
        mem_free(s->slots);
        *s = larger;
        larger = (struct seen){0};
        *was_there = false;
    }
    for (size_t i = hash % s->size;; i = (i + 1) % s->size) {
        if (s->slots[i] == hash) {
            *was_there = true;
            break;
        }
        if (!s->slots[i]) {
            s->slots[i] = hash;
            s->used++;
            break;
        }
    }
done:
    mem_free(larger.slots);
    return st;
}

static uint32_t language_find(struct examples *e, const char *code, size_t size)
{
    uint32_t i;

    for (i = 0; i < e->n_languages; i++)
        if (strlen(e->languages[i]) == size && !memcmp(e->languages[i], code, size))
            return i;
    if (e->n_languages == EXAMPLES_LANGUAGES - 1) {
        code = "other";
        size = 5;
    }
    if (e->n_languages == EXAMPLES_LANGUAGES) return EXAMPLES_LANGUAGES - 1;
    snprintf(e->languages[e->n_languages], sizeof e->languages[0], "%.*s",
             (int)(size < 15 ? size : 15), code);
    return e->n_languages++;
}

static bool text_of(struct json row, const char *key, const char **text, size_t *size)
{
    struct json value;

    return json_get(row, key, &value) && json_text(value, text, size);
}

static bool is(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && !memcmp(text, word, size);
}

/* Where the row belongs: its own `split`, else by the hash of its scenario or document. */
static enum examples_part part_of(const struct loading *l, struct json row,
                                  const char *fallback, size_t fallback_size)
{
    const char *text;
    size_t size;
    uint64_t hash;

    if (l->options->skip_language && text_of(row, "lang", &text, &size) &&
        is(text, size, l->options->skip_language))
        return EXAMPLES_TEST;
    if (text_of(row, "split", &text, &size)) {
        if (is(text, size, "train")) return EXAMPLES_TRAIN;
        if (is(text, size, "validation")) return EXAMPLES_VALIDATION;
        if (is(text, size, "test")) return EXAMPLES_TEST;
    }
    if (!text_of(row, "scenario", &text, &size) && !text_of(row, "doc", &text, &size)) {
        text = fallback;
        size = fallback_size;
    }
    hash = XXH3_64bits_withSeed(text, size, l->options->seed);
    return (double)(hash >> 11) * 0x1p-53 < l->options->validation ? EXAMPLES_VALIDATION
                                                                    : EXAMPLES_TRAIN;
}

/* One good row. */
static enum fecit_status row_push(struct loading *l, struct json row, const char *text,
                                  size_t size, uint32_t label)
{
    enum fecit_status st = FECIT_OK;
    struct examples *e = l->e;
    struct example *x;
    const char *lang = "und";
    size_t lang_size = 3;
    bool repeated;
    void *grown;
    const size_t begin = l->list.count;

    TRY(seen_push(&l->seen, XXH3_64bits(text, size), &repeated));
    if (repeated) {
        e->repeated++;
        goto done;
    }
    TRY_MEM(grown = mem_grow(e->items, &e->capacity, e->n + 1, sizeof *e->items));
    e->items = grown;
    x = &e->items[e->n];
    *x = (struct example){0};
    TRY(tokens_push(l->tokens, text, size, &l->list, NULL));
    text_of(row, "lang", &lang, &lang_size);
    x->begin = (uint32_t)begin;
    x->count = (uint32_t)(l->list.count - begin);
    x->label = label;
    x->language = language_find(e, lang, lang_size);
    x->part = part_of(l, row, text, size);
    TRY_MEM(x->text = mem_text(text, size));
    e->n++;
    sha256_push(&l->sha, fecit_label_name((enum fecit_label)label), 1);
    sha256_push(&l->sha, text, size);
done:
    return st;
}

/* One line; *why is set (static) when it is refused. */
static enum fecit_status line_read(struct loading *l, const char *line, size_t size,
                                   const char **why)
{
    enum fecit_status st;
    struct json row;
    const char *text, *name;
    size_t text_size, name_size;
    uint32_t label = 0;

    *why = NULL;
    st = json_parse(l->reader, line, size, &row, NULL);
    if (st == FECIT_E_INPUT) {
        *why = "not JSON";
        return FECIT_OK;
    }
    TRY(st);
    if (!text_of(row, "text", &text, &text_size))
        *why = "no string \"text\"";
    else if (!text_of(row, "class", &name, &name_size))
        *why = "no string \"class\"";
    if (*why) goto done;
    while (label < FECIT_LABELS &&
           !is(name, name_size, fecit_label_name((enum fecit_label)label)))
        label++;
    if (label == FECIT_LABELS)
        *why = "\"class\" is not one of none, asserted, hedged, denied";
    else
        TRY(row_push(l, row, text, text_size, label));
done:
    return st;
}

static enum fecit_status file_read(struct loading *l, const char *path)
{
    enum fecit_status st;
    struct disk_map map = {0};
    struct examples *e = l->e;
    const char *why;
    size_t at = 0;

    TRY(disk_map(path, FECIT_E_INPUT, &map));
    for (uint64_t line = 1; at < map.size; line++) {
        const char *begin = (const char *)map.data + at;
        const char *end = memchr(begin, '\n', map.size - at);
        const size_t size = end ? (size_t)(end - begin) : map.size - at;
        at += size + 1;
        if (size == 0) continue;
        TRY(line_read(l, begin, size, &why));
        if (!why) continue;
        if (e->bad++ == 0)
            snprintf(e->first_bad, sizeof e->first_bad, "%s:%llu: %s", path,
                     (unsigned long long)line, why);
    }
done:
    disk_unmap(&map);
    return st;
}

enum fecit_status examples_load(const char *const *paths, uint32_t n_paths,
                                const struct vocabulary *vocabulary,
                                const struct tokens_options *tokens,
                                const struct examples_options *options,
                                struct examples **out)
{
    enum fecit_status st = FECIT_OK;
    struct loading l = {.e = mem_new(1, sizeof *l.e), .options = options};

    TRY_MEM(l.e);
    sha256_init(&l.sha);
    TRY(json_reader_new(&l.reader));
    TRY(tokens_new(vocabulary, tokens, &l.tokens));
    for (uint32_t i = 0; i < n_paths; i++)
        TRY(file_read(&l, paths[i]));
    if (l.e->n == 0)
        FAIL(FECIT_E_INPUT,
             "%s: expected JSON lines with \"text\" and \"class\", found none (%s)",
             n_paths ? paths[0] : "no file",
             l.e->bad ? l.e->first_bad : "the files are empty");
    sha256_hex(&l.sha, l.e->digest);
    l.e->ids = l.list.ids;
    l.list.ids = NULL;
    *out = l.e;
    l.e = NULL;
done:
    examples_free(l.e);
    mem_free(l.seen.slots);
    token_list_clear(&l.list);
    tokens_free(l.tokens);
    json_reader_free(l.reader);
    return st;
}

void examples_free(struct examples *e)
{
    if (!e) return;
    for (size_t i = 0; i < e->n; i++)
        mem_free(e->items[i].text);
    mem_free(e->items);
    mem_free(e->ids);
    mem_free(e);
}

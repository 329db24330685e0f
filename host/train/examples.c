#include "examples.h"
#include "../base/disk.h"
#include "../base/json.h"
#include "../base/sha256.h"

#include <math.h>
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

/* What a line says. The pointers borrow from the JSON reader. */
struct line {
    const char *text, *lang, *split,
        *group; /* group: scenario, else document, else text */
    size_t text_size, lang_size, split_size, group_size;
    uint32_t label;
    bool soft;
    float p[FECIT_LABELS], weight;
    struct json row;
};

/* Where the row belongs: its own `split`, else by the hash of its group. */
static enum examples_part part_of(const struct loading *l, const struct line *line)
{
    const char *skip = l->options->skip_language;
    uint64_t hash;

    if (skip && is(line->lang, line->lang_size, skip)) return EXAMPLES_TEST;
    if (line->soft) return EXAMPLES_TRAIN;
    if (is(line->split, line->split_size, "train")) return EXAMPLES_TRAIN;
    if (is(line->split, line->split_size, "validation")) return EXAMPLES_VALIDATION;
    if (is(line->split, line->split_size, "test")) return EXAMPLES_TEST;
    hash = XXH3_64bits_withSeed(line->group, line->group_size, l->options->seed);
    return (double)(hash >> 11) * 0x1p-53 < l->options->validation ? EXAMPLES_VALIDATION
                                                                   : EXAMPLES_TRAIN;
}

/* One good row. */
static enum fecit_status row_push(struct loading *l, const struct line *line)
{
    enum fecit_status st = FECIT_OK;
    struct examples *e = l->e;
    struct example *x;
    bool repeated;
    void *grown;
    const size_t begin = l->list.count;
    const enum examples_part part = part_of(l, line);

    TRY(seen_push(&l->seen, XXH3_64bits(line->text, line->text_size), &repeated));
    if (repeated) e->repeated++;
    if (repeated || (line->soft && part != EXAMPLES_TRAIN)) goto done;
    TRY_MEM(grown = mem_grow(e->items, &e->capacity, e->n + 1, sizeof *e->items));
    e->items = grown;
    x = &e->items[e->n];
    TRY(tokens_push(l->tokens, line->text, line->text_size, &l->list, NULL));
    *x = (struct example){
        .begin = (uint32_t)begin,
        .count = (uint32_t)(l->list.count - begin),
        .label = line->label,
        .soft = line->soft,
        .weight = line->weight,
        .language = language_find(e, line->lang, line->lang_size),
        .part = part,
    };
    memcpy(x->p, line->p, sizeof x->p);
    TRY_MEM(x->text = mem_text(line->text, line->text_size));
    e->n++;
    TRY(truth_read(line->row, line->text, line->text_size, &x->truth));
    e->soft += line->soft;
    sha256_push(&l->sha, line->p, sizeof line->p);
    sha256_push(&l->sha, &line->weight, sizeof line->weight);
    sha256_push(&l->sha, line->text, line->text_size);
    sha256_push(&l->sha, "", 1); /* so that two texts are not one longer */
done:
    return st;
}

/* "class" into p and label. */
static const char *class_read(struct json row, struct line *line)
{
    const char *name;
    size_t size;

    if (!text_of(row, "class", &name, &size))
        return "no string \"class\", and no \"p_class\"";
    for (uint32_t c = 0; c < FECIT_LABELS; c++)
        if (is(name, size, fecit_label_name((enum fecit_label)c))) {
            line->p[c] = 1;
            line->label = c;
            return NULL;
        }
    return "\"class\" is not one of none, asserted, hedged, denied";
}

/* "p_class", a list of four probabilities, into p and label. */
static const char *teacher_read(struct json list, struct line *line)
{
    struct json number;
    double p, sum = 0;

    line->soft = true;
    for (uint32_t c = 0; c < FECIT_LABELS; c++) {
        if (!json_item(list, c, &number) || !json_number(number, &p) || !(p >= 0))
            return "\"p_class\" is no list of four probabilities";
        sum += p;
        line->p[c] = (float)p;
        if (line->p[c] > line->p[line->label]) line->label = c;
    }
    return fabs(sum - 1) < 0.01 ? NULL : "the four of \"p_class\" do not sum to 1";
}

/* The fields of a row; why it is refused (static), or NULL. */
static const char *fields_read(struct json row, struct line *line)
{
    struct json value;
    double weight = 1;

    *line = (struct line){.lang = "und", .lang_size = 3, .split = ""};
    if (!text_of(row, "text", &line->text, &line->text_size))
        return "no string \"text\"";
    text_of(row, "lang", &line->lang, &line->lang_size);
    text_of(row, "split", &line->split, &line->split_size);
    if (!text_of(row, "scenario", &line->group, &line->group_size) &&
        !text_of(row, "doc", &line->group, &line->group_size)) {
        line->group = line->text;
        line->group_size = line->text_size;
    }
    if (json_get(row, "weight", &value) &&
        (!json_number(value, &weight) || !(weight > 0 && weight <= 1)))
        return "\"weight\" is no number above 0 and up to 1";
    line->weight = (float)weight;
    if (!json_get(row, "class", &value) && json_get(row, "p_class", &value))
        return teacher_read(value, line);
    return class_read(row, line);
}

/* One line; *why is set (static) when it is refused. */
static enum fecit_status line_read(struct loading *l, const char *text, size_t size,
                                   const char **why)
{
    enum fecit_status st;
    struct json row;
    struct line line;

    *why = NULL;
    st = json_parse(l->reader, text, size, &row, NULL);
    if (st == FECIT_E_INPUT) {
        *why = "not JSON";
        return FECIT_OK;
    }
    TRY(st);
    *why = fields_read(row, &line);
    line.row = row;
    if (!*why) TRY(row_push(l, &line));
done:
    return st;
}

static enum fecit_status file_read(struct loading *l, const char *path)
{
    enum fecit_status st;
    struct disk_map map = {0};
    struct examples *e = l->e;
    const char *why, *text;
    size_t at = 0, size;

    TRY(disk_map(path, FECIT_E_INPUT, &map));
    for (uint64_t line = 1; disk_line(&map, &at, &text, &size); line++) {
        if (size == 0) continue;
        TRY(line_read(l, text, size, &why));
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
    for (size_t i = 0; i < e->n; i++) {
        mem_free(e->items[i].text);
        truth_clear(&e->items[i].truth);
    }
    mem_free(e->items);
    mem_free(e->ids);
    mem_free(e);
}

#include "truth.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* ---- a row -------------------------------------------------------------------------- */

static uint8_t name_find(struct json row, const char *key,
                         const char *(*name)(uint32_t), uint32_t n)
{
    struct json value;
    const char *text;
    size_t size;

    if (!json_get(row, key, &value) || !json_text(value, &text, &size))
        return TRUTH_UNKNOWN;
    for (uint32_t i = 0; i < n; i++)
        if (strlen(name(i)) == size && !memcmp(name(i), text, size)) return (uint8_t)i;
    return TRUTH_UNKNOWN;
}

/* The byte at which code point `number` begins; size + 1 when there is none. */
static size_t byte_of(const char *utf8, size_t size, double number)
{
    size_t at = 0;

    if (!(number >= 0 && number <= (double)size)) return size + 1;
    for (size_t left = (size_t)number; left > 0; left--) {
        if (at == size) return size + 1;
        do
            at++;
        while (at < size && ((uint8_t)utf8[at] & 0xC0) == 0x80);
    }
    return at;
}

/* One entry {..., start, end} of a role; false when it lies beyond the text. */
static bool span_read(struct json entry, const char *utf8, size_t size,
                      struct verdict_span *to, bool *placed)
{
    struct json value;
    double start, end;

    *placed = json_get(entry, "start", &value) && json_number(value, &start) &&
              json_get(entry, "end", &value) && json_number(value, &end);
    if (!*placed) return true;
    to->start = (uint32_t)byte_of(utf8, size, start);
    to->end = (uint32_t)byte_of(utf8, size, end);
    return to->end <= size && to->start < to->end;
}

static enum fecit_status role_read(struct json list, enum verdict_role role,
                                   const char *utf8, size_t size, struct truth *out)
{
    enum fecit_status st = FECIT_OK;
    size_t capacity = out->n_spans;
    struct json entry;
    bool placed;

    for (size_t i = 0; json_item(list, i, &entry); i++) {
        void *grown =
            mem_grow(out->spans, &capacity, out->n_spans + 1, sizeof *out->spans);
        TRY_MEM(grown);
        out->spans = grown;
        if (json_kind(entry) != JSON_MAP ||
            !span_read(entry, utf8, size, &out->spans[out->n_spans], &placed)) {
            out->roles = false;
            continue;
        }
        out->spans[out->n_spans].role = role;
        out->n_spans += placed;
    }
done:
    return st;
}

enum fecit_status truth_read(struct json row, const char *utf8, size_t size,
                             struct truth *out)
{
    enum fecit_status st = FECIT_OK;
    struct json value;
    const char *text;
    size_t n;

    *out = (struct truth){
        .roles = true,
        .act = name_find(row, "act", verdict_act_name, READING_ACTS),
        .tie = name_find(row, "tie", verdict_tie_name, READING_TIES),
    };
    if (json_get(row, "pair", &value) && json_text(value, &text, &n) && n > 0)
        out->pair = XXH3_64bits(text, n) | 1;
    for (int role = 0; role < READING_ROLES; role++) {
        const char *key = verdict_role_name((enum verdict_role)role);
        if (!json_get(row, key, &value) || json_kind(value) != JSON_LIST) {
            out->roles = false;
            continue;
        }
        TRY(role_read(value, (enum verdict_role)role, utf8, size, out));
    }
done:
    return st;
}

void truth_clear(struct truth *t)
{
    mem_free(t->spans);
    *t = (struct truth){0};
}

/* ---- scores ------------------------------------------------------------------------- */

static bool touches(const struct verdict_span *s, const struct verdict_span *others,
                    uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (others[i].role == s->role && others[i].start < s->end &&
            s->start < others[i].end)
            return true;
    return false;
}

void truth_count(const struct truth *t, const struct verdict *v, enum verdict_role role,
                 struct truth_score *to)
{
    for (uint32_t i = 0; i < t->n_spans; i++) {
        const struct verdict_span *s = &t->spans[i];
        if (s->role != role) continue;
        to->truth++;
        to->truth_met += touches(s, v->spans, v->n_spans);
        for (uint32_t k = 0; k < v->n_spans; k++)
            if (v->spans[k].role == role && v->spans[k].start == s->start &&
                v->spans[k].end == s->end) {
                to->exact++;
                break;
            }
    }
    for (uint32_t i = 0; i < v->n_spans; i++) {
        if (v->spans[i].role != role) continue;
        to->said++;
        to->said_met += touches(&v->spans[i], t->spans, t->n_spans);
    }
}

double truth_exact_f1(const struct truth_score *s)
{
    const uint64_t n = s->truth + s->said;

    return n ? 2 * (double)s->exact / (double)n : 0;
}

double truth_touching_f1(const struct truth_score *s)
{
    const double p = s->said ? (double)s->said_met / (double)s->said : 0;
    const double r = s->truth ? (double)s->truth_met / (double)s->truth : 0;

    return p + r > 0 ? 2 * p * r / (p + r) : 0;
}

struct member {
    uint64_t pair;
    uint32_t label, said;
};

static int by_pair(const void *a, const void *b)
{
    const uint64_t x = ((const struct member *)a)->pair,
                   y = ((const struct member *)b)->pair;

    return (x > y) - (x < y);
}

/* One pair, members [n]. */
static void pair_count(const struct member *m, size_t n, struct truth_pairs *out)
{
    bool same = true, mixed = false, flipped = false, right = true;

    if (n < 2) return;
    for (size_t i = 0; i < n; i++) {
        same = same && m[i].label == m[0].label;
        mixed = mixed || (m[i].label == FECIT_NONE) != (m[0].label == FECIT_NONE);
        flipped = flipped || m[i].said != m[0].said;
        right = right && (m[i].label == FECIT_NONE) == (m[i].said == FECIT_NONE);
    }
    out->same += same;
    out->flipped += same && flipped;
    out->mixed += mixed;
    out->right += mixed && right;
}

enum fecit_status truth_pairs_count(const uint64_t *pairs, const uint32_t *labels,
                                    const uint32_t *said, size_t n,
                                    struct truth_pairs *out)
{
    enum fecit_status st = FECIT_OK;
    struct member *all = mem_new(n, sizeof *all);
    size_t used = 0;

    *out = (struct truth_pairs){0};
    TRY_MEM(all);
    for (size_t i = 0; i < n; i++)
        if (pairs[i]) all[used++] = (struct member){pairs[i], labels[i], said[i]};
    qsort(all, used, sizeof *all, by_pair);
    for (size_t i = 0, j; i < used; i = j) {
        for (j = i; j < used && all[j].pair == all[i].pair; j++)
            ;
        pair_count(all + i, j - i, out);
    }
done:
    mem_free(all);
    return st;
}

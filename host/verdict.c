#include "verdict.h"

#include <math.h>
#include <string.h>

enum tag { OUTSIDE, BEGINS, GOES_ON };

static const char *const acts[READING_ACTS] = {
    "cyber", "information", "espionage", "covert", "kinetic", "abuse", "other"};
static const char *const ties[READING_TIES] = {"state",  "organ",     "directed",
                                               "linked", "territory", "group"};
static const char *const roles[READING_ROLES] = {"accused", "accuser", "victim",
                                                 "groups"};

const char *verdict_role_name(enum verdict_role role)
{
    return roles[role];
}

const char *verdict_act_name(uint32_t i)
{
    return acts[i];
}

const char *verdict_tie_name(uint32_t i)
{
    return ties[i];
}

enum fecit_status verdict_tools_init(struct verdict_tools *t, const struct model *m)
{
    enum fecit_status st;

    *t = (struct verdict_tools){.pieces.want_offsets = true};
    TRY(tokens_new(m->vocabulary, &m->tokens, &t->tokens));
    TRY(segment_words_new(&t->words));
done:
    if (st != FECIT_OK) verdict_tools_clear(t);
    return st;
}

void verdict_tools_clear(struct verdict_tools *t)
{
    tokens_free(t->tokens);
    token_list_clear(&t->pieces);
    segment_words_free(t->words);
    *t = (struct verdict_tools){0};
}

void verdict_class(const struct model_calibration *c, const float *heads,
                   float threshold, struct verdict *out)
{
    double e[FECIT_LABELS], total = 0, most = -INFINITY;
    int best = FECIT_ASSERTED;

    for (int i = 0; i < FECIT_LABELS; i++) {
        e[i] = (double)heads[i] / (double)c->temperature +
               (i == FECIT_NONE ? (double)c->prior : 0);
        most = fmax(most, e[i]);
    }
    for (int i = 0; i < FECIT_LABELS; i++)
        total += e[i] = exp(e[i] - most);
    for (int i = 0; i < FECIT_LABELS; i++)
        out->p_class[i] = (float)(e[i] / total);
    out->p = (float)((e[1] + e[2] + e[3]) / total);
    for (int i = FECIT_HEDGED; i < FECIT_LABELS; i++)
        if (out->p_class[i] > out->p_class[best]) best = i;
    out->label = out->p >= threshold ? (enum fecit_label)best : FECIT_NONE;
    out->act = out->tie = NULL;
    out->n_spans = 0;
}

static uint32_t greatest(const float *x, uint32_t n)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

/* Keep the span if whole words are left of it; words of the one before belong to that. */
static void span_push(struct verdict_tools *t, enum verdict_role role, size_t start,
                      size_t end, struct verdict *out)
{
    struct verdict_span *last = out->n_spans ? &out->spans[out->n_spans - 1] : NULL;

    if (!segment_words_cover(t->words, &start, &end)) return;
    if (last && last->role == role && start < last->end) {
        if (end > last->end) last->end = (uint32_t)end;
        return;
    }
    if (out->n_spans < VERDICT_SPANS)
        out->spans[out->n_spans++] =
            (struct verdict_span){role, (uint32_t)start, (uint32_t)end};
}

/* The spans of one role. The bare mark before a word is no place and is passed over. */
static void role_read(struct verdict_tools *t, enum verdict_role role,
                      const float *tags, uint32_t n, struct verdict *out)
{
    size_t start = 0, end = 0; /* of the span that is open; empty = none */

    for (uint32_t i = 0; i < n; i++) {
        const uint32_t from = t->pieces.starts[i], to = t->pieces.ends[i];
        const uint32_t tag =
            greatest(tags + (size_t)i * READING_TAGS + 3 * (size_t)role, 3);
        if (from == to) continue;
        if (end > start && tag != GOES_ON) {
            span_push(t, role, start, end, out);
            end = start;
        }
        if (tag == OUTSIDE) continue;
        if (end == start) start = from;
        end = to;
    }
    if (end > start) span_push(t, role, start, end, out);
}

enum fecit_status verdict_roles(struct verdict_tools *t, const char *utf8, size_t size,
                                const float *heads, const float *tags, uint32_t n_tags,
                                struct verdict *out)
{
    enum fecit_status st = FECIT_OK;
    const float *head = heads + FECIT_LABELS;
    uint32_t n;

    if (out->label == FECIT_NONE) goto done;
    out->act = acts[greatest(head, READING_ACTS)];
    out->tie = ties[greatest(head + READING_ACTS, READING_TIES)];
    t->pieces.count = 0;
    TRY(tokens_push(t->tokens, utf8, size, &t->pieces, NULL));
    TRY(segment_words_text(t->words, utf8, size));
    n = (uint32_t)t->pieces.count;
    if (n + 2 > n_tags) n = n_tags < 2 ? 0 : n_tags - 2; /* what was cut has no tags */
    for (int role = 0; role < READING_ROLES; role++)
        role_read(t, (enum verdict_role)role, tags + READING_TAGS, n, out);
done:
    return st;
}

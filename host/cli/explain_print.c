#include "explain_print.h"
#include "args.h"
#include "show_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether fecit score would have it read. */
static bool is_read(const struct explaining *x, const struct explained *e)
{
    return x->engine.reader && x->tools.pieces.count >= ENGINE_LEAST &&
           e->sieve >= e->pass[0] && (!x->engine.middle || e->middle >= e->pass[1]);
}

static int by_fall(const void *a, const void *b)
{
    const float x = ((const struct word *)a)->change,
                y = ((const struct word *)b)->change;

    return (x > y) - (x < y);
}

/* A text from who knows where, fit for a terminal. */
static void print_clean(const char *text, size_t size)
{
    struct bytes b = {0};
    int used;

    if (show_text_push(&b, text, size, 0, false, &used) == FECIT_OK)
        fwrite(b.data, 1, b.size, stdout);
    bytes_clear(&b);
}

static void print_pieces(const struct explaining *x)
{
    const struct vocabulary *v = x->engine.model->vocabulary;
    const struct token_list *l = &x->tools.pieces;

    printf("pieces ");
    for (size_t i = 0; i < l->count; i++) {
        const uint32_t at = v->piece_offsets[l->ids[i]];
        printf(" ");
        print_clean((const char *)v->piece_bytes + at,
                    v->piece_offsets[l->ids[i] + 1] - at);
    }
    if (l->count > READING_MOST)
        printf("\n        (only the first %d are read)", READING_MOST);
    printf("\n");
}

static void print_steps(const struct explaining *x, const struct explained *e)
{
    const char *end = is_read(x, e) ? "" : ": fecit score would not have read it";

    printf("sieve    p %.3f, let through from %.3f on%s\n", (double)e->sieve,
           (double)e->pass[0], x->engine.middle ? "" : end);
    if (x->engine.middle)
        printf("middle   p %.3f, let through from %.3f on%s\n", (double)e->middle,
               (double)e->pass[1], end);
}

void explain_print_text(const struct explaining *x, struct explained *e)
{
    const struct verdict *v = &e->verdict;

    print_clean(e->text, e->size);
    printf("\n");
    printf(
        "class    %s, p %.3f (none %.3f asserted %.3f hedged %.3f denied %.3f), a "
        "statement from %.3f on, language %s\n",
        fecit_label_name(v->label), (double)v->p, (double)v->p_class[0],
        (double)v->p_class[1], (double)v->p_class[2], (double)v->p_class[3],
        (double)(x->engine.reader ? x->engine.model->reader.threshold
                                  : x->engine.model->threshold),
        e->lang);
    if (x->engine.reader) print_steps(x, e);
    if (v->act) printf("act      %s, tie %s\n", v->act, v->tie);
    for (uint32_t i = 0; i < v->n_spans; i++) {
        printf("%-8s ", verdict_role_name(v->spans[i].role));
        print_clean(e->text + v->spans[i].start, v->spans[i].end - v->spans[i].start);
        printf(" (%u-%u)\n", v->spans[i].start, v->spans[i].end);
    }
    print_pieces(x);
    if (e->n_words > 0) {
        qsort(e->words, e->n_words, sizeof *e->words, by_fall);
        printf("hidden, the log-odds of p change by\n");
        for (uint32_t w = 0; w < e->n_words; w++) {
            printf("  %+.2f  ", (double)e->words[w].change);
            print_clean(e->text + e->words[w].start,
                        e->words[w].end - e->words[w].start);
            printf("\n");
        }
    }
    printf("\n");
}

static void push_slice(struct bytes *b, const struct explained *e, size_t start,
                       size_t end)
{
    bytes_print(b, "{\"text\": ");
    bytes_push_json(b, e->text + start, end - start);
    bytes_print(b, ", \"start\": %zu, \"end\": %zu", start, end);
}

enum fecit_status explain_print_json(const struct explaining *x,
                                     const struct explained *e)
{
    enum fecit_status st = FECIT_OK;
    const struct verdict *v = &e->verdict;
    const struct vocabulary *vocabulary = x->engine.model->vocabulary;
    const struct token_list *l = &x->tools.pieces;
    struct bytes b = {0};

    bytes_print(&b, "{\"text\": ");
    bytes_push_json(&b, e->text, e->size);
    bytes_print(&b, ", \"lang\": ");
    bytes_push_json(&b, e->lang, strlen(e->lang));
    bytes_print(&b,
                ", \"class\": \"%s\", \"p\": %.6f, \"p_class\": [%.6f, "
                "%.6f, %.6f, %.6f], \"sieve\": %.6f, \"middle\": %.6f, \"pass\": "
                "[%.6f, %.6f], \"read\": %s, ",
                fecit_label_name(v->label), (double)v->p, (double)v->p_class[0],
                (double)v->p_class[1], (double)v->p_class[2], (double)v->p_class[3],
                (double)e->sieve, (double)e->middle, (double)e->pass[0],
                (double)e->pass[1], is_read(x, e) ? "true" : "false");
    if (v->act)
        bytes_print(&b, "\"act\": \"%s\", \"tie\": \"%s\", ", v->act, v->tie);
    else
        bytes_print(&b, "\"act\": null, \"tie\": null, ");
    bytes_print(&b, "\"roles\": [");
    for (uint32_t i = 0; i < v->n_spans; i++) {
        if (i) bytes_print(&b, ", ");
        push_slice(&b, e, v->spans[i].start, v->spans[i].end);
        bytes_print(&b, ", \"role\": \"%s\"}", verdict_role_name(v->spans[i].role));
    }
    bytes_print(&b, "], \"words\": [");
    for (uint32_t w = 0; w < e->n_words; w++) {
        if (w) bytes_print(&b, ", ");
        push_slice(&b, e, e->words[w].start, e->words[w].end);
        bytes_print(&b, ", \"change\": %.6f}", (double)e->words[w].change);
    }
    bytes_print(&b, "], \"pieces\": [");
    for (size_t i = 0; i < l->count; i++) {
        const uint32_t at = vocabulary->piece_offsets[l->ids[i]];
        if (i) bytes_print(&b, ", ");
        bytes_push_json(&b, (const char *)vocabulary->piece_bytes + at,
                        vocabulary->piece_offsets[l->ids[i] + 1] - at);
    }
    bytes_print(&b, "]}\n");
    if (b.failed) FAIL(FECIT_E_MEMORY, "out of memory for the explanation");
    fwrite(b.data, 1, b.size, stdout);
done:
    bytes_clear(&b);
    return st;
}

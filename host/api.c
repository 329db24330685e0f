/* api.c -- the public calls: check the caller's arguments, then step onto the road. */
#include "window.h"
#include "parcel.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

struct fecit {
    struct engine engine;
    struct parcel_tools tools;
    struct parcel *parcel; /* one document, used again by every call */
    struct cascade *cascade;
    struct window *window;
    char why[1024];
};

static const char *const labels[FECIT_LABELS] = {"none", "asserted", "hedged",
                                                 "denied"};

const char *fecit_label_name(enum fecit_label label)
{
    return (unsigned)label < FECIT_LABELS ? labels[label] : "?";
}

const char *fecit_version(void)
{
    return FECIT_VERSION;
}

const char *fecit_error(const struct fecit *f)
{
    return f ? f->why : "out of memory, or no handle was given";
}

/* Keep the text beside the handle, where the caller may ask for it from any thread. */
static enum fecit_status keep(struct fecit *f, enum fecit_status st)
{
    if (st != FECIT_OK) snprintf(f->why, sizeof f->why, "%s", status_text());
    return st;
}

enum fecit_status fecit_open(const char *model, const struct fecit_options *options,
                             struct fecit **out)
{
    enum fecit_status st = FECIT_OK;
    const struct fecit_options none = {0};
    struct fecit *f;

    if (!out) return FECIT_E_USAGE;
    *out = NULL;
    if (!options) options = &none;
    TRY_MEM(f = mem_new(1, sizeof *f));
    *out = f;
    if (!(options->recall >= 0 && options->recall < 1))
        FAIL(FECIT_E_USAGE, "recall is %g; it must be 0, or between 0 and 1",
             options->recall);
    TRY(engine_open(&f->engine, model, options->device));
    TRY(cascade_open(&f->engine,
                     &(struct cascade_options){.recall = options->recall,
                                               .no_sieve = options->no_sieve},
                     &f->cascade));
    TRY(parcel_tools_init(&f->tools, f->engine.model->vocabulary,
                          &f->engine.model->tokens));
    TRY(parcel_new(&f->parcel));
    TRY(window_new(f->cascade, &f->window));
done:
    if (*out) keep(*out, st);
    return st;
}

/* The roles of a verdict as the caller gets them; `to` [VERDICT_SPANS]. */
static uint32_t roles_of(const struct verdict *v, const struct fecit_result *r,
                         struct fecit_role *to)
{
    for (uint32_t i = 0; i < v->n_spans; i++)
        to[i] = (struct fecit_role){
            .kind = (enum fecit_role_kind)v->spans[i].role,
            .start = r->start + v->spans[i].start,
            .end = r->start + v->spans[i].end,
            .text = r->text + v->spans[i].start,
            .size = v->spans[i].end - v->spans[i].start,
        };
    return v->n_spans;
}

/* Score the sentences that lie in the window, the first of them number `first`, and hand
 * them out. */
static enum fecit_status hand_out(struct fecit *f, size_t first, fecit_sink sink,
                                  void *self)
{
    enum fecit_status st = FECIT_OK;
    const struct parcel *parcel = f->parcel;
    const char *utf8 = (const char *)parcel->items[0].text.data;

    if (window_count(f->window) == 0) return FECIT_OK;
    TRY(window_launch(f->window));
    TRY(window_wait(f->window));
    for (uint32_t i = 0; i < window_count(f->window); i++) {
        const struct sentence s = parcel->sentences[first + i];
        struct fecit_role roles[VERDICT_SPANS];
        struct verdict v;
        bool by_reader;
        struct fecit_result result = {
            .start = s.start,
            .end = s.end,
            .text = utf8 + s.start,
            .size = s.end - s.start,
            .roles = roles,
        };
        TRY(window_verdict(f->window, i, result.text, result.size, &v, &by_reader));
        result.label = v.label;
        result.p = v.p;
        memcpy(result.p_class, v.p_class, sizeof result.p_class);
        result.act = v.act;
        result.tie = v.tie;
        result.n_roles = roles_of(&v, &result, roles);
        if (sink(self, &result))
            FAIL(FECIT_E_STOPPED, "the sink asked to stop at byte %zu", s.start);
    }
    window_clear(f->window);
done:
    return st;
}

enum fecit_status fecit_score(struct fecit *f, const char *utf8, size_t size,
                              fecit_sink sink, void *self)
{
    enum fecit_status st = FECIT_OK;
    struct parcel_item *item;
    size_t first = 0;

    if (!f) return FECIT_E_USAGE;
    if (!f->window || !sink || (!utf8 && size > 0))
        FAIL(FECIT_E_USAGE, "fecit_score wants an opened handle, a text and a sink");
    window_clear(f->window);
    parcel_clear(f->parcel);
    TRY(parcel_push(f->parcel, &item));
    item->document.encoding = TEXT_UTF8;
    TRY(bytes_push(&item->document.raw, utf8, size));
    TRY(parcel_run(f->parcel, &f->tools));
    for (size_t i = 0; i < f->parcel->n_sentences; i++) {
        const struct parcel_span s = f->parcel->spans[i];
        const uint32_t *ids = f->parcel->tokens.ids + s.begin;
        if (window_push(f->window, f->parcel->items[0].lang, ids, s.count)) continue;
        TRY(hand_out(f, first, sink, self));
        first = i;
        window_push(f->window, f->parcel->items[0].lang, ids, s.count);
    }
    TRY(hand_out(f, first, sink, self));
done:
    return keep(f, st);
}

void fecit_close(struct fecit *f)
{
    if (!f) return;
    window_free(f->window);
    cascade_close(f->cascade);
    parcel_free(f->parcel);
    parcel_tools_clear(&f->tools);
    engine_close(&f->engine);
    mem_free(f);
}

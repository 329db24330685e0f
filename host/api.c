/* api.c -- the public calls: check the caller's arguments, then step onto the road. */
#include "engine.h"
#include "text.h"
#include "parcel.h"

#include <stdio.h>
#include <string.h>

struct fecit {
    struct engine engine;
    struct parcel_tools tools;
    struct parcel *parcel; /* one document, used again by every call */
    struct batch *batch;
    float threshold;
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
    TRY(model_threshold(f->engine.model, options->recall, &f->threshold));
    TRY(parcel_tools_init(&f->tools, f->engine.model->vocabulary,
                          &f->engine.model->tokens));
    TRY(parcel_new(&f->parcel));
    TRY(batch_new(0, &f->batch));
done:
    if (*out) keep(*out, st);
    return st;
}

/* Score the sentences [first, first + n) that lie in the batch and hand them out. */
static enum fecit_status hand_out(struct fecit *f, size_t first, size_t n,
                                  fecit_sink sink, void *self)
{
    enum fecit_status st = FECIT_OK;
    const struct parcel *parcel = f->parcel;
    const char *utf8 = (const char *)parcel->items[0].text.data;

    if (n == 0) return FECIT_OK;
    TRY(sieve_run(f->engine.sieve, f->batch));
    TRY(sieve_wait(f->engine.sieve, f->batch));
    for (size_t i = 0; i < n; i++) {
        const struct sentence s = parcel->sentences[first + i];
        struct fecit_result result = {
            .start = s.start,
            .end = s.end,
            .text = utf8 + s.start,
            .size = s.end - s.start,
        };
        engine_label(parcel->spans[first + i].count, f->batch->p + i * FECIT_LABELS,
                     f->threshold, &result.label, &result.p, result.p_class);
        if (sink(self, &result))
            FAIL(FECIT_E_STOPPED, "the sink asked to stop at byte %zu", s.start);
    }
    batch_clear(f->batch);
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
    if (!f->batch || !sink || (!utf8 && size > 0))
        FAIL(FECIT_E_USAGE, "fecit_score wants an opened handle, a text and a sink");
    batch_clear(f->batch);
    parcel_clear(f->parcel);
    TRY(parcel_push(f->parcel, &item));
    item->document.encoding = TEXT_UTF8;
    TRY(bytes_push(&item->document.raw, utf8, size));
    TRY(parcel_run(f->parcel, &f->tools));
    for (size_t i = 0; i < f->parcel->n_sentences; i++) {
        const struct parcel_span s = f->parcel->spans[i];
        const uint32_t *ids = f->parcel->tokens.ids + s.begin;
        if (batch_push(f->batch, ids, s.count)) continue;
        TRY(hand_out(f, first, i - first, sink, self));
        first = i;
        batch_push(f->batch, ids, s.count);
    }
    TRY(hand_out(f, first, f->parcel->n_sentences - first, sink, self));
done:
    return keep(f, st);
}

void fecit_close(struct fecit *f)
{
    if (!f) return;
    batch_free(f->batch);
    parcel_free(f->parcel);
    parcel_tools_clear(&f->tools);
    engine_close(&f->engine);
    mem_free(f);
}

#include "window.h"
#include "parcel.h"

#include <stdlib.h>
#include <string.h>

/* Sentences of a window. On a CPU so few that the run answers a signal within seconds; a GPU
 * wants enough for its parts. */
#define WINDOW_CPU      2048u
#define WINDOW_CPU_READ 256u /* without the sieve */
#define WINDOW_GPU      16384u
#define NOT_READ        UINT32_MAX

struct window {
    struct cascade *cascade;
    struct batch *batch;
    struct reading *middle, *reading;             /* NULL without such a stage */
    const struct model_calibration **calibration; /* [sentences] */
    float (*pass)[2]; /* [sentences] least p of the sieve, of the small encoder */
    uint32_t *order;  /* [n] candidates, short ones first */
    uint32_t *place;  /* [sentences] number in the reading, or NOT_READ */
    bool running;
};

enum fecit_status window_new(struct cascade *c, struct window **out)
{
    enum fecit_status st = FECIT_OK;
    struct window *w = mem_new(1, sizeof *w);
    const bool gpu = device_about(c->engine->device)->gpu;
    const bool all = c->options.no_sieve || c->engine->model->reader.after_sieve.n == 0;
    const struct reader_weights *weights = &c->engine->model->reader.weights;
    uint32_t n = c->options.window;

    TRY_MEM(w);
    if (n == 0 && c->engine->reader)
        n = gpu ? WINDOW_GPU : all ? WINDOW_CPU_READ : WINDOW_CPU;
    w->cascade = c;
    TRY(batch_new(n, &w->batch));
    if (c->engine->reader) {
        n = w->batch->spans_limit;
        const uint32_t ids = w->batch->ids_limit + 2 * n;
        TRY(reading_new(n, ids, weights->bos, weights->eos, &w->reading));
        if (c->engine->middle && !c->options.no_sieve)
            TRY(reading_new(n, ids, weights->bos, weights->eos, &w->middle));
        TRY_MEM(w->calibration = mem_new(n, sizeof *w->calibration));
        TRY_MEM(w->pass = mem_new(n, sizeof *w->pass));
        TRY_MEM(w->order = mem_new(n, sizeof *w->order));
        TRY_MEM(w->place = mem_new(n, sizeof *w->place));
    }
    *out = w;
    w = NULL;
done:
    window_free(w);
    return st;
}

void window_free(struct window *w)
{
    if (!w) return;
    batch_free(w->batch);
    reading_free(w->middle);
    reading_free(w->reading);
    mem_free(w->calibration);
    mem_free(w->pass);
    mem_free(w->order);
    mem_free(w->place);
    mem_free(w);
}

bool window_push(struct window *w, const char *lang, const uint32_t *ids, uint32_t n)
{
    struct cascade *c = w->cascade;
    const uint32_t i = w->batch->n_spans;

    if (!batch_push(w->batch, ids, n)) return false;
    if (!w->reading) return true;
    /* cascade_open() has been through all curves: none is too short now. */
    if (!c->options.no_sieve) cascade_language(c, lang);
    memcpy(w->pass[i], c->pass, sizeof c->pass);
    w->calibration[i] = model_reader_calibration(&c->engine->model->reader, lang);
    return true;
}

uint32_t window_count(const struct window *w)
{
    return w->batch->n_spans;
}

uint32_t window_limit(const struct window *w)
{
    return w->batch->spans_limit;
}

void window_clear(struct window *w)
{
    batch_clear(w->batch);
    if (w->middle) reading_clear(w->middle);
    if (w->reading) reading_clear(w->reading);
}

static bool same_pieces(const struct batch *b, uint32_t i, uint32_t k)
{
    return b->spans[i].count == b->spans[k].count &&
           !memcmp(b->ids + b->spans[i].begin, b->ids + b->spans[k].begin,
                   b->spans[i].count * sizeof *b->ids);
}

/* Sentences of like length side by side, copies of one another too. */
static int by_pieces(const void *a, const void *b, void *self)
{
    const struct batch *batch = self;
    const uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
    const struct shared_span x = batch->spans[i], y = batch->spans[k];
    int order;

    if (x.count != y.count) return x.count < y.count ? -1 : 1;
    order = memcmp(batch->ids + x.begin, batch->ids + y.begin,
                   x.count * sizeof *batch->ids);
    return order ? order : i < k ? -1 : i > k;
}

/* What the sieve lets through, into `order`; how many. */
static uint32_t candidates_find(struct window *w)
{
    struct cascade *c = w->cascade;
    struct batch *b = w->batch;
    uint32_t n = 0;

    for (uint32_t i = 0; i < b->n_spans; i++) {
        const float p = 1 - b->p[(size_t)i * FECIT_LABELS];
        w->place[i] = NOT_READ;
        if (b->spans[i].count < ENGINE_LEAST) continue;
        if (c->options.no_sieve || p >= w->pass[i][0]) w->order[n++] = i;
    }
    qsort_r(w->order, n, sizeof *w->order, by_pieces, b);
    return n;
}

/* The first n of `order` into `in`, copies once, and where each one is. */
static void candidates_push(struct window *w, uint32_t n, struct reading *in)
{
    struct batch *b = w->batch;

    for (uint32_t k = 0; k < n; k++) {
        const uint32_t i = w->order[k];
        if (k == 0 || !same_pieces(b, i, w->order[k - 1]))
            reading_push(in, b->ids + b->spans[i].begin, b->spans[i].count);
        w->place[i] = in->n_spans - 1;
    }
}

/* Those of the n candidates that the small encoder lets through, too. */
static enum fecit_status middle_filter(struct window *w, uint32_t *n)
{
    struct cascade *c = w->cascade;
    enum fecit_status st = FECIT_OK;
    uint32_t kept = 0;

    candidates_push(w, *n, w->middle);
    TRY(reader_run(c->engine->middle, w->middle));
    TRY(reader_wait(c->engine->middle, w->middle));
    for (uint32_t k = 0; k < *n; k++) {
        const uint32_t i = w->order[k];
        const float *heads = w->middle->heads + (size_t)w->place[i] * READING_HEADS;
        w->place[i] = NOT_READ;
        if (cascade_middle_p(heads) >= w->pass[i][1]) w->order[kept++] = i;
    }
    c->counts.middle += *n;
    c->counts.middle_pieces += w->middle->n_ids;
    *n = kept;
done:
    return st;
}

/* Sieve and small encoder; what is left goes into the reading. */
static enum fecit_status sift(struct window *w)
{
    struct cascade *c = w->cascade;
    enum fecit_status st = FECIT_OK;
    uint64_t begin = parcel_clock(), now;
    uint32_t n;

    if (!c->options.no_sieve) TRY(sieve_wait(c->engine->sieve, w->batch));
    n = candidates_find(w);
    now = parcel_clock();
    c->counts.sieved_ns += now - begin;
    begin = now;
    if (w->middle) TRY(middle_filter(w, &n));
    c->counts.middle_ns += parcel_clock() - begin;
    candidates_push(w, n, w->reading);
    c->counts.candidates += n;
    c->counts.read += w->reading->n_spans;
    c->counts.read_pieces += w->reading->n_ids;
done:
    return st;
}

enum fecit_status window_launch(struct window *w)
{
    struct cascade *c = w->cascade;
    enum fecit_status st = FECIT_OK;
    uint64_t begin;

    /* The queue is in order: the sieve would wait for it anyway, and be charged for it. */
    if (c->under_way) TRY(window_wait(c->under_way));
    begin = parcel_clock();
    if (!c->options.no_sieve) {
        TRY(sieve_run(c->engine->sieve, w->batch));
        c->counts.sieved += w->batch->n_spans;
    }
    w->running = true;
    if (!w->reading) goto done;
    c->under_way = w;
    c->counts.sieved_ns += parcel_clock() - begin;
    TRY(sift(w));
    begin = parcel_clock();
    TRY(reader_run(c->engine->reader, w->reading));
    c->counts.read_ns += parcel_clock() - begin;
done:
    return st;
}

enum fecit_status window_wait(struct window *w)
{
    struct cascade *c = w->cascade;
    enum fecit_status st = FECIT_OK;
    const uint64_t begin = parcel_clock();

    if (!w->running) return FECIT_OK;
    w->running = false;
    if (c->under_way == w) c->under_way = NULL;
    if (w->reading) {
        TRY(reader_wait(c->engine->reader, w->reading));
        c->counts.read_ns += parcel_clock() - begin;
    } else {
        TRY(sieve_wait(c->engine->sieve, w->batch));
        c->counts.sieved_ns += parcel_clock() - begin;
    }
done:
    return st;
}

enum fecit_status window_verdict(struct window *w, uint32_t i, const char *utf8,
                                 size_t size, struct verdict *out, bool *by_reader)
{
    struct cascade *c = w->cascade;
    static const float nothing[FECIT_LABELS] = {1, 0, 0, 0};
    enum fecit_status st = FECIT_OK;
    const float *p =
        c->options.no_sieve ? nothing : w->batch->p + (size_t)i * FECIT_LABELS;
    const float *heads;
    struct shared_span span;

    *by_reader = w->reading && w->place[i] != NOT_READ;
    *out = (struct verdict){0};
    if (!*by_reader) {
        engine_label(w->batch->spans[i].count, p, c->threshold, &out->label, &out->p,
                     out->p_class);
        if (w->reading) out->label = FECIT_NONE; /* the sieve alone accuses nobody */
        goto done;
    }
    heads = w->reading->heads + (size_t)w->place[i] * READING_HEADS;
    span = w->reading->spans[w->place[i]];
    verdict_class(w->calibration[i], heads, c->threshold, out);
    TRY(verdict_roles(&c->tools, utf8, size, heads,
                      w->reading->tags + (size_t)span.begin * READING_TAGS, span.count,
                      out));
done:
    return st;
}

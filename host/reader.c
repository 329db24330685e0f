#include "reader.h"

/* A layer's widest launch on n pieces is n * 2.4 MFLOP at D 384: 25 ms on one core of 100
 * GFLOP/s; on a GPU a part must be large enough to fill it. */
#define PART_CPU 1024u
#define PART_GPU 16384u

struct layer {
    struct ops_panels *qkv, *out, *up, *down;
    struct device_buffer *attention_norm[2], *norm[2]; /* weight, bias */
};

struct reader {
    struct device *device;
    struct ops *ops, *from_ops;    /* from_ops: for rows of `from` columns, or NULL */
    struct ops_panels *projection; /* NULL: none */
    struct reader_weights shape;   /* the pointers are only compared after opening */
    struct device_buffer *nibbles, *scales,
        *positions; /* and from_ops: `of`'s, if any */
    const struct reader *of;
    struct device_buffer *norm[2];
    struct layer layers[READER_LAYERS];
    struct device_buffer *head_weight, *head_bias, *tag_weight, *tag_bias;
    /* One set serves all parts: the queue is in order. */
    struct device_buffer *ids, *places, *spans, *blocks, *from, *x, *y, *qkv, *turned,
        *up, *mean, *heads, *tags;
    uint32_t part; /* pieces at a time */
};

static enum fecit_status floats_new(struct reader *r, const float *x, size_t n,
                                    struct device_buffer **out)
{
    return device_buffer_new(r->device, n * sizeof *x, x, out);
}

static enum fecit_status norm_new(struct reader *r, const struct reader_norm *n,
                                  struct device_buffer *out[2])
{
    enum fecit_status st;

    TRY(floats_new(r, n->weight, r->shape.dim, &out[0]));
    TRY(floats_new(r, n->bias, r->shape.dim, &out[1]));
done:
    return st;
}

static enum fecit_status panels_new(struct reader *r, const struct reader_linear *l,
                                    uint32_t n_in, uint32_t n_out,
                                    struct ops_panels **out)
{
    return ops_panels_new(r->ops, l->weight, l->scale, l->bias, n_in, n_out, out);
}

static enum fecit_status layer_new(struct reader *r, const struct reader_layer *from,
                                   struct layer *to)
{
    enum fecit_status st;
    const uint32_t dim = r->shape.dim, wide = r->shape.wide;

    TRY(panels_new(r, &from->qkv, dim, 3 * dim, &to->qkv));
    TRY(panels_new(r, &from->out, dim, dim, &to->out));
    TRY(panels_new(r, &from->up, dim, wide, &to->up));
    TRY(panels_new(r, &from->down, wide, dim, &to->down));
    TRY(norm_new(r, &from->attention_norm, to->attention_norm));
    TRY(norm_new(r, &from->norm, to->norm));
done:
    return st;
}

/* Columns of the rows that are looked up. */
static uint32_t columns(const struct reader_weights *w)
{
    return w->from ? w->from : w->dim;
}

static enum fecit_status positions_new(struct reader *r, const struct reader_weights *w)
{
    enum fecit_status st = FECIT_OK;
    const size_t n = (size_t)w->n_places * columns(w);
    float *x = mem_new(n, sizeof *x);

    TRY_MEM(x);
    for (size_t i = 0; i < n; i++)
        x[i] = ops_from_half(w->positions[i]);
    TRY(floats_new(r, x, n, &r->positions));
done:
    mem_free(x);
    return st;
}

/* The rows that are looked up, and what looks them up. */
static enum fecit_status rows_new(struct reader *r, const struct reader_weights *w)
{
    enum fecit_status st;
    struct device *d = r->device;
    const size_t n = (size_t)w->n_rows * columns(w);

    if (w->from) TRY(ops_open(d, w->from, false, 0, &r->from_ops));
    TRY(device_buffer_new(d, n / 2, w->nibbles, &r->nibbles));
    TRY(device_buffer_new(d, n / 32 * sizeof *w->scales, w->scales, &r->scales));
    TRY(positions_new(r, w));
done:
    return st;
}

static void rows_share(struct reader *r, const struct reader *of)
{
    r->of = of;
    r->from_ops = of->ops;
    r->nibbles = of->nibbles;
    r->scales = of->scales;
    r->positions = of->positions;
}

static bool has_rows_of(const struct reader_weights *w, const struct reader *of)
{
    return of && !of->shape.from && w->from == of->shape.dim &&
           w->nibbles == of->shape.nibbles && w->scales == of->shape.scales &&
           w->positions == of->shape.positions;
}

static enum fecit_status open_in(struct device *d, const struct reader *of,
                                 const struct reader_weights *w, int tiled,
                                 struct reader **out)
{
    enum fecit_status st = FECIT_OK;
    struct reader *r = mem_new(1, sizeof *r);

    TRY_MEM(r);
    r->device = d;
    r->shape = *w;
    r->part = device_about(d)->gpu ? PART_GPU : PART_CPU;
    TRY(ops_open(d, w->dim, false, 0, &r->ops));
    if (tiled >= 0) ops_set_tiled(r->ops, tiled > 0);
    if (has_rows_of(w, of))
        rows_share(r, of);
    else
        TRY(rows_new(r, w));
    if (w->from) TRY(panels_new(r, &w->projection, w->from, w->dim, &r->projection));
    TRY(norm_new(r, &w->norm, r->norm));
    for (uint32_t i = 0; i < w->n_layers; i++)
        TRY(layer_new(r, &w->layers[i], &r->layers[i]));
    TRY(floats_new(r, w->head_weight, (size_t)READING_HEADS * w->dim, &r->head_weight));
    TRY(floats_new(r, w->head_bias, READING_HEADS, &r->head_bias));
    if (w->tag_weight) {
        TRY(floats_new(r, w->tag_weight, (size_t)READING_TAGS * w->dim,
                       &r->tag_weight));
        TRY(floats_new(r, w->tag_bias, READING_TAGS, &r->tag_bias));
    }
    *out = r;
    r = NULL;
done:
    reader_close(r);
    return st;
}

enum fecit_status reader_open(struct device *d, const struct reader_weights *w,
                              int tiled, struct reader **out)
{
    return open_in(d, NULL, w, tiled, out);
}

enum fecit_status reader_open_beside(struct reader *of, const struct reader_weights *w,
                                     struct reader **out)
{
    return open_in(of->device, of, w, -1, out);
}

static void buffers_free(struct device_buffer **const buffers[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        device_buffer_free(*buffers[i]);
        *buffers[i] = NULL;
    }
}

/* What parts need on the device; made again when one comes. */
static void work_free(struct reader *r)
{
    struct device_buffer **const work[] = {
        &r->ids, &r->from,   &r->places, &r->spans, &r->blocks, &r->x,   &r->y,
        &r->qkv, &r->turned, &r->up,     &r->mean,  &r->heads,  &r->tags};

    buffers_free(work, sizeof work / sizeof *work);
}

void reader_close(struct reader *r)
{
    if (!r) return;
    struct device_buffer **const own[] = {&r->norm[0],     &r->norm[1],
                                          &r->head_weight, &r->head_bias,
                                          &r->tag_weight,  &r->tag_bias};
    struct device_buffer **const rows[] = {&r->nibbles, &r->scales, &r->positions};

    work_free(r);
    buffers_free(own, sizeof own / sizeof *own);
    if (!r->of) {
        buffers_free(rows, sizeof rows / sizeof *rows);
        ops_close(r->from_ops);
    }
    for (uint32_t i = 0; i < READER_LAYERS; i++) {
        struct layer *l = &r->layers[i];
        ops_panels_free(l->qkv);
        ops_panels_free(l->out);
        ops_panels_free(l->up);
        ops_panels_free(l->down);
        for (int k = 0; k < 2; k++) {
            device_buffer_free(l->attention_norm[k]);
            device_buffer_free(l->norm[k]);
        }
    }
    ops_panels_free(r->projection);
    ops_close(r->ops);
    mem_free(r);
}

static enum fecit_status work_reserve(struct reader *r, uint32_t n_ids,
                                      uint32_t n_spans)
{
    enum fecit_status st = FECIT_OK;
    const size_t f = sizeof(float), row = r->shape.dim * f;
    const struct {
        struct device_buffer **buffer;
        size_t size;
    } wanted[] = {
        {&r->ids, n_ids * sizeof(uint32_t)},
        {&r->places, n_ids * sizeof(uint32_t)},
        {&r->spans, n_spans * sizeof(struct shared_span)},
        {&r->blocks, n_ids * sizeof(struct shared_block)},
        {&r->from, n_ids * r->shape.from * f},
        {&r->x, n_ids * row},
        {&r->y, n_ids * row},
        {&r->qkv, 3 * n_ids * row},
        {&r->turned, (n_ids + OPS_AHEAD) * row},
        {&r->up, (size_t)n_ids * r->shape.wide * f},
        {&r->mean, n_spans * row},
        {&r->heads, (size_t)n_spans * READING_HEADS * f},
        {&r->tags, (size_t)n_ids * READING_TAGS * f},
    };

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        TRY(device_buffer_reserve(r->device, wanted[i].size, wanted[i].buffer));
done:
    return st;
}

static enum fecit_status layer_run(struct reader *r, const struct layer *l,
                                   const struct ops_text *text)
{
    enum fecit_status st;
    const uint32_t n = text->n_ids;
    const float epsilon = r->shape.epsilon;

    TRY(ops_linear_wide(r->ops, r->x, l->qkv, n, false, r->qkv));
    TRY(ops_attention(r->ops, text, r->qkv, r->turned, r->y));
    /* The first columns of qkv serve once more: attention is done with them. */
    TRY(ops_linear_wide(r->ops, r->y, l->out, n, false, r->qkv));
    TRY(ops_layer_norm(r->ops, r->qkv, r->x, l->attention_norm[0], l->attention_norm[1],
                       n, epsilon, r->x));
    TRY(ops_linear_wide(r->ops, r->x, l->up, n, true, r->up));
    TRY(ops_linear_wide(r->ops, r->up, l->down, n, false, r->y));
    TRY(ops_layer_norm(r->ops, r->y, r->x, l->norm[0], l->norm[1], n, epsilon, r->x));
done:
    return st;
}

/* The first x of the text. */
static enum fecit_status embed_run(struct reader *r, const struct ops_text *text)
{
    enum fecit_status st;

    TRY(ops_embed_tokens(r->projection ? r->from_ops : r->ops, text, r->nibbles,
                         r->scales, r->positions, r->projection ? r->from : r->y));
    if (r->projection)
        TRY(ops_linear_wide(r->ops, r->from, r->projection, text->n_ids, false, r->y));
    TRY(ops_layer_norm(r->ops, r->y, NULL, r->norm[0], r->norm[1], text->n_ids,
                       r->shape.epsilon, r->x));
done:
    return st;
}

/* Queue n sentences from `first` on. */
static enum fecit_status part_run(struct reader *r, struct reading *in, uint32_t first,
                                  uint32_t n)
{
    enum fecit_status st;
    struct device *d = r->device;
    const uint32_t base = in->spans[first].begin;
    const uint32_t n_ids =
        in->spans[first + n - 1].begin + in->spans[first + n - 1].count - base;
    const uint32_t n_blocks = reading_lay(in, first, n), dim = r->shape.dim;
    struct ops_text text;

    TRY(work_reserve(r, n_ids, n));
    text =
        (struct ops_text){r->ids, r->places, r->spans, r->blocks, n_ids, n, n_blocks};
    TRY(device_write(d, r->ids, n_ids * sizeof *in->ids, in->ids + base));
    TRY(device_write(d, r->places, n_ids * sizeof *in->places, in->places + base));
    TRY(device_write(d, r->spans, n * sizeof *in->moved, in->moved + first));
    TRY(device_write(d, r->blocks, n_blocks * sizeof *in->blocks, in->blocks + base));
    TRY(embed_run(r, &text));
    for (uint32_t i = 0; i < r->shape.n_layers; i++)
        TRY(layer_run(r, &r->layers[i], &text));
    TRY(ops_span_mean(r->ops, &text, r->x, r->mean));
    TRY(ops_linear(r->ops, r->mean, r->head_weight, r->head_bias, n, dim, READING_HEADS,
                   r->heads));
    TRY(device_read_start(d, r->heads, (size_t)n * READING_HEADS * sizeof(float),
                          in->heads + (size_t)first * READING_HEADS, &in->wait[0]));
    if (!r->tag_weight) goto done;
    TRY(ops_linear(r->ops, r->x, r->tag_weight, r->tag_bias, n_ids, dim, READING_TAGS,
                   r->tags));
    TRY(device_read_start(d, r->tags, (size_t)n_ids * READING_TAGS * sizeof(float),
                          in->tags + (size_t)base * READING_TAGS, &in->wait[1]));
done:
    return st;
}

static enum fecit_status part_wait(struct reader *r, struct reading *in)
{
    enum fecit_status st = FECIT_OK;

    for (int i = 0; i < 2; i++) {
        struct device_ticket *t = in->wait[i];
        in->wait[i] = NULL;
        if (st == FECIT_OK)
            st = device_wait(r->device, t);
        else
            device_drop(t); /* the first failure is the one that is told */
    }
    return st;
}

/* After a failure: the reading's arrays come free. */
static void part_drop(struct reader *r, struct reading *in)
{
    device_finish(r->device);
    for (int i = 0; i < 2; i++) {
        device_drop(in->wait[i]);
        in->wait[i] = NULL;
    }
}

/* How many sentences from `first` on make a part. */
static uint32_t part_size(const struct reader *r, const struct reading *in,
                          uint32_t first)
{
    const uint32_t base = in->spans[first].begin;
    uint32_t n = 1;

    while (first + n < in->n_spans &&
           in->spans[first + n].begin + in->spans[first + n].count - base <= r->part)
        n++;
    return n;
}

static enum fecit_status parts_run(struct reader *r, struct reading *in)
{
    enum fecit_status st = FECIT_OK;

    for (uint32_t first = 0, n; first < in->n_spans; first += n) {
        n = part_size(r, in, first);
        TRY(part_wait(r, in)); /* for the part before; only the last is left open */
        TRY(part_run(r, in, first, n));
    }
done:
    if (st != FECIT_OK) part_drop(r, in);
    return st;
}

/* After a failure: whether smaller parts are worth a try. */
static bool part_halve(struct reader *r, const struct reading *in)
{
    const uint32_t least = READING_MOST + 2; /* a part may always be one sentence */

    if (in->n_spans < 2 || r->part <= least || !device_is_short(r->device))
        return false;
    device_finish(r->device); /* what is under way uses the buffers */
    work_free(r);
    r->part = r->part / 2 < least ? least : r->part / 2;
    return true;
}

enum fecit_status reader_run(struct reader *r, struct reading *in)
{
    enum fecit_status st;

    do
        st = parts_run(r, in);
    while (st == FECIT_E_DEVICE && part_halve(r, in));
    return st;
}

enum fecit_status reader_wait(struct reader *r, struct reading *in)
{
    enum fecit_status st = part_wait(r, in);

    /* A want of memory may show only now. */
    while (st == FECIT_E_DEVICE && part_halve(r, in)) {
        st = parts_run(r, in);
        if (st == FECIT_OK) st = part_wait(r, in);
    }
    return st;
}

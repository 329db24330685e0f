#include "sieve.h"

#include <math.h>

struct sieve {
    struct device *device;
    struct ops *ops;
    struct sieve_weights shape;    /* the pointers are not used after opening */
    struct device_buffer *weights; /* [V][K], weights_build(); NULL: plain attention */
    struct device_buffer *rows, *queries, *hidden_weight, *hidden_bias, *out_weight,
        *out_bias;
    /* One set serves all batches: the queue is in order. */
    struct device_buffer *ids, *spans, *pooled, *hidden, *logits, *p;
    uint32_t part; /* sentences at a time; all, until memory is short */
};

uint32_t sieve_width(const struct sieve_weights *w)
{
    return w->dim * ((w->mean ? 1 : 0) + (w->max ? 1 : 0) + w->n_queries);
}

/* w [n][W] with the column scales multiplied in, so that the device may pool raw int8. */
static enum fecit_status scaled_buffer(struct device *d,
                                       const struct sieve_weights *shape,
                                       const float *w, uint32_t n, uint32_t width,
                                       struct device_buffer **out)
{
    enum fecit_status st = FECIT_OK;
    float *scaled = mem_new((size_t)n * width, sizeof *scaled);

    TRY_MEM(scaled);
    for (size_t i = 0; i < (size_t)n * width; i++)
        scaled[i] = w[i] * shape->column_scale[i % width % shape->dim];
    TRY(device_buffer_new(d, (size_t)n * width * sizeof *scaled, scaled, out));
done:
    mem_free(scaled);
    return st;
}

/* How far a query's scores may lie apart: beyond it exp() of the least would be no float. */
#define SCORE_RANGE 60.0f

/* exp(score - the query's greatest) for every row and query, once for all sentences. Not when
 * the queries are too many or their scores too far apart; then s->weights stays NULL. */
static enum fecit_status weights_build(struct sieve *s)
{
    enum fecit_status st = FECIT_OK;
    const uint32_t n = s->shape.n_rows, k = s->shape.n_queries;
    const size_t size = (size_t)n * k * sizeof(float);
    struct device_buffer *weights = NULL;
    float *w = NULL;
    bool good = k > 0 && k <= OPS_QUERIES;

    if (!good) return FECIT_OK;
    TRY_MEM(w = mem_new((size_t)n * k, sizeof *w));
    TRY(device_buffer_new(s->device, size, NULL, &weights));
    TRY(ops_embed_bag_scores(s->ops, s->rows, s->queries, n, k, weights));
    TRY(device_read(s->device, weights, size, w));
    for (uint32_t q = 0; q < k && good; q++) {
        float most = w[q], least = w[q];
        for (size_t i = q; i < (size_t)n * k; i += k) {
            most = fmaxf(most, w[i]);
            least = fminf(least, w[i]);
        }
        for (size_t i = q; i < (size_t)n * k; i += k)
            w[i] = expf(w[i] - most);
        good = most - least < SCORE_RANGE;
    }
    if (!good) goto done;
    TRY(device_write(s->device, weights, size, w));
    device_finish(s->device);
    s->weights = weights;
    weights = NULL;
done:
    device_buffer_free(weights);
    mem_free(w);
    return st;
}

enum fecit_status sieve_open(struct device *d, const struct sieve_weights *w,
                             struct sieve **out)
{
    enum fecit_status st = FECIT_OK;
    struct sieve *s = mem_new(1, sizeof *s);
    const uint32_t width = sieve_width(w);

    TRY_MEM(s);
    s->device = d;
    s->shape = *w;
    s->part = UINT32_MAX;
    TRY(ops_open(d, w->dim, true, w->n_queries, &s->ops));
    TRY(device_buffer_new(d, (size_t)w->n_rows * w->dim, w->rows, &s->rows));
    TRY(scaled_buffer(d, w, w->queries, w->n_queries, w->dim, &s->queries));
    if (w->hidden > 0) {
        TRY(scaled_buffer(d, w, w->hidden_weight, w->hidden, width, &s->hidden_weight));
        TRY(device_buffer_new(d, w->hidden * sizeof(float), w->hidden_bias,
                              &s->hidden_bias));
        TRY(device_buffer_new(d, (size_t)SHARED_CLASSES * w->hidden * sizeof(float),
                              w->out_weight, &s->out_weight));
    } else {
        TRY(scaled_buffer(d, w, w->out_weight, SHARED_CLASSES, width, &s->out_weight));
    }
    TRY(device_buffer_new(d, SHARED_CLASSES * sizeof(float), w->out_bias,
                          &s->out_bias));
    TRY(weights_build(s));
    *out = s;
    s = NULL;
done:
    sieve_close(s);
    return st;
}

/* What batches need on the device; made again when one comes. */
static void work_free(struct sieve *s)
{
    struct device_buffer **const work[] = {&s->ids,    &s->spans,  &s->pooled,
                                           &s->hidden, &s->logits, &s->p};

    for (size_t i = 0; i < sizeof work / sizeof *work; i++) {
        device_buffer_free(*work[i]);
        *work[i] = NULL;
    }
}

void sieve_close(struct sieve *s)
{
    if (!s) return;
    ops_close(s->ops);
    work_free(s);
    device_buffer_free(s->weights);
    device_buffer_free(s->rows);
    device_buffer_free(s->queries);
    device_buffer_free(s->hidden_weight);
    device_buffer_free(s->hidden_bias);
    device_buffer_free(s->out_weight);
    device_buffer_free(s->out_bias);
    mem_free(s);
}

static enum fecit_status pools_run(struct sieve *s, const struct ops_batch *in)
{
    enum fecit_status st = FECIT_OK;
    const struct sieve_weights *w = &s->shape;
    const uint32_t width = sieve_width(w);
    uint32_t column = 0;

    if (w->mean) {
        TRY(ops_embed_bag_mean(s->ops, in, s->rows, width, column, s->pooled));
        column += w->dim;
    }
    if (w->max) {
        TRY(ops_embed_bag_max(s->ops, in, s->rows, width, column, s->pooled, NULL));
        column += w->dim;
    }
    if (s->weights)
        TRY(ops_embed_bag_weighted(s->ops, in, s->rows, s->weights, width, column,
                                   s->pooled));
    else if (w->n_queries > 0)
        TRY(ops_embed_bag_attention(s->ops, in, s->rows, s->queries, w->n_queries,
                                    width, column, s->pooled, NULL));
done:
    return st;
}

static enum fecit_status head_run(struct sieve *s, uint32_t n)
{
    enum fecit_status st = FECIT_OK;
    const struct sieve_weights *w = &s->shape;
    const uint32_t width = sieve_width(w);
    const struct device_buffer *last = s->pooled;

    if (w->hidden > 0) {
        TRY(ops_linear(s->ops, s->pooled, s->hidden_weight, s->hidden_bias, n, width,
                       w->hidden, s->hidden));
        TRY(ops_gelu(s->ops, s->hidden, n * w->hidden, s->hidden));
        last = s->hidden;
    }
    TRY(ops_linear(s->ops, last, s->out_weight, s->out_bias, n,
                   w->hidden ? w->hidden : width, SHARED_CLASSES, s->logits));
    TRY(ops_softmax(s->ops, s->logits, n, 1.0f / w->temperature, s->p));
done:
    return st;
}

/* Queue n sentences of the batch from `first` on; its ids are on the device already. */
static enum fecit_status part_run(struct sieve *s, struct batch *b, uint32_t first,
                                  uint32_t n)
{
    enum fecit_status st = FECIT_OK;
    struct device *d = s->device;
    const size_t f = sizeof(float);

    TRY(device_buffer_reserve(d, n * sizeof *b->spans, &s->spans));
    TRY(device_buffer_reserve(d, n * sieve_width(&s->shape) * f, &s->pooled));
    TRY(device_buffer_reserve(d, n * s->shape.hidden * f, &s->hidden));
    TRY(device_buffer_reserve(d, n * SHARED_CLASSES * f, &s->logits));
    TRY(device_buffer_reserve(d, n * SHARED_CLASSES * f, &s->p));
    TRY(device_write(d, s->spans, n * sizeof *b->spans, b->spans + first));
    TRY(pools_run(s, &(struct ops_batch){s->ids, s->spans, b->n_ids, n}));
    TRY(head_run(s, n));
    TRY(device_read_start(d, s->p, n * SHARED_CLASSES * f,
                          b->p + (size_t)first * SHARED_CLASSES, &b->ticket));
done:
    return st;
}

static enum fecit_status part_wait(struct sieve *s, struct batch *b)
{
    struct device_ticket *t = b->ticket;

    b->ticket = NULL;
    return device_wait(s->device, t);
}

static enum fecit_status parts_run(struct sieve *s, struct batch *b)
{
    enum fecit_status st = FECIT_OK;

    TRY(device_buffer_reserve(s->device, b->n_ids * sizeof *b->ids, &s->ids));
    TRY(device_write(s->device, s->ids, b->n_ids * sizeof *b->ids, b->ids));
    for (uint32_t first = 0, n; first < b->n_spans; first += n) {
        n = b->n_spans - first < s->part ? b->n_spans - first : s->part;
        TRY(part_wait(s, b)); /* for the part before; only the last is left open */
        TRY(part_run(s, b, first, n));
    }
done:
    if (st != FECIT_OK) device_finish(s->device); /* the batch's arrays come free */
    return st;
}

/* After a failure: whether half as many sentences at a time are worth a try. */
static bool part_halve(struct sieve *s, const struct batch *b)
{
    const uint32_t n = b->n_spans < s->part ? b->n_spans : s->part;

    if (n < 2 || !device_is_short(s->device)) return false;
    device_finish(s->device); /* what is under way uses the buffers */
    work_free(s);
    s->part = n / 2;
    return true;
}

enum fecit_status sieve_run(struct sieve *s, struct batch *b)
{
    enum fecit_status st;

    do
        st = parts_run(s, b);
    while (st == FECIT_E_DEVICE && part_halve(s, b));
    return st;
}

enum fecit_status sieve_wait(struct sieve *s, struct batch *b)
{
    enum fecit_status st = part_wait(s, b);

    /* A want of memory may show only now. */
    while (st == FECIT_E_DEVICE && part_halve(s, b)) {
        st = parts_run(s, b);
        if (st == FECIT_OK) st = part_wait(s, b);
    }
    return st;
}

/* The rows of the batch's ids as floats [n_ids][D]; row i belongs to ids[i]. */
static enum fecit_status rows_gather(const struct sieve_weights *w,
                                     const struct batch *b, float **out)
{
    enum fecit_status st = FECIT_OK;
    float *rows;

    TRY_MEM(rows = mem_new((size_t)b->n_ids * w->dim, sizeof *rows));
    for (uint32_t i = 0; i < b->n_ids; i++)
        for (uint32_t d = 0; d < w->dim; d++)
            rows[(size_t)i * w->dim + d] =
                (float)w->rows[(size_t)b->ids[i] * w->dim + d] * w->column_scale[d];
    *out = rows;
done:
    return st;
}

enum fecit_status sieve_run_cpu(const struct sieve_weights *w, struct batch *b)
{
    enum fecit_status st = FECIT_OK;
    const uint32_t width = sieve_width(w), n = b->n_spans;
    float *rows = NULL, *pooled = NULL, *hidden = NULL, *logits = NULL;
    uint32_t *ids = NULL, column = 0;

    if (w->dim > OPS_DIM)
        FAIL(FECIT_E_MODEL, "rows have %u columns, at most %d are known", w->dim,
             OPS_DIM);
    TRY(rows_gather(w, b, &rows));
    TRY_MEM(ids = mem_new(b->n_ids, sizeof *ids));
    for (uint32_t i = 0; i < b->n_ids; i++)
        ids[i] = i;
    TRY_MEM(pooled = mem_new((size_t)n * width, sizeof *pooled));
    TRY_MEM(hidden = mem_new((size_t)n * w->hidden, sizeof *hidden));
    TRY_MEM(logits = mem_new((size_t)n * SHARED_CLASSES, sizeof *logits));
    if (w->mean)
        embed_bag_mean_cpu(ids, b->spans, rows, n, w->dim, width, column, pooled);
    column += w->mean ? w->dim : 0;
    if (w->max)
        embed_bag_max_cpu(ids, b->spans, rows, n, w->dim, width, column, pooled, NULL);
    column += w->max ? w->dim : 0;
    embed_bag_attention_cpu(ids, b->spans, rows, w->queries, w->n_queries, n, w->dim,
                            width, column, pooled, NULL);
    if (w->hidden > 0) {
        linear_cpu(pooled, w->hidden_weight, w->hidden_bias, n, width, w->hidden,
                   hidden);
        gelu_cpu(hidden, n * w->hidden, hidden);
    }
    linear_cpu(w->hidden ? hidden : pooled, w->out_weight, w->out_bias, n,
               w->hidden ? w->hidden : width, SHARED_CLASSES, logits);
    softmax_cpu(logits, n, 1.0f / w->temperature, b->p);
done:
    mem_free(rows);
    mem_free(ids);
    mem_free(pooled);
    mem_free(hidden);
    mem_free(logits);
    return st;
}

#include "net.h"
#include "random.h"

#include <math.h>

enum { ROWS, QUERIES, HIDDEN_WEIGHT, HIDDEN_BIAS, OUT_WEIGHT, OUT_BIAS, N_PARAMETERS };

struct parameter {
    size_t size; /* floats */
    struct device_buffer *w, *m, *v, *anchor, *d;
};

struct net {
    struct device *device;
    struct ops *ops;
    struct net_shape shape;
    uint32_t n_rows, width;
    float *initial; /* [V][D] the rows before training */
    struct parameter parameters[N_PARAMETERS];
    struct device_buffer *ids, *spans, *owner, *rows, *positions, *labels, *weights;
    struct device_buffer *pooled, *alpha, *argmax, *hidden, *active, *logits, *p, *loss;
    struct device_buffer *d_logits, *d_active, *d_pooled, *d_score;
    /* Host side of one batch: */
    uint32_t *h_owner, *h_positions, *next; /* [ids_limit] */
    struct shared_row *h_rows;              /* [ids_limit] */
    uint32_t *slot;                         /* [V] 1 + index in h_rows, 0 = untouched */
    float *h_loss;
    size_t ids_limit, spans_limit;
};

static uint32_t width_of(const struct net_shape *s)
{
    return s->dim * ((s->mean ? 1 : 0) + (s->max ? 1 : 0) + s->n_queries);
}

/* Project every embedding on the bag's axes. */
static enum fecit_status rows_begin(struct net *n, const struct vocabulary *v)
{
    enum fecit_status st = FECIT_OK;
    const uint32_t dim = n->shape.dim;
    float row[VOCABULARY_DIM];
    double squares = 0;
    float scale;

    if (!v->bag_projection || dim > VOCABULARY_BAG)
        FAIL(FECIT_E_USAGE,
             "rows of %u columns are wanted; the vocabulary has axes for %u", dim,
             v->bag_projection ? VOCABULARY_BAG : 0);
    TRY_MEM(n->initial = mem_new((size_t)n->n_rows * dim, sizeof *n->initial));
    for (uint32_t id = 0; id < n->n_rows; id++) {
        float *to = n->initial + (size_t)id * dim;
        vocabulary_row(v, id, row);
        for (uint32_t i = 0; i < VOCABULARY_DIM; i++)
            for (uint32_t d = 0; d < dim; d++)
                to[d] += (row[i] - v->bag_mean[i]) *
                         v->bag_projection[i * VOCABULARY_BAG + d];
        for (uint32_t d = 0; d < dim; d++)
            squares += (double)to[d] * to[d];
    }
    scale = (float)(0.5 / sqrt(squares / ((double)n->n_rows * dim)));
    for (size_t i = 0; i < (size_t)n->n_rows * dim; i++)
        n->initial[i] *= scale;
done:
    return st;
}

/* Values for one parameter: rows as they begin, weights uniform in +-1/sqrt(n_in) (what
 * PyTorch's Linear does), queries normal with deviation 0.1, biases zero. */
static void parameter_draw(const struct net *n, int which, struct random *random,
                           float *to)
{
    const size_t size = n->parameters[which].size;
    const uint32_t n_in =
        which == HIDDEN_WEIGHT || !n->shape.hidden ? n->width : n->shape.hidden;

    for (size_t i = 0; i < size; i++)
        switch (which) {
        case ROWS:
            to[i] = n->initial[i];
            break;
        case QUERIES:
            to[i] = 0.1f * random_normal(random);
            break;
        case HIDDEN_WEIGHT:
        case OUT_WEIGHT:
            to[i] = (2 * random_unit(random) - 1) / sqrtf((float)n_in);
            break;
        default:
            to[i] = 0;
        }
}

enum fecit_status net_reset(struct net *n, uint64_t seed)
{
    enum fecit_status st = FECIT_OK;
    struct random random = {seed};
    float *values = NULL, *zeros = NULL;

    for (int i = 0; i < N_PARAMETERS; i++) {
        struct parameter *p = &n->parameters[i];
        const size_t bytes = p->size * sizeof *values;
        TRY_MEM(values = mem_new(p->size, sizeof *values));
        TRY_MEM(zeros = mem_new(p->size, sizeof *zeros));
        parameter_draw(n, i, &random, values);
        TRY(device_write(n->device, p->w, bytes, values));
        TRY(device_write(n->device, p->m, bytes, zeros));
        TRY(device_write(n->device, p->v, bytes, zeros));
        /* Rows are pulled to where they began, everything else to zero. */
        TRY(device_write(n->device, p->anchor, bytes, i == ROWS ? values : zeros));
        device_finish(n->device);
        mem_free(values);
        mem_free(zeros);
        values = zeros = NULL;
    }
done:
    device_finish(n->device);
    mem_free(values);
    mem_free(zeros);
    return st;
}

enum fecit_status net_open(struct device *d, const struct vocabulary *v,
                           const struct net_shape *shape, uint64_t seed,
                           struct net **out)
{
    enum fecit_status st = FECIT_OK;
    struct net *n = mem_new(1, sizeof *n);
    const uint32_t h = shape->hidden;

    TRY_MEM(n);
    n->device = d;
    n->shape = *shape;
    n->n_rows = v->n_pieces;
    n->width = width_of(shape);
    if (n->width == 0)
        FAIL(FECIT_E_USAGE, "a sieve needs a pool: mean, max or attention");
    TRY(ops_open(d, shape->dim, false, 0, &n->ops));
    TRY(rows_begin(n, v));
    n->parameters[ROWS].size = (size_t)n->n_rows * shape->dim;
    n->parameters[QUERIES].size = (size_t)shape->n_queries * shape->dim;
    n->parameters[HIDDEN_WEIGHT].size = (size_t)h * n->width;
    n->parameters[HIDDEN_BIAS].size = h;
    n->parameters[OUT_WEIGHT].size = (size_t)SHARED_CLASSES * (h ? h : n->width);
    n->parameters[OUT_BIAS].size = SHARED_CLASSES;
    for (int i = 0; i < N_PARAMETERS; i++) {
        struct parameter *p = &n->parameters[i];
        const size_t bytes = p->size * sizeof(float);
        TRY(device_buffer_new(d, bytes, NULL, &p->w));
        TRY(device_buffer_new(d, bytes, NULL, &p->m));
        TRY(device_buffer_new(d, bytes, NULL, &p->v));
        TRY(device_buffer_new(d, bytes, NULL, &p->anchor));
        if (i != ROWS) TRY(device_buffer_new(d, bytes, NULL, &p->d));
    }
    TRY_MEM(n->slot = mem_new(n->n_rows, sizeof *n->slot));
    TRY(net_reset(n, seed));
    *out = n;
    n = NULL;
done:
    net_close(n);
    return st;
}

void net_close(struct net *n)
{
    if (!n) return;
    for (int i = 0; i < N_PARAMETERS; i++) {
        struct parameter *p = &n->parameters[i];
        device_buffer_free(p->w);
        device_buffer_free(p->m);
        device_buffer_free(p->v);
        device_buffer_free(p->anchor);
        device_buffer_free(p->d);
    }
    struct device_buffer *const buffers[] = {
        n->ids,      n->spans,    n->owner,    n->rows,    n->positions,
        n->labels,   n->weights,  n->pooled,   n->alpha,   n->argmax,
        n->hidden,   n->active,   n->logits,   n->p,       n->loss,
        n->d_logits, n->d_active, n->d_pooled, n->d_score,
    };
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        device_buffer_free(buffers[i]);
    ops_close(n->ops);
    mem_free(n->initial);
    mem_free(n->h_owner);
    mem_free(n->h_positions);
    mem_free(n->next);
    mem_free(n->h_rows);
    mem_free(n->slot);
    mem_free(n->h_loss);
    mem_free(n);
}

/* Room for the batch on host and device. */
static enum fecit_status room(struct net *n, const struct batch *b)
{
    enum fecit_status st = FECIT_OK;
    struct device *d = n->device;
    const size_t f = sizeof(float), t = b->n_ids, s = b->n_spans,
                 k = n->shape.n_queries;
    const size_t h = n->shape.hidden;

    if (b->ids_limit > n->ids_limit) {
        n->ids_limit = b->ids_limit;
        mem_free(n->h_owner);
        mem_free(n->h_positions);
        mem_free(n->next);
        mem_free(n->h_rows);
        TRY_MEM(n->h_owner = mem_new(n->ids_limit, sizeof *n->h_owner));
        TRY_MEM(n->h_positions = mem_new(n->ids_limit, sizeof *n->h_positions));
        TRY_MEM(n->next = mem_new(n->ids_limit, sizeof *n->next));
        TRY_MEM(n->h_rows = mem_new(n->ids_limit, sizeof *n->h_rows));
    }
    if (b->spans_limit > n->spans_limit) {
        n->spans_limit = b->spans_limit;
        mem_free(n->h_loss);
        TRY_MEM(n->h_loss = mem_new(n->spans_limit, sizeof *n->h_loss));
    }
    TRY(device_buffer_reserve(d, t * 4, &n->ids));
    TRY(device_buffer_reserve(d, s * sizeof(struct shared_span), &n->spans));
    TRY(device_buffer_reserve(d, t * 4, &n->owner));
    TRY(device_buffer_reserve(d, t * sizeof(struct shared_row), &n->rows));
    TRY(device_buffer_reserve(d, t * 4, &n->positions));
    TRY(device_buffer_reserve(d, s * 4, &n->labels));
    TRY(device_buffer_reserve(d, SHARED_CLASSES * f, &n->weights));
    TRY(device_buffer_reserve(d, s * n->width * f, &n->pooled));
    TRY(device_buffer_reserve(d, t * k * f, &n->alpha));
    TRY(device_buffer_reserve(d, n->shape.max ? s * n->shape.dim * 4 : 4, &n->argmax));
    TRY(device_buffer_reserve(d, s * h * f, &n->hidden));
    TRY(device_buffer_reserve(d, s * h * f, &n->active));
    TRY(device_buffer_reserve(d, s * SHARED_CLASSES * f, &n->logits));
    TRY(device_buffer_reserve(d, s * SHARED_CLASSES * f, &n->p));
    TRY(device_buffer_reserve(d, s * f, &n->loss));
    TRY(device_buffer_reserve(d, s * SHARED_CLASSES * f, &n->d_logits));
    TRY(device_buffer_reserve(d, s * h * f, &n->d_active));
    TRY(device_buffer_reserve(d, s * n->width * f, &n->d_pooled));
    TRY(device_buffer_reserve(d, t * k * f, &n->d_score));
    /* The gradient of the rows is only as large as the batch touches. */
    TRY(device_buffer_reserve(d, t * n->shape.dim * f, &n->parameters[ROWS].d));
done:
    return st;
}

/* Which rows the batch touches and where: h_rows [returned], h_positions, h_owner. */
static uint32_t rows_index(struct net *n, const struct batch *b)
{
    uint32_t n_rows = 0, begin = 0;

    for (uint32_t s = 0; s < b->n_spans; s++)
        for (uint32_t i = b->spans[s].begin; i < b->spans[s].begin + b->spans[s].count;
             i++) {
            const uint32_t id = b->ids[i];
            n->h_owner[i] = s;
            if (!n->slot[id]) {
                n->h_rows[n_rows] = (struct shared_row){id, 0, 0};
                n->slot[id] = ++n_rows;
            }
            n->h_rows[n->slot[id] - 1].count++;
        }
    for (uint32_t u = 0; u < n_rows; u++) {
        n->h_rows[u].begin = n->next[u] = begin;
        begin += n->h_rows[u].count;
    }
    for (uint32_t i = 0; i < b->n_ids; i++)
        n->h_positions[n->next[n->slot[b->ids[i]] - 1]++] = i;
    for (uint32_t u = 0; u < n_rows; u++)
        n->slot[n->h_rows[u].row] = 0;
    return n_rows;
}

/* Columns of the pools. */
struct columns {
    uint32_t mean, max, attention;
};

static struct columns columns_of(const struct net_shape *s)
{
    struct columns c = {OPS_NO_POOL, OPS_NO_POOL, OPS_NO_POOL};
    uint32_t at = 0;

    if (s->mean) c.mean = at;
    at += s->mean ? s->dim : 0;
    if (s->max) c.max = at;
    at += s->max ? s->dim : 0;
    if (s->n_queries) c.attention = at;
    return c;
}

static enum fecit_status forward(struct net *n, const struct ops_batch *in)
{
    enum fecit_status st = FECIT_OK;
    const struct parameter *p = n->parameters;
    const struct columns c = columns_of(&n->shape);
    const uint32_t h = n->shape.hidden;

    if (c.mean != OPS_NO_POOL)
        TRY(ops_embed_bag_mean(n->ops, in, p[ROWS].w, n->width, c.mean, n->pooled));
    if (c.max != OPS_NO_POOL)
        TRY(ops_embed_bag_max(n->ops, in, p[ROWS].w, n->width, c.max, n->pooled,
                              n->argmax));
    if (c.attention != OPS_NO_POOL)
        TRY(ops_embed_bag_attention(n->ops, in, p[ROWS].w, p[QUERIES].w,
                                    n->shape.n_queries, n->width, c.attention,
                                    n->pooled, n->alpha));
    if (h > 0) {
        TRY(ops_linear(n->ops, n->pooled, p[HIDDEN_WEIGHT].w, p[HIDDEN_BIAS].w,
                       in->n_spans, n->width, h, n->hidden));
        TRY(ops_gelu(n->ops, n->hidden, in->n_spans * h, n->active));
    }
    TRY(ops_linear(n->ops, h ? n->active : n->pooled, p[OUT_WEIGHT].w, p[OUT_BIAS].w,
                   in->n_spans, h ? h : n->width, SHARED_CLASSES, n->logits));
done:
    return st;
}

static enum fecit_status backward(struct net *n, const struct ops_batch *in,
                                  uint32_t n_rows)
{
    enum fecit_status st = FECIT_OK;
    const struct parameter *p = n->parameters;
    const struct columns c = columns_of(&n->shape);
    const uint32_t h = n->shape.hidden, b = in->n_spans;
    const struct ops_rows_back from = {
        n->rows,    n->positions, n->owner,    p[QUERIES].w, n->alpha,
        n->d_score, n->argmax,    n->d_pooled, n_rows,       n->shape.n_queries,
        n->width,   c.mean,       c.max,       c.attention,
    };

    TRY(ops_linear_back_weight(n->ops, n->d_logits, h ? n->active : n->pooled, b,
                               h ? h : n->width, SHARED_CLASSES, p[OUT_WEIGHT].d,
                               p[OUT_BIAS].d));
    TRY(ops_linear_back_input(n->ops, n->d_logits, p[OUT_WEIGHT].w, b, h ? h : n->width,
                              SHARED_CLASSES, h ? n->d_active : n->d_pooled));
    if (h > 0) {
        TRY(ops_gelu_back(n->ops, n->hidden, n->d_active, b * h, n->d_active));
        TRY(ops_linear_back_weight(n->ops, n->d_active, n->pooled, b, n->width, h,
                                   p[HIDDEN_WEIGHT].d, p[HIDDEN_BIAS].d));
        TRY(ops_linear_back_input(n->ops, n->d_active, p[HIDDEN_WEIGHT].w, b, n->width,
                                  h, n->d_pooled));
    }
    if (c.attention != OPS_NO_POOL) {
        TRY(ops_embed_bag_scores_back(n->ops, in, p[ROWS].w, n->alpha, n->pooled,
                                      n->d_pooled, n->shape.n_queries, n->width,
                                      c.attention, n->d_score));
        TRY(ops_embed_bag_query_back(n->ops, in, p[ROWS].w, n->d_score,
                                     n->shape.n_queries, p[QUERIES].d));
    }
    TRY(ops_embed_bag_rows_back(n->ops, in, &from, p[ROWS].d));
done:
    return st;
}

static enum fecit_status update(struct net *n, const struct net_step *step,
                                uint32_t n_rows)
{
    enum fecit_status st = FECIT_OK;
    struct parameter *p = n->parameters;
    const double t = (double)step->number;
    const float first = (float)(1 / (1 - pow(0.9, t)));
    const float root = (float)(1 / sqrt(1 - pow(0.999, t)));

    if (step->rate_rows > 0) {
        const struct ops_step s = {step->rate_rows * first,
                                   step->rate_rows * step->pull_rows, root};
        TRY(ops_adamw_rows(n->ops, n->rows, p[ROWS].d, n_rows, s, p[ROWS].anchor,
                           p[ROWS].w, p[ROWS].m, p[ROWS].v));
    }
    for (int i = QUERIES; i < N_PARAMETERS; i++) {
        const bool bias = i == HIDDEN_BIAS || i == OUT_BIAS;
        const struct ops_step s = {step->rate_head * first,
                                   bias ? 0 : step->rate_head * step->decay_head, root};
        TRY(ops_adamw(n->ops, p[i].d, (uint32_t)p[i].size, s, p[i].anchor, p[i].w,
                      p[i].m, p[i].v));
    }
done:
    return st;
}

enum fecit_status net_learn(struct net *n, const struct batch *b,
                            const uint32_t *labels, const struct net_step *step,
                            double *loss)
{
    enum fecit_status st;
    struct device *d = n->device;
    const uint32_t n_rows = room(n, b) == FECIT_OK ? rows_index(n, b) : 0;
    struct ops_batch in = {n->ids, n->spans, b->n_ids, b->n_spans};
    double total = 0;

    TRY(room(n, b));
    for (uint32_t s = 0; s < b->n_spans; s++)
        total += step->weights[labels[s]];
    TRY(device_write(d, n->ids, b->n_ids * sizeof *b->ids, b->ids));
    TRY(device_write(d, n->spans, b->n_spans * sizeof *b->spans, b->spans));
    TRY(device_write(d, n->owner, b->n_ids * sizeof *n->h_owner, n->h_owner));
    TRY(device_write(d, n->rows, n_rows * sizeof *n->h_rows, n->h_rows));
    TRY(device_write(d, n->positions, b->n_ids * sizeof *n->h_positions,
                     n->h_positions));
    TRY(device_write(d, n->labels, b->n_spans * sizeof *labels, labels));
    TRY(device_write(d, n->weights, sizeof step->weights, step->weights));
    TRY(forward(n, &in));
    TRY(ops_cross_entropy(n->ops, n->logits, n->labels, n->weights, b->n_spans,
                          step->smoothing, (float)total, n->loss, n->d_logits));
    TRY(backward(n, &in, n_rows));
    TRY(update(n, step, n_rows));
    TRY(device_read(d, n->loss, b->n_spans * sizeof *n->h_loss, n->h_loss));
    *loss = 0;
    for (uint32_t s = 0; s < b->n_spans; s++)
        *loss += n->h_loss[s];
done:
    if (st != FECIT_OK) device_finish(d);
    return st;
}

enum fecit_status net_run(struct net *n, struct batch *b)
{
    enum fecit_status st;
    struct ops_batch in;

    TRY(room(n, b));
    if (b->n_spans == 0) goto done;
    in = (struct ops_batch){n->ids, n->spans, b->n_ids, b->n_spans};
    TRY(device_write(n->device, n->ids, b->n_ids * sizeof *b->ids, b->ids));
    TRY(device_write(n->device, n->spans, b->n_spans * sizeof *b->spans, b->spans));
    TRY(forward(n, &in));
    TRY(ops_softmax(n->ops, n->logits, b->n_spans, 1, n->p));
    TRY(device_read(n->device, n->p, (size_t)b->n_spans * SHARED_CLASSES * sizeof *b->p,
                    b->p));
done:
    if (st != FECIT_OK) device_finish(n->device);
    return st;
}

size_t net_size(const struct net *n)
{
    size_t size = 0;

    for (int i = 0; i < N_PARAMETERS; i++)
        size += n->parameters[i].size;
    return size;
}

enum fecit_status net_read(struct net *n, float *parameters)
{
    enum fecit_status st = FECIT_OK;

    for (int i = 0; i < N_PARAMETERS; i++) {
        const struct parameter *p = &n->parameters[i];
        TRY(device_read(n->device, p->w, p->size * sizeof *parameters, parameters));
        parameters += p->size;
    }
done:
    return st;
}

void net_weights(const struct net *n, const float *parameters, int8_t *rows,
                 float *scale, struct sieve_weights *w)
{
    const uint32_t dim = n->shape.dim;
    const float *at[N_PARAMETERS], *next = parameters;

    for (int i = 0; i < N_PARAMETERS; i++) {
        at[i] = next;
        next += n->parameters[i].size;
    }
    for (uint32_t d = 0; d < dim; d++) {
        float most = 1e-6f;
        for (uint32_t r = 0; r < n->n_rows; r++)
            most = fmaxf(most, fabsf(parameters[(size_t)r * dim + d]));
        scale[d] = most / 127;
    }
    for (size_t i = 0; i < (size_t)n->n_rows * dim; i++)
        rows[i] = (int8_t)lrintf(parameters[i] / scale[i % dim]);
    *w = (struct sieve_weights){
        .n_rows = n->n_rows,
        .dim = dim,
        .n_queries = n->shape.n_queries,
        .hidden = n->shape.hidden,
        .mean = n->shape.mean,
        .max = n->shape.max,
        .rows = rows,
        .column_scale = scale,
        .queries = at[QUERIES],
        .hidden_weight = at[HIDDEN_WEIGHT],
        .hidden_bias = at[HIDDEN_BIAS],
        .out_weight = at[OUT_WEIGHT],
        .out_bias = at[OUT_BIAS],
        .temperature = 1,
    };
}

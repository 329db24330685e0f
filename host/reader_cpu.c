/* reader_cpu.c -- the reader by the twins of its operations: what the device is compared
 * with. Slow: for tests, doctor and explain's doubts. */
#include "reader.h"

static enum fecit_status linear_run(const struct reader_linear *l, const float *x,
                                    uint32_t n, uint32_t n_in, uint32_t n_out,
                                    float *out)
{
    enum fecit_status st = FECIT_OK;
    float *w = mem_new((size_t)n_in * n_out, sizeof *w);

    TRY_MEM(w);
    for (size_t i = 0; i < (size_t)n_in * n_out; i++)
        w[i] = (float)l->weight[i] * l->scale[i / n_in];
    linear_cpu(x, w, l->bias, n, n_in, n_out, out);
done:
    mem_free(w);
    return st;
}

/* x, y [T][D], qkv [T][3 D], up [T][F] */
static enum fecit_status layer_run(const struct reader_weights *w, uint32_t i,
                                   const struct reading *in, float *x, float *y,
                                   float *qkv, float *up)
{
    enum fecit_status st;
    const struct reader_layer *l = &w->layers[i];
    const uint32_t n = in->n_ids, dim = w->dim;

    TRY(linear_run(&l->qkv, x, n, dim, 3 * dim, qkv));
    attention_cpu(qkv, in->spans, in->n_spans, dim, y);
    TRY(linear_run(&l->out, y, n, dim, dim, qkv));
    layer_norm_cpu(qkv, x, l->attention_norm.weight, l->attention_norm.bias, n, dim,
                   w->epsilon, x);
    TRY(linear_run(&l->up, x, n, dim, w->wide, up));
    gelu_cpu(up, n * w->wide, up);
    TRY(linear_run(&l->down, up, n, w->wide, dim, y));
    layer_norm_cpu(y, x, l->norm.weight, l->norm.bias, n, dim, w->epsilon, x);
done:
    return st;
}

/* Rows and places, projected if need be, into x [T][D]; wide [T][from] is room for them. */
static enum fecit_status embed(const struct reader_weights *w, struct reading *in,
                               const float *positions, float *wide, float *x)
{
    enum fecit_status st = FECIT_OK;

    for (uint32_t s = 0; s < in->n_spans; s++)
        for (uint32_t i = 0; i < in->spans[s].count; i++)
            in->places[in->spans[s].begin + i] = i;
    embed_tokens_cpu(in->ids, in->places, w->nibbles, w->scales, positions, in->n_ids,
                     w->from ? w->from : w->dim, w->from ? wide : x);
    if (w->from) TRY(linear_run(&w->projection, wide, in->n_ids, w->from, w->dim, x));
    layer_norm_cpu(x, NULL, w->norm.weight, w->norm.bias, in->n_ids, w->dim, w->epsilon,
                   x);
done:
    return st;
}

enum fecit_status reader_run_cpu(const struct reader_weights *w, struct reading *in)
{
    enum fecit_status st = FECIT_OK;
    const size_t n = in->n_ids, dim = w->dim,
                 n_positions = w->n_places * (w->from ? w->from : dim);
    float *x = NULL, *y = NULL, *qkv = NULL, *up = NULL, *positions = NULL,
          *wide = NULL;

    TRY_MEM(x = mem_new(n * dim, sizeof *x));
    TRY_MEM(y = mem_new((n + in->n_spans) * dim, sizeof *y));
    TRY_MEM(qkv = mem_new(3 * n * dim, sizeof *qkv));
    TRY_MEM(up = mem_new(n * w->wide, sizeof *up));
    TRY_MEM(wide = mem_new(n * w->from, sizeof *wide));
    TRY_MEM(positions = mem_new(n_positions, sizeof *positions));
    for (size_t i = 0; i < n_positions; i++)
        positions[i] = ops_from_half(w->positions[i]);
    TRY(embed(w, in, positions, wide, x));
    for (uint32_t i = 0; i < w->n_layers; i++)
        TRY(layer_run(w, i, in, x, y, qkv, up));
    span_mean_cpu(x, in->spans, in->n_spans, w->dim, y);
    linear_cpu(y, w->head_weight, w->head_bias, in->n_spans, w->dim, READING_HEADS,
               in->heads);
    if (w->tag_weight)
        linear_cpu(x, w->tag_weight, w->tag_bias, in->n_ids, w->dim, READING_TAGS,
                   in->tags);
done:
    mem_free(x);
    mem_free(y);
    mem_free(qkv);
    mem_free(up);
    mem_free(positions);
    mem_free(wide);
    return st;
}

/* ops_cl_encoder.c -- the reader's operations as launches. */
#include "ops_encoder.h"
#include "ops_launch.h"

#define NORM_GROUP 32 /* as in kernels/layer_norm.cl */

struct ops_panels {
    struct device_buffer *weights, *bias;
    uint32_t n_in, n_out;
};

void ops_set_tiled(struct ops *o, bool tiled)
{
    o->tiled = tiled;
}

/* [n_out / PANEL][n_in][PANEL] floats */
static void panels_fill(const int8_t *w, const float *scales, uint32_t n_in,
                        uint32_t n_out, uint32_t panel, float *to)
{
    for (uint32_t o = 0; o < n_out; o++)
        for (uint32_t i = 0; i < n_in; i++)
            to[((size_t)(o / panel) * n_in + i) * panel + o % panel] =
                (float)w[(size_t)o * n_in + i] * scales[o];
}

static void halfs_fill(const int8_t *w, const float *scales, uint32_t n_in,
                       uint32_t n_out, uint16_t *to)
{
    for (size_t i = 0; i < (size_t)n_in * n_out; i++)
        to[i] = ops_to_half((float)w[i] * scales[i / n_in]);
}

enum fecit_status ops_panels_new(struct ops *o, const int8_t *w, const float *scales,
                                 const float *bias, uint32_t n_in, uint32_t n_out,
                                 struct ops_panels **out)
{
    enum fecit_status st = FECIT_OK;
    struct ops_panels *p = mem_new(1, sizeof *p);
    const size_t n = (size_t)n_in * n_out, size = o->tiled ? 2 : 4;
    void *values = NULL;

    TRY_MEM(p);
    if (n_in % 32 || n_out % 32)
        FAIL(FECIT_E_MODEL, "a layer of %u x %u; the kernels want multiples of 32",
             n_out, n_in);
    p->n_in = n_in;
    p->n_out = n_out;
    TRY_MEM(values = mem_new(n, size));
    if (o->tiled)
        halfs_fill(w, scales, n_in, n_out, values);
    else
        panels_fill(w, scales, n_in, n_out, 2 * o->tune.panel_vector, values);
    TRY(device_buffer_new(o->device, n * size, values, &p->weights));
    TRY(device_buffer_new(o->device, n_out * sizeof *bias, bias, &p->bias));
    *out = p;
    p = NULL;
done:
    mem_free(values);
    ops_panels_free(p);
    return st;
}

void ops_panels_free(struct ops_panels *p)
{
    if (!p) return;
    device_buffer_free(p->weights);
    device_buffer_free(p->bias);
    mem_free(p);
}

enum fecit_status ops_embed_tokens(struct ops *o, const struct ops_text *in,
                                   const struct device_buffer *nibbles,
                                   const struct device_buffer *scales,
                                   const struct device_buffer *positions,
                                   struct device_buffer *out)
{
    enum fecit_status st = FECIT_OK;

    LAUNCH_GROUPS("embed_tokens", o->dim / 32, in->n_ids, 1, 64, OPS_BUFFER(in->ids),
                  OPS_BUFFER(in->places), OPS_BUFFER(nibbles), OPS_BUFFER(scales),
                  OPS_BUFFER(positions), OPS_VALUE(in->n_ids), OPS_BUFFER(out));
done:
    return st;
}

enum fecit_status ops_layer_norm(struct ops *o, const struct device_buffer *x,
                                 const struct device_buffer *add,
                                 const struct device_buffer *weight,
                                 const struct device_buffer *bias, uint32_t n,
                                 float epsilon, struct device_buffer *out)
{
    enum fecit_status st = FECIT_OK;
    const uint32_t with_add = add != NULL;

    if (!add) add = o->none;
    LAUNCH_GROUPS(o->tiled ? "layer_norm_group" : "layer_norm",
                  o->tiled ? (size_t)NORM_GROUP * n : n, 0, o->tiled ? NORM_GROUP : 16,
                  1, OPS_BUFFER(x), OPS_BUFFER(add), OPS_VALUE(with_add),
                  OPS_BUFFER(weight), OPS_BUFFER(bias), OPS_VALUE(n),
                  OPS_VALUE(epsilon), OPS_BUFFER(out));
done:
    return st;
}

enum fecit_status ops_linear_wide(struct ops *o, const struct device_buffer *x,
                                  const struct ops_panels *w, uint32_t n,
                                  bool then_gelu, struct device_buffer *out)
{
    enum fecit_status st = FECIT_OK;
    const uint32_t gelu = then_gelu, items = o->tune.tile_items,
                   tile = items * o->tune.tile_each;

    if (n == 0) return FECIT_OK;
    if (o->tiled)
        LAUNCH_GROUPS("linear_tiled", (size_t)(w->n_out + tile - 1) / tile * items,
                      (size_t)(n + tile - 1) / tile * items, items, items,
                      OPS_BUFFER(x), OPS_BUFFER(w->weights), OPS_BUFFER(w->bias),
                      OPS_VALUE(n), OPS_VALUE(w->n_in), OPS_VALUE(w->n_out),
                      OPS_VALUE(gelu), OPS_BUFFER(out));
    else
        LAUNCH_GROUPS("linear_panel", (n + o->tune.panel_rows - 1) / o->tune.panel_rows,
                      w->n_out / (2 * o->tune.panel_vector), 16, 1, OPS_BUFFER(x),
                      OPS_BUFFER(w->weights), OPS_BUFFER(w->bias), OPS_VALUE(n),
                      OPS_VALUE(w->n_in), OPS_VALUE(w->n_out), OPS_VALUE(gelu),
                      OPS_BUFFER(out));
done:
    return st;
}

enum fecit_status ops_attention(struct ops *o, const struct ops_text *in,
                                const struct device_buffer *qkv,
                                struct device_buffer *turned, struct device_buffer *out)
{
    enum fecit_status st = FECIT_OK;
    const uint32_t stride = in->n_ids + OPS_AHEAD;

    LAUNCH_GROUPS("keys_turn", in->n_ids, o->dim / 16, 16, 1, OPS_BUFFER(qkv),
                  OPS_VALUE(in->n_ids), OPS_VALUE(stride), OPS_BUFFER(turned));
    LAUNCH_GROUPS(o->tiled ? "attention" : "attention_block", o->dim / OPS_HEAD,
                  in->n_blocks, 1, 16, OPS_BUFFER(qkv), OPS_BUFFER(turned),
                  OPS_VALUE(stride), OPS_BUFFER(in->blocks), OPS_VALUE(in->n_blocks),
                  OPS_BUFFER(out));
done:
    return st;
}

enum fecit_status ops_span_mean(struct ops *o, const struct ops_text *in,
                                const struct device_buffer *x,
                                struct device_buffer *out)
{
    enum fecit_status st = FECIT_OK;

    LAUNCH_GROUPS("span_mean", o->dim / 16, in->n_spans, 1, 16, OPS_BUFFER(x),
                  OPS_BUFFER(in->spans), OPS_VALUE(in->n_spans), OPS_BUFFER(out));
done:
    return st;
}

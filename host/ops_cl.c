/* ops_cl.c -- each operation as one launch: sizes, arguments, nothing else. */
#include "ops_launch.h"

#include <stdio.h>
#include <string.h>

enum fecit_status ops_open(struct device *d, uint32_t dim, bool byte_rows,
                           uint32_t n_queries, struct ops **out)
{
    enum fecit_status st;
    struct tune tune;
    bool found;

    TRY(tune_find(device_about(d), &tune, &found));
    TRY(ops_open_tuned(d, dim, byte_rows, n_queries, &tune, out));
done:
    return st;
}

enum fecit_status ops_open_tuned(struct device *d, uint32_t dim, bool byte_rows,
                                 uint32_t n_queries, const struct tune *tune,
                                 struct ops **out)
{
    enum fecit_status st = FECIT_OK;
    struct ops *o = mem_new(1, sizeof *o);
    char options[384];

    TRY_MEM(o);
    if (dim == 0 || dim % 16 != 0 || dim > OPS_DIM)
        FAIL(FECIT_E_MODEL,
             "rows have %u columns; the kernels want a multiple of 16 up to %d", dim,
             OPS_DIM);
    o->device = d;
    o->dim = dim;
    o->tune = *tune;
    o->tiled = device_about(d)->gpu;
    o->n_queries = n_queries <= OPS_QUERIES ? n_queries : 0;
    snprintf(options, sizeof options,
             "-cl-std=CL1.2 -w -DDIM=%u%s -DPANEL_VECTOR=%u -DPANEL_ROWS=%u "
             "-DTILE_ITEMS=%u -DTILE_EACH=%u -DTILE_DEPTH=%u",
             dim, byte_rows ? " -DROW_BYTES" : "", tune->panel_vector, tune->panel_rows,
             tune->tile_items, tune->tile_each, tune->tile_depth);
    if (o->n_queries > 0)
        snprintf(options + strlen(options), sizeof options - strlen(options),
                 " -DQUERIES=%u", o->n_queries);
    TRY(program_build(d, options, &o->program));
    TRY(device_buffer_new(d, 4, NULL, &o->none));
    *out = o;
    o = NULL;
done:
    ops_close(o);
    return st;
}

void ops_close(struct ops *o)
{
    if (!o) return;
    for (uint32_t i = 0; i < o->n_kernels; i++)
        clReleaseKernel(o->kernels[i]);
    device_buffer_free(o->none);
    program_free(o->program);
    mem_free(o);
}

/* The index of kernel `name`, made when it is asked for the first time. */
static enum fecit_status kernel_find(struct ops *o, const char *name, uint32_t *out)
{
    enum fecit_status st = FECIT_OK;
    const uint32_t n = o->n_kernels;
    size_t fixed[3] = {0};
    cl_int code;

    for (*out = 0; *out < n; ++*out)
        if (!strcmp(o->names[*out], name)) return FECIT_OK;
    if (n == OPS_KERNELS)
        FAIL(FECIT_E_DEVICE, "more than %d kernels are in use; raise OPS_KERNELS",
             OPS_KERNELS);
    o->kernels[n] = clCreateKernel(o->program->program, name, &code);
    if (code != CL_SUCCESS) {
        st = device_failed(o->device, "clCreateKernel", code);
        goto done;
    }
    o->names[n] = name;
    o->group_limits[n] = 256;
    /* A device short of registers may want smaller groups for this kernel. */
    clGetKernelWorkGroupInfo(o->kernels[n], o->device->id, CL_KERNEL_WORK_GROUP_SIZE,
                             sizeof o->group_limits[n], &o->group_limits[n], NULL);
    /* Kernels with barriers have a size of their own, which cannot shrink. */
    clGetKernelWorkGroupInfo(o->kernels[n], o->device->id,
                             CL_KERNEL_COMPILE_WORK_GROUP_SIZE, sizeof fixed, fixed,
                             NULL);
    if (fixed[0] * fixed[1] > o->group_limits[n])
        FAIL(FECIT_E_DEVICE,
             "device %s: kernel %s wants groups of %zu, the device gives %zu; take "
             "another "
             "--device",
             o->device->info.name, name, fixed[0] * fixed[1], o->group_limits[n]);
    o->n_kernels++;
done:
    return st;
}

enum fecit_status ops_launch_groups(struct ops *o, const char *name,
                                    const struct ops_argument *arguments,
                                    uint32_t n_arguments, size_t x, size_t y,
                                    size_t local_x, size_t local_y)
{
    enum fecit_status st = FECIT_OK;
    size_t local[2] = {local_x, local_y}, global[2];
    uint32_t k;

    if (x == 0) return FECIT_OK;
    TRY(kernel_find(o, name, &k));
    while (local[0] * local[1] > o->group_limits[k] && local[0] * local[1] > 1)
        local[local[1] > 1] /= 2;
    global[0] = (x + local[0] - 1) / local[0] * local[0];
    global[1] = (y + local[1] - 1) / local[1] * local[1];
    for (uint32_t i = 0; i < n_arguments; i++)
        TRY_CL(o->device,
               clSetKernelArg(o->kernels[k], i, arguments[i].size, arguments[i].value));
    TRY_CL(o->device, clEnqueueNDRangeKernel(o->device->queue, o->kernels[k], y ? 2 : 1,
                                             NULL, global, local, 0, NULL, NULL));
done:
    return st;
}

enum fecit_status ops_launch(struct ops *o, const char *name,
                             const struct ops_argument *arguments, uint32_t n_arguments,
                             size_t x, size_t y)
{
    /* Work-groups of a fixed size, the launch rounded up to them (kernels check their
     * bounds): PoCL compiles a kernel anew for every group size it meets, and left to itself
     * it meets many. */
    const bool narrow =
        x % 16 != 0 || x < 64; /* then one weight row serves many sentences */

    return ops_launch_groups(o, name, arguments, n_arguments, x, y,
                             y == 0   ? 64
                             : narrow ? 1
                                      : 16,
                             y == 0   ? 1
                             : narrow ? 64
                                      : 4);
}

enum fecit_status ops_embed_bag_mean(struct ops *o, const struct ops_batch *in,
                                     const struct device_buffer *table, uint32_t width,
                                     uint32_t column, struct device_buffer *out)
{
    enum fecit_status st = FECIT_OK;

    LAUNCH("embed_bag_mean", in->n_spans, 0, OPS_BUFFER(in->ids), OPS_BUFFER(in->spans),
           OPS_BUFFER(table), OPS_VALUE(in->n_spans), OPS_VALUE(width),
           OPS_VALUE(column), OPS_BUFFER(out));
done:
    return st;
}

enum fecit_status ops_embed_bag_max(struct ops *o, const struct ops_batch *in,
                                    const struct device_buffer *table, uint32_t width,
                                    uint32_t column, struct device_buffer *out,
                                    struct device_buffer *argmax)
{
    enum fecit_status st = FECIT_OK;
    const uint32_t keep = argmax != NULL;

    if (!argmax) argmax = o->none;
    LAUNCH("embed_bag_max", in->n_spans, 0, OPS_BUFFER(in->ids), OPS_BUFFER(in->spans),
           OPS_BUFFER(table), OPS_VALUE(in->n_spans), OPS_VALUE(width),
           OPS_VALUE(column), OPS_BUFFER(out), OPS_VALUE(keep), OPS_BUFFER(argmax));
done:
    return st;
}

enum fecit_status ops_embed_bag_attention(struct ops *o, const struct ops_batch *in,
                                          const struct device_buffer *table,
                                          const struct device_buffer *queries,
                                          uint32_t n_queries, uint32_t width,
                                          uint32_t column, struct device_buffer *out,
                                          struct device_buffer *alpha)
{
    enum fecit_status st = FECIT_OK;
    const uint32_t keep = alpha != NULL;

    if (!alpha) alpha = o->none;
    LAUNCH("embed_bag_attention", n_queries, in->n_spans, OPS_BUFFER(in->ids),
           OPS_BUFFER(in->spans), OPS_BUFFER(table), OPS_BUFFER(queries),
           OPS_VALUE(n_queries), OPS_VALUE(in->n_spans), OPS_VALUE(width),
           OPS_VALUE(column), OPS_BUFFER(out), OPS_VALUE(keep), OPS_BUFFER(alpha));
done:
    return st;
}

enum fecit_status ops_embed_bag_scores(struct ops *o, const struct device_buffer *table,
                                       const struct device_buffer *queries,
                                       uint32_t n_rows, uint32_t n_queries,
                                       struct device_buffer *out)
{
    enum fecit_status st = FECIT_OK;

    LAUNCH("embed_bag_scores", n_queries, n_rows, OPS_BUFFER(table),
           OPS_BUFFER(queries), OPS_VALUE(n_rows), OPS_VALUE(n_queries),
           OPS_BUFFER(out));
done:
    return st;
}

enum fecit_status ops_embed_bag_weighted(struct ops *o, const struct ops_batch *in,
                                         const struct device_buffer *table,
                                         const struct device_buffer *weights,
                                         uint32_t width, uint32_t column,
                                         struct device_buffer *out)
{
    enum fecit_status st = FECIT_OK;

    LAUNCH("embed_bag_weighted", in->n_spans, 0, OPS_BUFFER(in->ids),
           OPS_BUFFER(in->spans), OPS_BUFFER(table), OPS_BUFFER(weights),
           OPS_VALUE(in->n_spans), OPS_VALUE(width), OPS_VALUE(column),
           OPS_BUFFER(out));
done:
    return st;
}

enum fecit_status ops_linear(struct ops *o, const struct device_buffer *x,
                             const struct device_buffer *w,
                             const struct device_buffer *bias, uint32_t n,
                             uint32_t n_in, uint32_t n_out, struct device_buffer *out)
{
    enum fecit_status st = FECIT_OK;
    const bool block = n_in % 8 == 0 && n_out % 4 == 0;

    LAUNCH(block ? "linear_block" : "linear", block ? n_out / 4 : n_out,
           block ? (n + 1) / 2 : n, OPS_BUFFER(x), OPS_BUFFER(w), OPS_BUFFER(bias),
           OPS_VALUE(n), OPS_VALUE(n_in), OPS_VALUE(n_out), OPS_BUFFER(out));
done:
    return st;
}

enum fecit_status ops_gelu(struct ops *o, const struct device_buffer *x, uint32_t n,
                           struct device_buffer *out)
{
    enum fecit_status st = FECIT_OK;

    const uint32_t wide = n % 16 == 0;

    LAUNCH(wide ? "gelu_wide" : "gelu", wide ? n / 16 : n, 0, OPS_BUFFER(x),
           OPS_VALUE(n), OPS_BUFFER(out));
done:
    return st;
}

enum fecit_status ops_softmax(struct ops *o, const struct device_buffer *logits,
                              uint32_t n, float sharpness, struct device_buffer *out)
{
    enum fecit_status st = FECIT_OK;

    LAUNCH("softmax", n, 0, OPS_BUFFER(logits), OPS_VALUE(n), OPS_VALUE(sharpness),
           OPS_BUFFER(out));
done:
    return st;
}

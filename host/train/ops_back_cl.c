/* ops_back_cl.c -- each reverse operation as one launch: sizes, arguments, nothing else. */
#include "../ops_launch.h"
#include "ops_back.h"

enum fecit_status ops_embed_bag_scores_back(
    struct ops *o, const struct ops_batch *in, const struct device_buffer *table,
    const struct device_buffer *alpha, const struct device_buffer *pooled,
    const struct device_buffer *d_out, uint32_t n_queries, uint32_t width,
    uint32_t column, struct device_buffer *d_score)
{
    enum fecit_status st = FECIT_OK;

    LAUNCH("embed_bag_scores_back", n_queries, in->n_spans, OPS_BUFFER(in->ids),
           OPS_BUFFER(in->spans), OPS_BUFFER(table), OPS_BUFFER(alpha),
           OPS_BUFFER(pooled), OPS_BUFFER(d_out), OPS_VALUE(n_queries),
           OPS_VALUE(in->n_spans), OPS_VALUE(width), OPS_VALUE(column),
           OPS_BUFFER(d_score));
done:
    return st;
}

enum fecit_status ops_embed_bag_query_back(struct ops *o, const struct ops_batch *in,
                                           const struct device_buffer *table,
                                           const struct device_buffer *d_score,
                                           uint32_t n_queries,
                                           struct device_buffer *d_queries)
{
    enum fecit_status st = FECIT_OK;

    LAUNCH("embed_bag_query_back", o->dim, n_queries, OPS_BUFFER(in->ids),
           OPS_BUFFER(table), OPS_BUFFER(d_score), OPS_VALUE(in->n_ids),
           OPS_VALUE(n_queries), OPS_BUFFER(d_queries));
done:
    return st;
}

enum fecit_status ops_embed_bag_rows_back(struct ops *o, const struct ops_batch *in,
                                          const struct ops_rows_back *f,
                                          struct device_buffer *d_rows)
{
    enum fecit_status st = FECIT_OK;
    const struct device_buffer *none = o->none;
    const struct device_buffer *queries = f->queries ? f->queries : none;
    const struct device_buffer *alpha = f->alpha ? f->alpha : none;
    const struct device_buffer *d_score = f->d_score ? f->d_score : none;
    const struct device_buffer *argmax = f->argmax ? f->argmax : none;

    LAUNCH("embed_bag_rows_back", o->dim, f->n_rows, OPS_BUFFER(f->rows),
           OPS_BUFFER(f->positions), OPS_BUFFER(f->owner), OPS_BUFFER(in->spans),
           OPS_BUFFER(queries), OPS_BUFFER(alpha), OPS_BUFFER(d_score),
           OPS_BUFFER(argmax), OPS_BUFFER(f->d_out), OPS_VALUE(f->n_rows),
           OPS_VALUE(f->n_queries), OPS_VALUE(f->width), OPS_VALUE(f->mean_column),
           OPS_VALUE(f->max_column), OPS_VALUE(f->attention_column),
           OPS_BUFFER(d_rows));
done:
    return st;
}

enum fecit_status ops_linear_back_input(struct ops *o,
                                        const struct device_buffer *d_out,
                                        const struct device_buffer *w, uint32_t n,
                                        uint32_t n_in, uint32_t n_out,
                                        struct device_buffer *d_x)
{
    enum fecit_status st = FECIT_OK;

    LAUNCH("linear_back_input", n_in, n, OPS_BUFFER(d_out), OPS_BUFFER(w), OPS_VALUE(n),
           OPS_VALUE(n_in), OPS_VALUE(n_out), OPS_BUFFER(d_x));
done:
    return st;
}

enum fecit_status ops_linear_back_weight(struct ops *o,
                                         const struct device_buffer *d_out,
                                         const struct device_buffer *x, uint32_t n,
                                         uint32_t n_in, uint32_t n_out,
                                         struct device_buffer *d_w,
                                         struct device_buffer *d_bias)
{
    enum fecit_status st = FECIT_OK;

    LAUNCH("linear_back_weight", n_in + 1, n_out, OPS_BUFFER(d_out), OPS_BUFFER(x),
           OPS_VALUE(n), OPS_VALUE(n_in), OPS_VALUE(n_out), OPS_BUFFER(d_w),
           OPS_BUFFER(d_bias));
done:
    return st;
}

enum fecit_status ops_gelu_back(struct ops *o, const struct device_buffer *x,
                                const struct device_buffer *d_out, uint32_t n,
                                struct device_buffer *d_x)
{
    enum fecit_status st = FECIT_OK;

    LAUNCH("gelu_back", n, 0, OPS_BUFFER(x), OPS_BUFFER(d_out), OPS_VALUE(n),
           OPS_BUFFER(d_x));
done:
    return st;
}

enum fecit_status ops_cross_entropy(struct ops *o, const struct device_buffer *logits,
                                    const struct device_buffer *labels,
                                    const struct device_buffer *weights, uint32_t n,
                                    float smoothing, float total,
                                    struct device_buffer *loss,
                                    struct device_buffer *d_logits)
{
    enum fecit_status st = FECIT_OK;

    LAUNCH("cross_entropy", n, 0, OPS_BUFFER(logits), OPS_BUFFER(labels),
           OPS_BUFFER(weights), OPS_VALUE(n), OPS_VALUE(smoothing), OPS_VALUE(total),
           OPS_BUFFER(loss), OPS_BUFFER(d_logits));
done:
    return st;
}

enum fecit_status ops_adamw(struct ops *o, const struct device_buffer *d, uint32_t n,
                            struct ops_step step, const struct device_buffer *anchor,
                            struct device_buffer *w, struct device_buffer *m,
                            struct device_buffer *v)
{
    enum fecit_status st = FECIT_OK;

    LAUNCH("adamw", n, 0, OPS_BUFFER(d), OPS_VALUE(n), OPS_VALUE(step.rate),
           OPS_VALUE(step.decay), OPS_VALUE(step.root), OPS_BUFFER(anchor),
           OPS_BUFFER(w), OPS_BUFFER(m), OPS_BUFFER(v));
done:
    return st;
}

enum fecit_status ops_adamw_rows(struct ops *o, const struct device_buffer *rows,
                                 const struct device_buffer *d, uint32_t n_rows,
                                 struct ops_step step,
                                 const struct device_buffer *anchor,
                                 struct device_buffer *w, struct device_buffer *m,
                                 struct device_buffer *v)
{
    enum fecit_status st = FECIT_OK;

    LAUNCH("adamw_rows", o->dim, n_rows, OPS_BUFFER(rows), OPS_BUFFER(d),
           OPS_VALUE(n_rows), OPS_VALUE(step.rate), OPS_VALUE(step.decay),
           OPS_VALUE(step.root), OPS_BUFFER(anchor), OPS_BUFFER(w), OPS_BUFFER(m),
           OPS_BUFFER(v));
done:
    return st;
}

/* ops_back.h -- the operations of ops.h in reverse, and the optimiser's steps: one launch on
 * the device (ops_back_cl.c), the same sum in plain loops (ops_back_cpu.c). Letters as in
 * ops.h; U touched rows. */
#ifndef OPS_BACK_H
#define OPS_BACK_H

#include "../ops.h"

/* d_score [T][K] from alpha [T][K], pooled and d_out [B][width] */
enum fecit_status ops_embed_bag_scores_back(
    struct ops *o, const struct ops_batch *in, const struct device_buffer *table,
    const struct device_buffer *alpha, const struct device_buffer *pooled,
    const struct device_buffer *d_out, uint32_t n_queries, uint32_t width,
    uint32_t column, struct device_buffer *d_score);
/* d_queries [K][D] */
enum fecit_status ops_embed_bag_query_back(struct ops *o, const struct ops_batch *in,
                                           const struct device_buffer *table,
                                           const struct device_buffer *d_score,
                                           uint32_t n_queries,
                                           struct device_buffer *d_queries);

/* What the gradient of the touched rows is made of. A pool that is not there has the column
 * OPS_NO_POOL, and its buffers may be NULL. */
struct ops_rows_back {
    const struct device_buffer *rows;      /* [U] struct shared_row */
    const struct device_buffer *positions; /* [T] places in ids, row by row */
    const struct device_buffer *owner;     /* [T] sentence of each place */
    const struct device_buffer *queries;   /* [K][D] */
    const struct device_buffer *alpha;     /* [T][K] */
    const struct device_buffer *d_score;   /* [T][K] */
    const struct device_buffer *argmax;    /* [B][D] */
    const struct device_buffer *d_out;     /* [B][width] */
    uint32_t n_rows, n_queries, width;
    uint32_t mean_column, max_column, attention_column;
};
/* d_rows [U][D] */
enum fecit_status ops_embed_bag_rows_back(struct ops *o, const struct ops_batch *in,
                                          const struct ops_rows_back *from,
                                          struct device_buffer *d_rows);
/* d_x [n][n_in] */
enum fecit_status ops_linear_back_input(struct ops *o,
                                        const struct device_buffer *d_out,
                                        const struct device_buffer *w, uint32_t n,
                                        uint32_t n_in, uint32_t n_out,
                                        struct device_buffer *d_x);
/* d_w [n_out][n_in], d_bias [n_out] */
enum fecit_status ops_linear_back_weight(struct ops *o,
                                         const struct device_buffer *d_out,
                                         const struct device_buffer *x, uint32_t n,
                                         uint32_t n_in, uint32_t n_out,
                                         struct device_buffer *d_w,
                                         struct device_buffer *d_bias);
/* d_x [n] at x [n] */
enum fecit_status ops_gelu_back(struct ops *o, const struct device_buffer *x,
                                const struct device_buffer *d_out, uint32_t n,
                                struct device_buffer *d_x);
/* loss [n], d_logits [n][C]; weights [C]; both divided by `total` */
enum fecit_status ops_cross_entropy(struct ops *o, const struct device_buffer *logits,
                                    const struct device_buffer *labels,
                                    const struct device_buffer *weights, uint32_t n,
                                    float smoothing, float total,
                                    struct device_buffer *loss,
                                    struct device_buffer *d_logits);

/* One step's numbers: rate = learning rate / (1 - beta1^t), root = 1 / sqrt(1 - beta2^t),
 * decay = learning rate * pull toward the anchor. */
struct ops_step {
    float rate, decay, root;
};
/* All [n] */
enum fecit_status ops_adamw(struct ops *o, const struct device_buffer *d, uint32_t n,
                            struct ops_step step, const struct device_buffer *anchor,
                            struct device_buffer *w, struct device_buffer *m,
                            struct device_buffer *v);
/* d [U][D]; anchor, w, m, v [V][D] */
enum fecit_status ops_adamw_rows(struct ops *o, const struct device_buffer *rows,
                                 const struct device_buffer *d, uint32_t n_rows,
                                 struct ops_step step,
                                 const struct device_buffer *anchor,
                                 struct device_buffer *w, struct device_buffer *m,
                                 struct device_buffer *v);

/* The twins. */
void embed_bag_scores_back_cpu(const uint32_t *ids, const struct shared_span *spans,
                               const float *table, const float *alpha,
                               const float *pooled, const float *d_out,
                               uint32_t n_queries, uint32_t n_spans, uint32_t dim,
                               uint32_t width, uint32_t column, float *d_score);
void embed_bag_query_back_cpu(const uint32_t *ids, const float *table,
                              const float *d_score, uint32_t n_ids, uint32_t n_queries,
                              uint32_t dim, float *d_queries);
struct rows_back_cpu {
    const struct shared_row *rows;
    const uint32_t *positions, *owner;
    const struct shared_span *spans;
    const float *queries, *alpha, *d_score;
    const uint32_t *argmax;
    const float *d_out;
    uint32_t n_rows, n_queries, dim, width, mean_column, max_column, attention_column;
};
void embed_bag_rows_back_cpu(const struct rows_back_cpu *from, float *d_rows);
void linear_back_input_cpu(const float *d_out, const float *w, uint32_t n,
                           uint32_t n_in, uint32_t n_out, float *d_x);
void linear_back_weight_cpu(const float *d_out, const float *x, uint32_t n,
                            uint32_t n_in, uint32_t n_out, float *d_w, float *d_bias);
void gelu_back_cpu(const float *x, const float *d_out, uint32_t n, float *d_x);
void cross_entropy_cpu(const float *logits, const uint32_t *labels,
                       const float *weights, uint32_t n, float smoothing, float total,
                       float *loss, float *d_logits);
void adamw_cpu(const float *d, uint32_t n, struct ops_step step, const float *anchor,
               float *w, float *m, float *v);
void adamw_rows_cpu(const struct shared_row *rows, const float *d, uint32_t n_rows,
                    uint32_t dim, struct ops_step step, const float *anchor, float *w,
                    float *m, float *v);

#endif

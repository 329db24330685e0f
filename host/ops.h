/* ops.h -- the model's operations, each once: one launch on the device (ops_cl.c), and the
 * same sum in plain loops on the host (ops_cpu.c), which is the truth in tests.
 * Shapes: B sentences, T ids of all of them, V table rows, D columns of a row (a multiple of
 * 16), K queries, W columns of the pooled vectors, C = SHARED_CLASSES. */
#ifndef OPS_H
#define OPS_H

#include "../kernels/shared.h"
#include "device.h"
#include "tune.h"
#include <stdbool.h>

#define OPS_NO_POOL 0xFFFFFFFFu
#define OPS_DIM     384 /* the most columns of a row */
#define OPS_QUERIES 8   /* their sums must fit into registers */

struct ops;

/* Build the kernels for rows of `dim` columns, held as int8 (`byte_rows`) or float, and
 * ops_embed_bag_weighted for exactly n_queries, at most OPS_QUERIES (0: without it).
 * Borrows the device until ops_close(). Caller owns *out. */
enum fecit_status ops_open(struct device *d, uint32_t dim, bool byte_rows,
                           uint32_t n_queries, struct ops **out);
/* The same with tunables of the caller's own, not those of tune.conf. */
enum fecit_status ops_open_tuned(struct device *d, uint32_t dim, bool byte_rows,
                                 uint32_t n_queries, const struct tune *tune,
                                 struct ops **out);
void ops_close(struct ops *o); /* NULL is fine */

/* A packed batch on the device. */
struct ops_batch {
    const struct device_buffer *ids;   /* [T] uint32 */
    const struct device_buffer *spans; /* [B] struct shared_span */
    uint32_t n_ids, n_spans;
};

/* Pools write D columns (attention: K * D) of out [B][width] from `column` on. `argmax` [B][D]
 * and `alpha` [T][K] are kept for training when not NULL. */
enum fecit_status ops_embed_bag_mean(struct ops *o, const struct ops_batch *in,
                                     const struct device_buffer *table, uint32_t width,
                                     uint32_t column, struct device_buffer *out);
enum fecit_status ops_embed_bag_max(struct ops *o, const struct ops_batch *in,
                                    const struct device_buffer *table, uint32_t width,
                                    uint32_t column, struct device_buffer *out,
                                    struct device_buffer *argmax);
enum fecit_status ops_embed_bag_attention(struct ops *o, const struct ops_batch *in,
                                          const struct device_buffer *table,
                                          const struct device_buffer *queries,
                                          uint32_t n_queries, uint32_t width,
                                          uint32_t column, struct device_buffer *out,
                                          struct device_buffer *alpha);
/* out [n_rows][K]: every row's score for every query */
enum fecit_status ops_embed_bag_scores(struct ops *o, const struct device_buffer *table,
                                       const struct device_buffer *queries,
                                       uint32_t n_rows, uint32_t n_queries,
                                       struct device_buffer *out);
/* Attention of a finished model: weights [V][n_queries of ops_open] = exp(score - the
 * query's greatest score). The same pools as ops_embed_bag_attention. */
enum fecit_status ops_embed_bag_weighted(struct ops *o, const struct ops_batch *in,
                                         const struct device_buffer *table,
                                         const struct device_buffer *weights,
                                         uint32_t width, uint32_t column,
                                         struct device_buffer *out);
/* x [n][n_in], w [n_out][n_in], bias [n_out] -> out [n][n_out] */
enum fecit_status ops_linear(struct ops *o, const struct device_buffer *x,
                             const struct device_buffer *w,
                             const struct device_buffer *bias, uint32_t n,
                             uint32_t n_in, uint32_t n_out, struct device_buffer *out);
/* x [n] -> out [n]; may be the same buffer */
enum fecit_status ops_gelu(struct ops *o, const struct device_buffer *x, uint32_t n,
                           struct device_buffer *out);
/* logits [n][C] * sharpness -> out [n][C] */
enum fecit_status ops_softmax(struct ops *o, const struct device_buffer *logits,
                              uint32_t n, float sharpness, struct device_buffer *out);

/* The plain-C twins; `dim` etc. are arguments, table is float. They add in double. */
void embed_bag_mean_cpu(const uint32_t *ids, const struct shared_span *spans,
                        const float *table, uint32_t n_spans, uint32_t dim,
                        uint32_t width, uint32_t column, float *out);
void embed_bag_max_cpu(const uint32_t *ids, const struct shared_span *spans,
                       const float *table, uint32_t n_spans, uint32_t dim,
                       uint32_t width, uint32_t column, float *out, uint32_t *argmax);
void embed_bag_attention_cpu(const uint32_t *ids, const struct shared_span *spans,
                             const float *table, const float *queries,
                             uint32_t n_queries, uint32_t n_spans, uint32_t dim,
                             uint32_t width, uint32_t column, float *out, float *alpha);
void embed_bag_scores_cpu(const float *table, const float *queries, uint32_t n_rows,
                          uint32_t n_queries, uint32_t dim, float *out);
void linear_cpu(const float *x, const float *w, const float *bias, uint32_t n,
                uint32_t n_in, uint32_t n_out, float *out);
void gelu_cpu(const float *x, uint32_t n, float *out);
void softmax_cpu(const float *logits, uint32_t n, float sharpness, float *out);

#endif

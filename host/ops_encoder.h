/* ops_encoder.h -- the reader's operations, as in ops.h: a launch on the device
 * (ops_cl_encoder.c) and the same sum in plain loops (ops_cpu_encoder.c).
 * Shapes: B sentences, T pieces of all of them, D = dim of ops_open(), heads are 32 wide,
 * V rows of the piece table, P places. */
#ifndef OPS_ENCODER_H
#define OPS_ENCODER_H

#include "ops.h"

#define OPS_HEAD 32 /* columns of an attention head */
#define OPS_AHEAD                                                                      \
    16 /* columns of the turned keys after the last piece, never looked at */

/* A packed batch on the device. */
struct ops_text {
    const struct device_buffer *ids;    /* [T] uint32 */
    const struct device_buffer *places; /* [T] uint32 */
    const struct device_buffer *spans;  /* [B] struct shared_span */
    const struct device_buffer *blocks; /* [n_blocks] struct shared_block */
    uint32_t n_ids, n_spans, n_blocks;
};

/* Whether wide layers go through local memory with weights as halfs, and rows are shared by a
 * group: what GPUs want. By default only they get it; to be said before ops_panels_new(). */
void ops_set_tiled(struct ops *o, bool tiled);

/* A wide layer's weights, held as the device likes them. */
struct ops_panels;

/* From w [n_out][n_in] int8 with a scale per output, and bias [n_out]. n_in must be a
 * multiple of 32, n_out too. Caller owns *out. */
enum fecit_status ops_panels_new(struct ops *o, const int8_t *w, const float *scales,
                                 const float *bias, uint32_t n_in, uint32_t n_out,
                                 struct ops_panels **out);
void ops_panels_free(struct ops_panels *p); /* NULL is fine */

/* nibbles [V][D / 2], scales [V][D / 32] half, positions [P][D] -> out [T][D] */
enum fecit_status ops_embed_tokens(struct ops *o, const struct ops_text *in,
                                   const struct device_buffer *nibbles,
                                   const struct device_buffer *scales,
                                   const struct device_buffer *positions,
                                   struct device_buffer *out);
/* x [n][D], add [n][D] or NULL -> out [n][D], which may be x or add */
enum fecit_status ops_layer_norm(struct ops *o, const struct device_buffer *x,
                                 const struct device_buffer *add,
                                 const struct device_buffer *weight,
                                 const struct device_buffer *bias, uint32_t n,
                                 float epsilon, struct device_buffer *out);
/* x [n][n_in] -> out [n][n_out], through gelu() when asked to */
enum fecit_status ops_linear_wide(struct ops *o, const struct device_buffer *x,
                                  const struct ops_panels *w, uint32_t n,
                                  bool then_gelu, struct device_buffer *out);
/* qkv [T][3 D]; turned: room for D * (T + OPS_AHEAD) -> out [T][D] */
enum fecit_status ops_attention(struct ops *o, const struct ops_text *in,
                                const struct device_buffer *qkv,
                                struct device_buffer *turned,
                                struct device_buffer *out);
/* x [T][D] -> out [B][D] */
enum fecit_status ops_span_mean(struct ops *o, const struct ops_text *in,
                                const struct device_buffer *x,
                                struct device_buffer *out);

/* The twins; they add in double. */
void embed_tokens_cpu(const uint32_t *ids, const uint32_t *places,
                      const uint8_t *nibbles, const uint16_t *scales,
                      const float *positions, uint32_t n, uint32_t dim, float *out);
void layer_norm_cpu(const float *x, const float *add, const float *weight,
                    const float *bias, uint32_t n, uint32_t dim, float epsilon,
                    float *out);
void attention_cpu(const float *qkv, const struct shared_span *spans, uint32_t n_spans,
                   uint32_t dim, float *out);
void span_mean_cpu(const float *x, const struct shared_span *spans, uint32_t n_spans,
                   uint32_t dim, float *out);

/* binary16 -> float and back, to the nearest */
float ops_from_half(uint16_t half);
uint16_t ops_to_half(float x);

#endif

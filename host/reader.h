/* reader.h -- the second stage, for what the sieve lets through: a transformer encoder
 * (Devlin et al. 2019, arXiv:1810.04805; multilingual-e5-small, Wang et al. 2024,
 * arXiv:2402.05672, fine-tuned), and what it says of a sentence and of each of its pieces.
 *   x      = norm(row of the piece + row of the place), projected before if need be  [T][D]
 *   x      = norm(x + attention(x)); x = norm(x + gelu(x U' + u) V' + v)         n_layers times
 *   heads  = mean of x over the sentence, H' + h: class, act, tie               [B][17]
 *   tags   = x G' + g: for each role whether a piece is outside, begins or goes on  [T][12] */
#ifndef READER_H
#define READER_H

#include "ops_encoder.h"
#include "reading.h"

#define READER_LAYERS 12 /* at most */

/* w [n_out][n_in] times a scale per output */
struct reader_linear {
    const int8_t *weight; /* [n_out][n_in] */
    const float *scale;   /* [n_out] */
    const float *bias;    /* [n_out] */
};

struct reader_norm {
    const float *weight, *bias; /* [D] */
};

struct reader_layer {
    struct reader_linear qkv;  /* [3 D][D] */
    struct reader_linear out;  /* [D][D] */
    struct reader_linear up;   /* [F][D] */
    struct reader_linear down; /* [D][F] */
    struct reader_norm attention_norm, norm;
};

/* Borrowed views of the model files. */
struct reader_weights {
    uint32_t n_layers, dim, wide; /* D, F */
    /* A small encoder takes rows and places of `from` columns, projected to D; 0: they have D */
    uint32_t from;
    struct reader_linear projection; /* [D][from] */
    uint32_t n_rows, n_places;       /* V, P */
    uint32_t bos, eos;               /* ids put around a sentence */
    const uint8_t *nibbles;          /* [V][from / 2], see kernels/embed_tokens.cl */
    const uint16_t *scales;          /* [V][from / 32] half */
    const uint16_t *positions;       /* [P][from] half */
    struct reader_norm norm;
    struct reader_layer layers[READER_LAYERS];
    const float *head_weight; /* [READING_HEADS][D] */
    const float *head_bias;   /* [READING_HEADS] */
    const float *tag_weight;  /* [READING_TAGS][D], NULL: no tags are asked for */
    const float *tag_bias;    /* [READING_TAGS] */
    float epsilon;            /* of the norms */
};

struct reader;

/* Copies the weights to the device. Borrows the device until reader_close(). `tiled`: see
 * ops_set_tiled(); negative leaves it to the device. Caller owns *out. */
enum fecit_status reader_open(struct device *d, const struct reader_weights *w,
                              int tiled, struct reader **out);

/* The same for a small encoder that projects the rows and the places of `of` (the same
 * pointers in the weights), whose copies on the device it shares: borrows `of` until
 * reader_close(). Other rows are copied. Caller owns *out. */
enum fecit_status reader_open_beside(struct reader *of, const struct reader_weights *w,
                                     struct reader **out);
void reader_close(struct reader *r); /* NULL is fine */

/* Queue it and return; parts that a device of this kind does in well under 100 ms go one
 * after the other, so the call waits for all parts but the last. Short of memory, the parts
 * get smaller. Borrows the reading until reader_wait(). */
enum fecit_status reader_run(struct reader *r, struct reading *in);
enum fecit_status reader_wait(struct reader *r, struct reading *in);

/* The same sums on the host, in double between the layers' floats: fills heads and tags. */
enum fecit_status reader_run_cpu(const struct reader_weights *w, struct reading *in);

#endif

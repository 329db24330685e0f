/* vocabulary.h -- the frozen file models/vocabulary.safetensors: pieces, their unigram
 * scores, the normalisation table, int4 embeddings (models/README.md says how it is made). */
#ifndef VOCABULARY_H
#define VOCABULARY_H

#include "base/trie.h"
#include "tensors.h"

#define VOCABULARY_DIM 384 /* width of the embeddings */
#define VOCABULARY_BAG 64  /* columns of the bag projection */

/* Read only after loading: any number of threads may share one. */
struct vocabulary {
    uint32_t n_pieces;             /* V */
    uint32_t unk, bos, eos, pad;   /* ids */
    const uint8_t *piece_bytes;    /* all pieces end to end, UTF-8 */
    const uint32_t *piece_offsets; /* [V + 1] into piece_bytes */
    const float *scores;           /* [V] log probabilities, 0 = special, never matched;
                                         * scores[unk]: what an unknown code point costs */
    const uint32_t *source;        /* [V] id in the full vocabulary */
    uint32_t n_normalise;          /* N */
    const uint32_t *normalise_code;    /* [N] ascending code points */
    const uint32_t *normalise_offsets; /* [N + 1] into normalise_bytes */
    const uint8_t *normalise_bytes;    /* replacements, UTF-8 */
    const uint8_t *nibbles;            /* [V][192] */
    const uint16_t *scales;            /* [V][12] fp16 */
    const float *bag_projection;       /* [384][64], NULL in files without one */
    const float *bag_mean;             /* [384] */
    char digest[65];                   /* sha256 of the tensors, hex */
    struct trie *trie;    /* owned: the pieces text may become, number = id */
    struct tensors *file; /* owned; all other pointers lie in it */
};

/* FECIT_E_MODEL when a tensor is missing, misshapen, or an offset leads out of its bytes.
 * Caller owns *out; gives it back with vocabulary_free(). */
enum fecit_status vocabulary_load(const char *path, struct vocabulary **out);
void vocabulary_free(struct vocabulary *v); /* NULL is fine */

/* Dequantised embedding of one piece: row [VOCABULARY_DIM], caller's memory. */
void vocabulary_row(const struct vocabulary *v, uint32_t id, float *row);

#endif

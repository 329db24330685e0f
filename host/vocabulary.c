#include "vocabulary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT        "fecit-vocabulary 1"
#define BLOCK         32 /* weights that share one scale */
#define MOST_PIECES   (1u << 24)
#define LONGEST_PIECE 255 /* bytes: the trie is built as deep */

/* offsets [n + 1] must not fall and must end inside `size` bytes. */
static enum fecit_status check_offsets(const char *path, const char *name,
                                       const uint32_t *offsets, uint32_t n,
                                       uint64_t size)
{
    enum fecit_status st = FECIT_OK;

    for (uint32_t i = 0; i < n; i++)
        if (offsets[i] > offsets[i + 1])
            FAIL(FECIT_E_MODEL,
                 "%s: %s falls from %u to %u at entry %u; fetch the file again "
                 "(models/README.md)",
                 path, name, offsets[i], offsets[i + 1], i);
    if (offsets[n] > size)
        FAIL(FECIT_E_MODEL,
             "%s: %s ends at byte %u, its bytes at %llu; fetch the file again "
             "(models/README.md)",
             path, name, offsets[n], (unsigned long long)size);
done:
    return st;
}

static enum fecit_status read_id(const struct vocabulary *v, const char *key,
                                 uint32_t *id)
{
    enum fecit_status st = FECIT_OK;
    const char *text = tensors_note(v->file, key);
    char *end = NULL;
    const unsigned long value = text ? strtoul(text, &end, 10) : 0;

    if (!text || end == text || *end || value >= v->n_pieces)
        FAIL(FECIT_E_MODEL,
             "%s: metadata '%s' must be an id below %u, found '%s'; fetch the file "
             "again "
             "(models/README.md)",
             tensors_path(v->file), key, v->n_pieces, text ? text : "nothing");
    *id = (uint32_t)value;
done:
    return st;
}

static enum fecit_status read_notes(struct vocabulary *v)
{
    enum fecit_status st = FECIT_OK;
    const char *path = tensors_path(v->file);
    const char *format = tensors_note(v->file, "format");
    const char *digest = tensors_note(v->file, "digest");

    if (!format || strcmp(format, FORMAT) != 0)
        FAIL(FECIT_E_MODEL,
             "%s: expected format '%s', found '%s'; is this a vocabulary file?", path,
             FORMAT, format ? format : "none");
    if (!digest || strlen(digest) != sizeof v->digest - 1)
        FAIL(FECIT_E_MODEL,
             "%s: metadata 'digest' must be 64 hex digits; fetch the file again "
             "(models/README.md)",
             path);
    memcpy(v->digest, digest, sizeof v->digest);
    TRY(read_id(v, "unk", &v->unk));
    TRY(read_id(v, "bos", &v->bos));
    TRY(read_id(v, "eos", &v->eos));
    TRY(read_id(v, "pad", &v->pad));
done:
    return st;
}

static enum fecit_status read_pieces(struct vocabulary *v)
{
    enum fecit_status st = FECIT_OK;
    const char *path = tensors_path(v->file);
    struct tensor t = {0};
    uint64_t V;

    TRY(tensors_find(v->file, "pieces.scores", TENSOR_F32, 1, (uint64_t[]){0}, &t));
    V = t.shape[0];
    if (V < 4 || V > MOST_PIECES)
        FAIL(FECIT_E_MODEL, "%s: expected 4 to %u pieces, found %llu", path,
             MOST_PIECES, (unsigned long long)V);
    v->n_pieces = (uint32_t)V;
    v->scores = t.data;
    TRY(tensors_find(v->file, "pieces.source", TENSOR_U32, 1, (uint64_t[]){V}, &t));
    v->source = t.data;
    TRY(tensors_find(v->file, "pieces.offsets", TENSOR_U32, 1, (uint64_t[]){V + 1},
                     &t));
    v->piece_offsets = t.data;
    TRY(tensors_find(v->file, "pieces.bytes", TENSOR_U8, 1, (uint64_t[]){0}, &t));
    v->piece_bytes = t.data;
    TRY(check_offsets(path, "pieces.offsets", v->piece_offsets, v->n_pieces, t.size));
    for (uint32_t i = 0; i < v->n_pieces; i++)
        if (!isfinite(v->scores[i]))
            FAIL(FECIT_E_MODEL, "%s: the score of piece %u is no number", path, i);
done:
    return st;
}

static enum fecit_status read_normalise(struct vocabulary *v)
{
    enum fecit_status st = FECIT_OK;
    const char *path = tensors_path(v->file);
    struct tensor t = {0};
    uint64_t N;

    TRY(tensors_find(v->file, "normalise.code", TENSOR_U32, 1, (uint64_t[]){0}, &t));
    N = t.shape[0];
    if (N > 0x110000)
        FAIL(FECIT_E_MODEL,
             "%s: normalise.code has %llu entries, more than code points", path,
             (unsigned long long)N);
    v->n_normalise = (uint32_t)N;
    v->normalise_code = t.data;
    TRY(tensors_find(v->file, "normalise.offsets", TENSOR_U32, 1, (uint64_t[]){N + 1},
                     &t));
    v->normalise_offsets = t.data;
    TRY(tensors_find(v->file, "normalise.bytes", TENSOR_U8, 1, (uint64_t[]){0}, &t));
    v->normalise_bytes = t.data;
    TRY(check_offsets(path, "normalise.offsets", v->normalise_offsets, v->n_normalise,
                      t.size));
    for (uint32_t i = 0; i < v->n_normalise; i++)
        if (v->normalise_code[i] >= 0x110000 ||
            (i && v->normalise_code[i - 1] >= v->normalise_code[i]))
            FAIL(FECIT_E_MODEL,
                 "%s: normalise.code must rise and stay below 0x110000; "
                 "entry %u does not",
                 path, i);
done:
    return st;
}

static int has_tensor(const struct tensors *file, const char *name)
{
    uint32_t n = 0;
    const struct tensor *all = tensors_all(file, &n);

    for (uint32_t i = 0; i < n; i++)
        if (!strcmp(all[i].name, name)) return 1;
    return 0;
}

static enum fecit_status read_embeddings(struct vocabulary *v)
{
    enum fecit_status st = FECIT_OK;
    const uint64_t V = v->n_pieces, D = VOCABULARY_DIM;
    struct tensor t = {0};

    TRY(tensors_find(v->file, "embedding.nibbles", TENSOR_U8, 2, (uint64_t[]){V, D / 2},
                     &t));
    v->nibbles = t.data;
    TRY(tensors_find(v->file, "embedding.scales", TENSOR_F16, 2,
                     (uint64_t[]){V, D / BLOCK}, &t));
    v->scales = t.data;
    if (!has_tensor(v->file, "bag.projection")) goto done;
    TRY(tensors_find(v->file, "bag.projection", TENSOR_F32, 2,
                     (uint64_t[]){D, VOCABULARY_BAG}, &t));
    v->bag_projection = t.data;
    TRY(tensors_find(v->file, "bag.mean", TENSOR_F32, 1, (uint64_t[]){D}, &t));
    v->bag_mean = t.data;
done:
    return st;
}

/* Specials cannot be written in text: they stay outside the trie. */
static enum fecit_status build_trie(struct vocabulary *v)
{
    enum fecit_status st = FECIT_OK;
    struct trie_key *keys = NULL; /* [V] */
    size_t n = 0;

    TRY_MEM(keys = mem_new(v->n_pieces, sizeof *keys));
    for (uint32_t i = 0; i < v->n_pieces; i++) {
        const uint32_t begin = v->piece_offsets[i], end = v->piece_offsets[i + 1];
        if (i == v->unk || v->scores[i] >= 0) continue;
        if (end - begin > LONGEST_PIECE)
            FAIL(FECIT_E_MODEL, "%s: piece %u has %u bytes, at most %d are fine",
                 tensors_path(v->file), i, end - begin, LONGEST_PIECE);
        keys[n++] =
            (struct trie_key){v->piece_bytes + begin, end - begin, i, v->scores[i]};
    }
    st = trie_build(keys, n, &v->trie);
    if (st == FECIT_E_INPUT)
        st = status_prefix(FECIT_E_MODEL, "%s", tensors_path(v->file));
done:
    mem_free(keys);
    return st;
}

enum fecit_status vocabulary_load(const char *path, struct vocabulary **out)
{
    enum fecit_status st;
    struct vocabulary *v = NULL;

    TRY_MEM(v = mem_new(1, sizeof *v));
    TRY(tensors_load(path, &v->file));
    TRY(read_pieces(v));
    TRY(read_notes(v));
    TRY(read_normalise(v));
    TRY(read_embeddings(v));
    TRY(build_trie(v));
    *out = v;
    v = NULL;
done:
    vocabulary_free(v);
    return st;
}

void vocabulary_free(struct vocabulary *v)
{
    if (!v) return;
    trie_free(v->trie);
    tensors_free(v->file);
    mem_free(v);
}

/* IEEE 754 binary16, subnormals included; a scale is never infinite. */
static float from_half(uint16_t half)
{
    const int exponent = half >> 10 & 31;
    const float fraction = (float)(half & 1023);
    const float value =
        exponent ? ldexpf(1024 + fraction, exponent - 25) : ldexpf(fraction, -24);

    return half & 0x8000 ? -value : value;
}

void vocabulary_row(const struct vocabulary *v, uint32_t id, float *row)
{
    const uint8_t *nibbles = v->nibbles + (size_t)id * (VOCABULARY_DIM / 2);
    const uint16_t *scales = v->scales + (size_t)id * (VOCABULARY_DIM / BLOCK);

    for (uint32_t b = 0; b < VOCABULARY_DIM / BLOCK; b++) {
        const float scale = from_half(scales[b]);
        for (uint32_t j = 0; j < BLOCK / 2; j++) {
            const uint8_t two = nibbles[b * (BLOCK / 2) + j];
            row[b * BLOCK + j] = (float)((two & 15) - 8) * scale;
            row[b * BLOCK + BLOCK / 2 + j] = (float)((two >> 4) - 8) * scale;
        }
    }
}

#include "model_encoder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EPSILON                                                                        \
    1e-12f /* of multilingual-e5-small's norms, and of the small encoder's */

static enum fecit_status floats(const struct tensors *f, const char *prefix,
                                const char *name, uint32_t rank, const uint64_t *shape,
                                const float **out)
{
    enum fecit_status st;
    struct tensor t;
    char whole[256];

    snprintf(whole, sizeof whole, "%s.%s", prefix, name);
    TRY(model_floats(f, whole, rank, shape, &t));
    *out = t.data;
done:
    return st;
}

static enum fecit_status linear(const struct tensors *f, const char *prefix,
                                const char *name, uint32_t n_in, uint32_t n_out,
                                struct reader_linear *out)
{
    enum fecit_status st;
    struct tensor t;
    char whole[128];

    snprintf(whole, sizeof whole, "%s.%s.weight", prefix, name);
    TRY(tensors_find(f, whole, TENSOR_I8, 2, (const uint64_t[]){n_out, n_in}, &t));
    out->weight = t.data;
    snprintf(whole, sizeof whole, "%s.%s", prefix, name);
    TRY(floats(f, whole, "scale", 1, (const uint64_t[]){n_out}, &out->scale));
    TRY(floats(f, whole, "bias", 1, (const uint64_t[]){n_out}, &out->bias));
done:
    return st;
}

static enum fecit_status norm(const struct tensors *f, const char *prefix,
                              const char *name, uint32_t dim, struct reader_norm *out)
{
    enum fecit_status st;
    const uint64_t shape[] = {dim};
    char whole[128];

    snprintf(whole, sizeof whole, "%s.%s", prefix, name);
    TRY(floats(f, whole, "weight", 1, shape, &out->weight));
    TRY(floats(f, whole, "bias", 1, shape, &out->bias));
done:
    return st;
}

static bool is_there(const struct tensors *f, const char *name)
{
    uint32_t n;
    const struct tensor *all = tensors_all(f, &n);

    for (uint32_t k = 0; k < n; k++)
        if (!strcmp(all[k].name, name)) return true;
    return false;
}

static bool layer_there(const struct tensors *f, const char *prefix, uint32_t i)
{
    char name[64];

    snprintf(name, sizeof name, "%s.layers.%u.qkv.weight", prefix, i);
    return is_there(f, name);
}

static enum fecit_status layer_read(const struct tensors *f, const char *encoder,
                                    const struct reader_weights *w, uint32_t i,
                                    struct reader_layer *out)
{
    enum fecit_status st;
    const uint32_t dim = w->dim;
    char prefix[64];

    snprintf(prefix, sizeof prefix, "%s.layers.%u", encoder, i);
    TRY(linear(f, prefix, "qkv", dim, 3 * dim, &out->qkv));
    TRY(linear(f, prefix, "out", dim, dim, &out->out));
    TRY(linear(f, prefix, "up", dim, w->wide, &out->up));
    TRY(linear(f, prefix, "down", w->wide, dim, &out->down));
    TRY(norm(f, prefix, "attention_norm", dim, &out->attention_norm));
    TRY(norm(f, prefix, "norm", dim, &out->norm));
done:
    return st;
}

static enum fecit_status positions(const struct tensors *f, struct reader_weights *w)
{
    enum fecit_status st;
    struct tensor t;

    TRY(tensors_find(f, "reader.positions", TENSOR_F16, 2,
                     (const uint64_t[]){0, VOCABULARY_DIM}, &t));
    if (t.shape[0] < READING_MOST + 2)
        FAIL(FECIT_E_MODEL,
             "%s: reader.positions has %u places; expected %d or more; fetch or train "
             "the "
             "model again",
             tensors_path(f), (unsigned)t.shape[0], READING_MOST + 2);
    w->n_places = READING_MOST + 2;
    w->positions = t.data;
    for (size_t i = 0; i < t.size / sizeof *w->positions; i++)
        if (!isfinite(ops_from_half(w->positions[i])))
            FAIL(FECIT_E_MODEL,
                 "%s: reader.positions[%zu] is no finite number; train the model again",
                 tensors_path(f), i);
done:
    return st;
}

/* Width of the encoder: that of the rows, or narrower after a projection. */
static enum fecit_status width_read(const struct tensors *f, const char *prefix,
                                    struct reader_weights *w)
{
    enum fecit_status st = FECIT_OK;
    char name[64];
    struct tensor t;

    w->dim = VOCABULARY_DIM;
    snprintf(name, sizeof name, "%s.projection.weight", prefix);
    if (is_there(f, name)) {
        TRY(tensors_find(f, name, TENSOR_I8, 2, (const uint64_t[]){0, VOCABULARY_DIM},
                         &t));
        w->dim = (uint32_t)t.shape[0];
        w->from = VOCABULARY_DIM;
        if (w->dim == 0 || w->dim % 32 || w->dim > VOCABULARY_DIM)
            FAIL(FECIT_E_MODEL,
                 "%s: %s has %u rows; expected a multiple of 32 up to %d; train the "
                 "model again",
                 tensors_path(f), name, w->dim, VOCABULARY_DIM);
        TRY(linear(f, prefix, "projection", VOCABULARY_DIM, w->dim, &w->projection));
    }
    w->wide = 4 * w->dim;
done:
    return st;
}

enum fecit_status model_encoder_read(const struct tensors *f, const char *prefix,
                                     const struct vocabulary *v,
                                     struct reader_weights *w)
{
    enum fecit_status st = FECIT_OK;
    const bool tags = !strcmp(prefix, "reader");
    char part[64];

    *w = (struct reader_weights){.epsilon = EPSILON,
                                 .n_rows = v->n_pieces,
                                 .nibbles = v->nibbles,
                                 .scales = v->scales,
                                 .bos = v->bos,
                                 .eos = v->eos};
    if (!layer_there(f, prefix, 0)) return FECIT_OK;
    TRY(width_read(f, prefix, w));
    TRY(positions(f, w));
    TRY(norm(f, prefix, "norm", w->dim, &w->norm));
    for (uint32_t n = 0; layer_there(f, prefix, n); n++) {
        if (n == READER_LAYERS)
            FAIL(FECIT_E_MODEL, "%s: the %s has more than %d layers", tensors_path(f),
                 prefix, READER_LAYERS);
        TRY(layer_read(f, prefix, w, n, &w->layers[n]));
        w->n_layers = n + 1;
    }
    snprintf(part, sizeof part, "%s.heads", prefix);
    TRY(floats(f, part, "weight", 2, (const uint64_t[]){READING_HEADS, w->dim},
               &w->head_weight));
    TRY(floats(f, part, "bias", 1, (const uint64_t[]){READING_HEADS}, &w->head_bias));
    if (!tags) goto done;
    snprintf(part, sizeof part, "%s.tags", prefix);
    TRY(floats(f, part, "weight", 2, (const uint64_t[]){READING_TAGS, w->dim},
               &w->tag_weight));
    TRY(floats(f, part, "bias", 1, (const uint64_t[]){READING_TAGS}, &w->tag_bias));
done:
    return st;
}

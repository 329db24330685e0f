#include "model_encoder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EPSILON 1e-12f /* of multilingual-e5-small's norms, and of ours */

/* Where an encoder's tensors come from, and the room for those that become floats. */
struct origin {
    const struct tensors *file;
    const char *encoder; /* its prefix */
    float *room;
    size_t used;
};

static const struct tensor *find(const struct tensors *f, const char *name)
{
    uint32_t n;
    const struct tensor *all = tensors_all(f, &n);

    for (uint32_t k = 0; k < n; k++)
        if (!strcmp(all[k].name, name)) return &all[k];
    return NULL;
}

/* A tensor of floats, or of halfs that become floats. */
static enum fecit_status floats(struct origin *o, const char *part, const char *name,
                                uint32_t rank, const uint64_t *shape, const float **out)
{
    enum fecit_status st;
    const struct tensor *there;
    const uint16_t *half;
    struct tensor t;
    char whole[256];

    snprintf(whole, sizeof whole, "%s.%s.%s", o->encoder, part, name);
    there = find(o->file, whole);
    if (!there || there->type != TENSOR_F16) {
        TRY(model_floats(o->file, whole, rank, shape, &t));
        *out = t.data;
        goto done;
    }
    TRY(tensors_find(o->file, whole, TENSOR_F16, rank, shape, &t));
    half = t.data;
    *out = o->room + o->used;
    for (size_t i = 0; i < t.size / sizeof *half; i++) {
        o->room[o->used] = ops_from_half(half[i]);
        if (!isfinite(o->room[o->used++]))
            FAIL(FECIT_E_MODEL,
                 "%s: %s[%zu] is no finite number; train the model again",
                 tensors_path(o->file), whole, i);
    }
done:
    return st;
}

/* How many halfs there are that may become floats. */
static size_t halfs_count(const struct origin *o)
{
    uint32_t n;
    const struct tensor *all = tensors_all(o->file, &n);
    const size_t prefix = strlen(o->encoder);
    size_t count = 0;

    for (uint32_t k = 0; k < n; k++)
        if (all[k].type == TENSOR_F16 && !strncmp(all[k].name, o->encoder, prefix) &&
            all[k].name[prefix] == '.')
            count += all[k].size / 2;
    return count;
}

static enum fecit_status linear(struct origin *o, const char *name, uint32_t n_in,
                                uint32_t n_out, struct reader_linear *out)
{
    enum fecit_status st;
    struct tensor t;
    char whole[128];

    snprintf(whole, sizeof whole, "%s.%s.weight", o->encoder, name);
    TRY(tensors_find(o->file, whole, TENSOR_I8, 2, (const uint64_t[]){n_out, n_in},
                     &t));
    out->weight = t.data;
    TRY(floats(o, name, "scale", 1, (const uint64_t[]){n_out}, &out->scale));
    TRY(floats(o, name, "bias", 1, (const uint64_t[]){n_out}, &out->bias));
done:
    return st;
}

static enum fecit_status norm(struct origin *o, const char *name, uint32_t dim,
                              struct reader_norm *out)
{
    enum fecit_status st;
    const uint64_t shape[] = {dim};

    TRY(floats(o, name, "weight", 1, shape, &out->weight));
    TRY(floats(o, name, "bias", 1, shape, &out->bias));
done:
    return st;
}

static bool layer_there(const struct origin *o, uint32_t i)
{
    char name[64];

    snprintf(name, sizeof name, "%s.layers.%u.qkv.weight", o->encoder, i);
    return find(o->file, name) != NULL;
}

static enum fecit_status layer_read(struct origin *o, const struct reader_weights *w,
                                    uint32_t i, struct reader_layer *out)
{
    enum fecit_status st;
    const uint32_t dim = w->dim;
    const struct {
        const char *name;
        uint32_t n_in, n_out;
        struct reader_linear *to;
    } linears[] = {{"qkv", dim, 3 * dim, &out->qkv},
                   {"out", dim, dim, &out->out},
                   {"up", dim, w->wide, &out->up},
                   {"down", w->wide, dim, &out->down}};
    char name[64];

    for (size_t k = 0; k < sizeof linears / sizeof *linears; k++) {
        snprintf(name, sizeof name, "layers.%u.%s", i, linears[k].name);
        TRY(linear(o, name, linears[k].n_in, linears[k].n_out, linears[k].to));
    }
    snprintf(name, sizeof name, "layers.%u.attention_norm", i);
    TRY(norm(o, name, dim, &out->attention_norm));
    snprintf(name, sizeof name, "layers.%u.norm", i);
    TRY(norm(o, name, dim, &out->norm));
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
static enum fecit_status width_read(struct origin *o, struct reader_weights *w)
{
    enum fecit_status st = FECIT_OK;
    char name[64];
    struct tensor t;

    w->dim = VOCABULARY_DIM;
    snprintf(name, sizeof name, "%s.projection.weight", o->encoder);
    if (find(o->file, name)) {
        TRY(tensors_find(o->file, name, TENSOR_I8, 2,
                         (const uint64_t[]){0, VOCABULARY_DIM}, &t));
        w->dim = (uint32_t)t.shape[0];
        w->from = VOCABULARY_DIM;
        if (w->dim == 0 || w->dim % 32 || w->dim > VOCABULARY_DIM)
            FAIL(FECIT_E_MODEL,
                 "%s: %s has %u rows; expected a multiple of 32 up to %d; train the "
                 "model again",
                 tensors_path(o->file), name, w->dim, VOCABULARY_DIM);
        TRY(linear(o, "projection", VOCABULARY_DIM, w->dim, &w->projection));
    }
    w->wide = 4 * w->dim;
done:
    return st;
}

static enum fecit_status parts_read(struct origin *o, struct reader_weights *w)
{
    enum fecit_status st;

    TRY(width_read(o, w));
    TRY(positions(o->file, w));
    TRY(norm(o, "norm", w->dim, &w->norm));
    for (uint32_t n = 0; layer_there(o, n); n++) {
        if (n == READER_LAYERS)
            FAIL(FECIT_E_MODEL, "%s: the %s has more than %d layers",
                 tensors_path(o->file), o->encoder, READER_LAYERS);
        TRY(layer_read(o, w, n, &w->layers[n]));
        w->n_layers = n + 1;
    }
    TRY(floats(o, "heads", "weight", 2, (const uint64_t[]){READING_HEADS, w->dim},
               &w->head_weight));
    TRY(floats(o, "heads", "bias", 1, (const uint64_t[]){READING_HEADS},
               &w->head_bias));
    if (w->from) goto done; /* the small one finds no roles */
    TRY(floats(o, "tags", "weight", 2, (const uint64_t[]){READING_TAGS, w->dim},
               &w->tag_weight));
    TRY(floats(o, "tags", "bias", 1, (const uint64_t[]){READING_TAGS}, &w->tag_bias));
done:
    return st;
}

enum fecit_status model_encoder_read(const struct tensors *f, const char *prefix,
                                     const struct vocabulary *v,
                                     struct reader_weights *w, float **room)
{
    enum fecit_status st = FECIT_OK;
    struct origin o = {.file = f, .encoder = prefix};

    *w = (struct reader_weights){.epsilon = EPSILON,
                                 .n_rows = v->n_pieces,
                                 .nibbles = v->nibbles,
                                 .scales = v->scales,
                                 .bos = v->bos,
                                 .eos = v->eos};
    if (!layer_there(&o, 0)) return FECIT_OK;
    TRY_MEM(*room = o.room = mem_new(halfs_count(&o) + 1, sizeof *o.room));
    TRY(parts_read(&o, w));
done:
    return st;
}

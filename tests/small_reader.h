/* small_reader.h -- a reader of two layers with drawn weights, and sentences for it. */
#ifndef TESTS_SMALL_READER_H
#define TESTS_SMALL_READER_H

#include "reader.h"
#include "train/random.h"

#include <stdlib.h>

enum { SMALL_ROWS = 200, SMALL_DIM = 64, SMALL_WIDE = 128, SMALL_LAYERS = 2 };

static inline float *small_floats(struct random *r, size_t n, float scale)
{
    float *x = malloc(n * sizeof *x);

    for (size_t i = 0; i < n; i++)
        x[i] = scale * random_normal(r);
    return x;
}

static inline void *small_bytes(struct random *r, size_t n)
{
    int8_t *x = malloc(n);

    for (size_t i = 0; i < n; i++)
        x[i] = (int8_t)((int)random_below(r, 255) - 127);
    return x;
}

static inline uint16_t *small_halfs(struct random *r, size_t n, float scale)
{
    uint16_t *x = malloc(n * sizeof *x);

    for (size_t i = 0; i < n; i++)
        x[i] = ops_to_half(scale * random_normal(r));
    return x;
}

static inline struct reader_linear small_linear(struct random *r, uint32_t n_in,
                                                uint32_t n_out)
{
    const void *w = small_bytes(r, (size_t)n_in * n_out);

    return (struct reader_linear){w, small_floats(r, n_out, 2e-3f),
                                  small_floats(r, n_out, 0.1f)};
}

static inline struct reader_norm small_norm(struct random *r)
{
    const float *weight = small_floats(r, SMALL_DIM, 1);

    return (struct reader_norm){weight, small_floats(r, SMALL_DIM, 0.1f)};
}

/* Never freed: a test program ends after it. */
static inline struct reader_weights small_reader_weights(void)
{
    struct random r = {11};
    struct reader_weights w = {.n_layers = SMALL_LAYERS,
                               .dim = SMALL_DIM,
                               .wide = SMALL_WIDE,
                               .n_rows = SMALL_ROWS,
                               .n_places = READING_MOST + 2,
                               .bos = 0,
                               .eos = 2,
                               .epsilon = 1e-12f};

    w.nibbles = small_bytes(&r, SMALL_ROWS * SMALL_DIM / 2);
    w.scales = small_halfs(&r, SMALL_ROWS * SMALL_DIM / 32, 0.1f);
    w.positions = small_halfs(&r, (size_t)w.n_places * SMALL_DIM, 0.3f);
    w.norm = small_norm(&r);
    for (int i = 0; i < SMALL_LAYERS; i++) {
        struct reader_layer *l = &w.layers[i];
        l->qkv = small_linear(&r, SMALL_DIM, 3 * SMALL_DIM);
        l->out = small_linear(&r, SMALL_DIM, SMALL_DIM);
        l->up = small_linear(&r, SMALL_DIM, SMALL_WIDE);
        l->down = small_linear(&r, SMALL_WIDE, SMALL_DIM);
        l->attention_norm = small_norm(&r);
        l->norm = small_norm(&r);
    }
    w.head_weight = small_floats(&r, READING_HEADS * SMALL_DIM, 0.3f);
    w.head_bias = small_floats(&r, READING_HEADS, 0.3f);
    w.tag_weight = small_floats(&r, READING_TAGS * SMALL_DIM, 0.3f);
    w.tag_bias = small_floats(&r, READING_TAGS, 0.3f);
    return w;
}

/* The same as a small encoder: rows of 96 columns projected to SMALL_DIM, no tags. */
static inline struct reader_weights small_projected_weights(void)
{
    enum { FROM = 96 };
    struct random r = {12};
    struct reader_weights w = small_reader_weights();

    w.from = FROM;
    w.nibbles = small_bytes(&r, SMALL_ROWS * FROM / 2);
    w.scales = small_halfs(&r, SMALL_ROWS * FROM / 32, 0.1f);
    w.positions = small_halfs(&r, (size_t)w.n_places * FROM, 0.3f);
    w.projection = small_linear(&r, FROM, SMALL_DIM);
    w.tag_weight = w.tag_bias = NULL;
    return w;
}

/* `sentences` of 0 to `most` pieces, drawn; the same each time. reading_free(). */
static inline struct reading *small_reading(uint32_t sentences, uint32_t most)
{
    struct random r = {sentences + most};
    struct reading *in = NULL;
    uint32_t ids[2000];

    if (reading_new(sentences, sentences * (most + 2), 0, 2, &in) != FECIT_OK) abort();
    for (uint32_t s = 0; s < sentences; s++) {
        const uint32_t n = random_below(&r, most + 1);
        for (uint32_t i = 0; i < n; i++)
            ids[i] = random_below(&r, SMALL_ROWS);
        if (!reading_push(in, ids, n)) abort();
    }
    return in;
}

#endif

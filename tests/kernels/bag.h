/* bag.h -- batches of sentences of awkward shapes, for the tests of the embedding bag. */
#ifndef TESTS_BAG_H
#define TESTS_BAG_H

#include "check.h"
#include "train/ops_back.h"

enum { BAG_ROWS = 1000 };

struct bag_shape {
    const char *name;
    uint32_t B, D, K;           /* sentences, columns, queries */
    uint32_t shortest, longest; /* ids in a sentence */
    bool bytes;                 /* rows are int8 */
};

static const struct bag_shape bag_shapes[] = {
    {"one id", 1, 16, 1, 1, 1, false},
    {"one empty sentence", 1, 64, 1, 0, 0, false},
    {"empty sentences only", 70, 64, 3, 0, 0, true},
    {"one sentence of 512", 1, 64, 4, 512, 512, true},
    {"one sentence of 512, wide, float", 1, 384, 3, 512, 512, false},
    {"fifteen to seventeen ids", 9, 64, 2, 15, 17,
     true}, /* around the kernels' blocks */
    {"a sentence more than a work-group", 65, 16, 3, 0, 40, true},
    {"wide rows", 33, 384, 1, 0, 30, true},
    {"48 columns", 130, 48, 2, 0, 20, false},
    {"what the model has", 500, 64, 4, 0, 60, true},
    {"what ships", 300, 64, 8, 0, 60, true},
    {"five queries", 70, 32, 5, 0, 30, true},
    {"six queries", 70, 64, 6, 0, 30, true},
    {"seven queries", 70, 16, 7, 0, 30, true},
    {"what training has", 256, 64, 4, 1, 60, false},
    {"8191 sentences", 8191, 64, 1, 0, 6, true},
};

struct bag {
    const struct bag_shape *shape;
    uint32_t n_ids, width; /* width: mean, max, then K attention pools */
    uint32_t *ids, *owner;
    struct shared_span *spans;
    float *table, *queries;
    float largest; /* no |table| is above */
    struct device_buffer *d_ids, *d_spans, *d_table, *d_queries;
    struct ops_batch in; /* the same on the device */
    struct ops *ops;
};

static inline void bag_ids_draw(struct bag *b, struct random *r)
{
    const struct bag_shape *s = b->shape;

    b->ids = malloc(((size_t)s->B * s->longest + 1) * sizeof *b->ids);
    b->owner = malloc(((size_t)s->B * s->longest + 1) * sizeof *b->owner);
    b->spans = malloc(s->B * sizeof *b->spans);
    for (uint32_t i = 0; i < s->B; i++) {
        const uint32_t n = s->shortest + random_below(r, s->longest - s->shortest + 1);
        b->spans[i] = (struct shared_span){b->n_ids, n};
        for (uint32_t j = 0; j < n; j++, b->n_ids++) {
            /* Both ends of the table come often, and so do repeated ids. */
            const uint32_t kind = random_below(r, 8);
            b->ids[b->n_ids] = kind == 0   ? 0
                               : kind == 1 ? BAG_ROWS - 1
                                           : random_below(r, BAG_ROWS);
            b->owner[b->n_ids] = i;
        }
    }
}

static inline struct bag *bag_new(const struct bag_shape *s)
{
    struct bag *b = calloc(1, sizeof *b);
    struct random r = {s->B + s->D};
    int8_t *bytes = malloc((size_t)BAG_ROWS * s->D);

    b->shape = s;
    b->width = (2 + s->K) * s->D;
    bag_ids_draw(b, &r);
    b->largest = s->bytes ? 127 : 1;
    b->table = check_draw(&r, (size_t)BAG_ROWS * s->D, b->largest);
    /* Scores of a few units, as in a trained model. */
    b->queries =
        check_draw(&r, (size_t)s->K * s->D, 8 / (b->largest * sqrtf((float)s->D)));
    for (size_t i = 0; s->bytes && i < (size_t)BAG_ROWS * s->D; i++)
        b->table[i] = bytes[i] = (int8_t)b->table[i];
    b->d_ids = check_upload(b->ids, b->n_ids * sizeof *b->ids);
    b->d_spans = check_upload(b->spans, s->B * sizeof *b->spans);
    b->d_queries = check_upload(b->queries, (size_t)s->K * s->D * sizeof(float));
    b->d_table = s->bytes
                     ? check_upload(bytes, (size_t)BAG_ROWS * s->D)
                     : check_upload(b->table, (size_t)BAG_ROWS * s->D * sizeof(float));
    b->in = (struct ops_batch){b->d_ids, b->d_spans, b->n_ids, s->B};
    CHECK(ops_open(check_device, s->D, s->bytes, s->bytes ? s->K : 0, &b->ops));
    free(bytes);
    return b;
}

static inline void bag_free(struct bag *b)
{
    ops_close(b->ops);
    device_buffer_free(b->d_ids);
    device_buffer_free(b->d_spans);
    device_buffer_free(b->d_table);
    device_buffer_free(b->d_queries);
    free(b->ids);
    free(b->owner);
    free(b->spans);
    free(b->table);
    free(b->queries);
    free(b);
}

/* The rows its ids touch, in order of row, and where: rows [returned], positions [n_ids]. */
static inline uint32_t bag_index(const struct bag *b, struct shared_row *rows,
                                 uint32_t *positions)
{
    uint32_t n_rows = 0, at = 0;

    for (uint32_t row = 0; row < BAG_ROWS; row++) {
        const uint32_t begin = at;
        for (uint32_t i = 0; i < b->n_ids; i++)
            if (b->ids[i] == row) positions[at++] = i;
        if (at > begin) rows[n_rows++] = (struct shared_row){row, begin, at - begin};
    }
    return n_rows;
}

#endif

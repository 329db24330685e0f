/* small_cascade.h -- a model of both stages for tests: the sieve of small_model.h and a reader
 * of one layer with drawn weights, written whole, or with one thing wrong. */
#ifndef TESTS_SMALL_CASCADE_H
#define TESTS_SMALL_CASCADE_H

#include "engine.h"
#include "small_model.h"
#include "train/random.h"

enum {
    CASCADE_TENSORS = 40,
    CASCADE_NOTES = 24,
    CASCADE_DIM = VOCABULARY_DIM,
    CASCADE_WIDE = 4 * VOCABULARY_DIM
};

/* A file's content before it is written; what is NULL stays out. */
struct cascade_file {
    struct tensors *sieve; /* the model it comes from */
    struct tensor tensors[CASCADE_TENSORS];
    struct note notes[CASCADE_NOTES];
    uint32_t n_tensors, n_notes;
};

static inline void *cascade_draw(enum tensor_type type, size_t n, float scale,
                                 struct random *r)
{
    void *data = malloc(n * 4);

    for (size_t i = 0; i < n; i++)
        if (type == TENSOR_I8)
            ((int8_t *)data)[i] = (int8_t)((int)random_below(r, 255) - 127);
        else if (type == TENSOR_F16)
            ((uint16_t *)data)[i] = ops_to_half(scale * random_normal(r));
        else
            ((float *)data)[i] = scale * random_normal(r);
    return data;
}

static inline void cascade_add(struct cascade_file *f, const char *name,
                               enum tensor_type type, uint64_t rows, uint64_t columns,
                               float scale, struct random *r)
{
    const size_t n = rows * (columns ? columns : 1);
    const size_t each = type == TENSOR_I8 ? 1 : type == TENSOR_F16 ? 2 : 4;
    char *copy = malloc(strlen(name) + 1);

    assert_true(f->n_tensors < CASCADE_TENSORS);
    f->tensors[f->n_tensors++] = (struct tensor){strcpy(copy, name),
                                                 type,
                                                 columns ? 2 : 1,
                                                 {rows, columns},
                                                 cascade_draw(type, n, scale, r),
                                                 n * each};
}

static inline void cascade_linear(struct cascade_file *f, const char *prefix,
                                  uint64_t n_out, uint64_t n_in, struct random *r)
{
    char name[96];

    snprintf(name, sizeof name, "%s.weight", prefix);
    cascade_add(f, name, TENSOR_I8, n_out, n_in, 1, r);
    snprintf(name, sizeof name, "%s.scale", prefix);
    cascade_add(f, name, TENSOR_F32, n_out, 0, 5e-4f, r);
    snprintf(name, sizeof name, "%s.bias", prefix);
    cascade_add(f, name, TENSOR_F32, n_out, 0, 0.1f, r);
}

static inline void cascade_norm(struct cascade_file *f, const char *prefix,
                                struct random *r)
{
    char name[96];

    snprintf(name, sizeof name, "%s.weight", prefix);
    cascade_add(f, name, TENSOR_F32, CASCADE_DIM, 0, 1, r);
    snprintf(name, sizeof name, "%s.bias", prefix);
    cascade_add(f, name, TENSOR_F32, CASCADE_DIM, 0, 0.1f, r);
}

static inline struct tensor *cascade_tensor(struct cascade_file *f, const char *name)
{
    for (uint32_t i = 0; i < f->n_tensors; i++)
        if (!strcmp(f->tensors[i].name, name)) return &f->tensors[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

/* Set, add, or (NULL) drop a note. */
static inline void cascade_note(struct cascade_file *f, const char *key,
                                const char *value)
{
    uint32_t i = 0;

    while (i < f->n_notes && strcmp(f->notes[i].key, key))
        i++;
    if (!value) {
        if (i < f->n_notes) f->notes[i] = f->notes[--f->n_notes];
        return;
    }
    if (i == f->n_notes) f->n_notes++;
    f->notes[i] = (struct note){key, value};
}

/* From the sieve in scratch file `sieve`. */
static inline void cascade_begin(struct cascade_file *f, const char *sieve)
{
    static const char *const keys[] = {
        "format",    "version", "vocabulary",    "classes",  "pools",      "tokens",
        "threshold", "curve",   "known_answers", "training", "temperature"};
    struct random r = {3};
    const struct tensor *all;

    *f = (struct cascade_file){0};
    assert_int_equal(tensors_load(scratch_path(sieve), &f->sieve), FECIT_OK);
    all = tensors_all(f->sieve, &f->n_tensors);
    memcpy(f->tensors, all, f->n_tensors * sizeof *all);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        cascade_note(f, keys[i], tensors_note(f->sieve, keys[i]));
    cascade_add(f, "reader.positions", TENSOR_F16, READING_MOST + 2, CASCADE_DIM, 0.3f,
                &r);
    cascade_norm(f, "reader.norm", &r);
    cascade_linear(f, "reader.layers.0.qkv", 3 * CASCADE_DIM, CASCADE_DIM, &r);
    cascade_linear(f, "reader.layers.0.out", CASCADE_DIM, CASCADE_DIM, &r);
    cascade_linear(f, "reader.layers.0.up", CASCADE_WIDE, CASCADE_DIM, &r);
    cascade_linear(f, "reader.layers.0.down", CASCADE_DIM, CASCADE_WIDE, &r);
    cascade_norm(f, "reader.layers.0.attention_norm", &r);
    cascade_norm(f, "reader.layers.0.norm", &r);
    cascade_add(f, "reader.heads.weight", TENSOR_F32, READING_HEADS, CASCADE_DIM, 0.1f,
                &r);
    cascade_add(f, "reader.heads.bias", TENSOR_F32, READING_HEADS, 0, 0.1f, &r);
    cascade_add(f, "reader.tags.weight", TENSOR_F32, READING_TAGS, CASCADE_DIM, 0.1f,
                &r);
    cascade_add(f, "reader.tags.bias", TENSOR_F32, READING_TAGS, 0, 0.1f, &r);
    cascade_note(f, "reader_threshold", "0.5");
    cascade_note(f, "reader_calibration", "{\"\": [1.5, 0.25], \"xx\": [1, 0]}");
    cascade_note(f, "cascade",
                 "{\"\": [[1, 0.01, 0.9], [0.98, 0.2, 0.5], [0.5, 0.9, 0.1]], "
                 "\"xx\": [[0.99, 0, 1]]}");
}

/* Write it into the scratch folder `to`, digest made right; nothing is given back. */
static inline void cascade_save(struct cascade_file *f, const char *to)
{
    char digest[65], path[128];

    tensors_digest(f->tensors, f->n_tensors, NULL, digest);
    cascade_note(f, "digest", digest);
    snprintf(path, sizeof path, "%s/attribution.safetensors", to);
    assert_int_equal(tensors_save(scratch_path(path), f->tensors, f->n_tensors,
                                  f->notes, f->n_notes),
                     FECIT_OK);
    cascade_note(f, "digest", NULL);
}

/* A sieve in good/, both stages in both/; the known answer is what the twin computes. */
static inline int small_cascade(void **state)
{
    static struct train_result result;
    static char known[512];
    struct train_options o;
    struct cascade_file f;
    struct model *m = NULL;
    struct reading *in = NULL;
    struct tokens *tokens = NULL;
    struct token_list list = {0};
    const char *paths[1];

    if (scratch_open(state)) return -1;
    for (int i = 0; i < 3; i++) {
        static const char *const folders[] = {"good", "both", "spoilt"};
        char path[64];
        mkdir(scratch_path(folders[i]), 0700);
        snprintf(path, sizeof path, "%s/vocabulary.safetensors", folders[i]);
        small_vocabulary(scratch_path(path), 0);
    }
    small_vocabulary(scratch_path("vocabulary.safetensors"), 0);
    small_examples(scratch_path("labelled.jsonl"), 300);
    paths[0] = scratch_path("labelled.jsonl");
    o = small_options(paths);
    o.epochs = 4;
    o.out = scratch_path("good/attribution.safetensors");
    if (train_run(&o, NULL, &result) != FECIT_OK) return -1;
    cascade_begin(&f, "good/attribution.safetensors");
    cascade_note(
        &f, "reader_known_answers",
        "{\"tolerance\": 0.02, \"answers\": [{\"text\": \"a\", \"logits\": [0, 0, "
        "0, 0]}]}");
    cascade_save(&f, "both");
    if (model_load(scratch_path("both"), &m) != FECIT_OK) {
        fprintf(stderr, "# %s\n", status_text());
        return -1;
    }
    assert_int_equal(reading_new(1, 0, 0, 2, &in), FECIT_OK);
    assert_int_equal(tokens_new(m->vocabulary, &m->tokens, &tokens), FECIT_OK);
    assert_int_equal(tokens_push(tokens, "the minister blamed", 19, &list, NULL),
                     FECIT_OK);
    reading_push(in, list.ids, (uint32_t)list.count);
    assert_int_equal(reader_run_cpu(&m->reader.weights, in), FECIT_OK);
    snprintf(known, sizeof known,
             "{\"tolerance\": 0.02, \"answers\": [{\"text\": \"the minister blamed\", "
             "\"logits\": [%.6f, %.6f, %.6f, %.6f]}]}",
             (double)in->heads[0], (double)in->heads[1], (double)in->heads[2],
             (double)in->heads[3]);
    cascade_note(&f, "reader_known_answers", known);
    cascade_save(&f, "both");
    token_list_clear(&list);
    tokens_free(tokens);
    reading_free(in);
    model_free(m);
    return 0;
}

#endif

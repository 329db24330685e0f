/* small_cascade.h -- a model of both stages for tests: the sieve of small_model.h and a reader
 * of one layer with drawn weights, written whole, or with one thing wrong. */
#ifndef TESTS_SMALL_CASCADE_H
#define TESTS_SMALL_CASCADE_H

#include "engine.h"
#include "small_model.h"
#include "train/random.h"

enum {
    CASCADE_TENSORS = 64,
    CASCADE_NOTES = 24,
    CASCADE_DIM = VOCABULARY_DIM,
    CASCADE_SMALL = 64 /* width of the encoder in the middle */
};

/* Well formed, and wrong. */
#define CASCADE_NO_ANSWER                                                              \
    "{\"tolerance\": 0.02, \"answers\": [{\"text\": \"a\", \"logits\": [0, 0, 0, "     \
    "0]}]}"

/* A file's content before it is written; what is NULL stays out. */
struct cascade_file {
    struct tensors *sieve; /* the model it comes from */
    struct tensor tensors[CASCADE_TENSORS];
    struct note notes[CASCADE_NOTES];
    void *owned[2 * CASCADE_TENSORS]; /* names and data of drawn tensors */
    uint32_t n_tensors, n_notes, n_owned;
    bool halfs; /* scales of linear layers as halfs, as models/ship.py writes them */
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

    void *data = cascade_draw(type, n, scale, r);

    assert_true(f->n_tensors < CASCADE_TENSORS);
    f->owned[f->n_owned++] = copy;
    f->owned[f->n_owned++] = data;
    f->tensors[f->n_tensors++] = (struct tensor){
        strcpy(copy, name), type, columns ? 2 : 1, {rows, columns}, data, n * each};
}

static inline void cascade_linear(struct cascade_file *f, const char *prefix,
                                  uint64_t n_out, uint64_t n_in, struct random *r)
{
    char name[128];

    snprintf(name, sizeof name, "%s.weight", prefix);
    cascade_add(f, name, TENSOR_I8, n_out, n_in, 1, r);
    snprintf(name, sizeof name, "%s.scale", prefix);
    cascade_add(f, name, f->halfs ? TENSOR_F16 : TENSOR_F32, n_out, 0, 5e-4f, r);
    snprintf(name, sizeof name, "%s.bias", prefix);
    cascade_add(f, name, TENSOR_F32, n_out, 0, 0.1f, r);
}

static inline void cascade_norm(struct cascade_file *f, const char *prefix,
                                uint64_t dim, struct random *r)
{
    char name[128];

    snprintf(name, sizeof name, "%s.weight", prefix);
    cascade_add(f, name, TENSOR_F32, dim, 0, 1, r);
    snprintf(name, sizeof name, "%s.bias", prefix);
    cascade_add(f, name, TENSOR_F32, dim, 0, 0.1f, r);
}

static inline void cascade_clear(struct cascade_file *f)
{
    while (f->n_owned > 0)
        free(f->owned[--f->n_owned]);
    tensors_free(f->sieve);
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

/* An encoder of one layer, D wide; without its tags. */
static inline void cascade_encoder(struct cascade_file *f, const char *prefix,
                                   uint64_t dim, struct random *r)
{
    const struct {
        const char *name;
        uint64_t n_out, n_in; /* 0: a norm */
    } parts[] = {{"norm", 0, 0},
                 {"layers.0.qkv", 3 * dim, dim},
                 {"layers.0.out", dim, dim},
                 {"layers.0.up", 4 * dim, dim},
                 {"layers.0.down", dim, 4 * dim},
                 {"layers.0.attention_norm", 0, 0},
                 {"layers.0.norm", 0, 0}};
    char name[96];

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(name, sizeof name, "%s.%s", prefix, parts[i].name);
        if (parts[i].n_out)
            cascade_linear(f, name, parts[i].n_out, parts[i].n_in, r);
        else
            cascade_norm(f, name, dim, r);
    }
    snprintf(name, sizeof name, "%s.heads.weight", prefix);
    cascade_add(f, name, TENSOR_F32, READING_HEADS, dim, 0.1f, r);
    snprintf(name, sizeof name, "%s.heads.bias", prefix);
    cascade_add(f, name, TENSOR_F32, READING_HEADS, 0, 0.1f, r);
}

/* The encoder in the middle, and what belongs to it. */
static inline void cascade_middle(struct cascade_file *f)
{
    struct random r = {4};

    f->halfs = true;
    cascade_linear(f, "middle.projection", CASCADE_SMALL, CASCADE_DIM, &r);
    cascade_encoder(f, "middle", CASCADE_SMALL, &r);
    cascade_note(f, "middle_known_answers", CASCADE_NO_ANSWER);
    cascade_note(f, "middle_cascade",
                 "{\"\": [[1, 0, 0.9], [0.98, 0.1, 0.5], [0.5, 0.99, 0.1]], "
                 "\"xx\": [[0.99, 0.99, 0.5]]}");
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
    cascade_encoder(f, "reader", CASCADE_DIM, &r);
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

/* Known answers, {what the twin computes}, of an encoder of the model in `folder`. */
static inline void cascade_answer(const char *folder, bool middle, char *out,
                                  size_t size)
{
    struct model *m = NULL;
    struct reading *in = NULL;
    struct tokens *tokens = NULL;
    struct token_list list = {0};

    if (model_load(scratch_path(folder), &m) != FECIT_OK) fail_msg("%s", status_text());
    assert_int_equal(reading_new(1, 0, 0, 2, &in), FECIT_OK);
    assert_int_equal(tokens_new(m->vocabulary, &m->tokens, &tokens), FECIT_OK);
    assert_int_equal(tokens_push(tokens, "the minister blamed", 19, &list, NULL),
                     FECIT_OK);
    reading_push(in, list.ids, (uint32_t)list.count);
    assert_int_equal(
        reader_run_cpu(middle ? &m->reader.middle : &m->reader.weights, in), FECIT_OK);
    snprintf(out, size,
             "{\"tolerance\": 0.02, \"answers\": [{\"text\": \"the minister blamed\", "
             "\"logits\": [%.6f, %.6f, %.6f, %.6f]}]}",
             (double)in->heads[0], (double)in->heads[1], (double)in->heads[2],
             (double)in->heads[3]);
    token_list_clear(&list);
    tokens_free(tokens);
    reading_free(in);
    model_free(m);
}

/* A sieve in good/, sieve and reader in both/, with an encoder between them in three/. */
static inline int small_cascade(void **state)
{
    static struct train_result result;
    static char known[512], known_middle[512];
    static const char *const folders[] = {"good", "both", "three", "spoilt"};
    struct train_options o;
    struct cascade_file f;
    const char *paths[1];

    if (scratch_open(state)) return -1;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
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
    cascade_note(&f, "reader_known_answers", CASCADE_NO_ANSWER);
    cascade_save(&f, "both");
    cascade_answer("both", false, known, sizeof known);
    cascade_note(&f, "reader_known_answers", known);
    cascade_save(&f, "both");
    cascade_middle(&f);
    cascade_save(&f, "three");
    cascade_answer("three", true, known_middle, sizeof known_middle);
    cascade_note(&f, "middle_known_answers", known_middle);
    cascade_save(&f, "three");
    cascade_clear(&f);
    return 0;
}

#endif

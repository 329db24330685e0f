/* test_model.c -- a good model loads and answers as promised; every spoilt one is refused
 * with a text that names what is wrong. */
#include "small_model.h"
#include "engine.h"

#include <math.h>

static const char *const keys[] = {
    "format",        "version",  "vocabulary",      "digest",    "classes",
    "pools",         "tokens",   "temperature",     "threshold", "curve",
    "known_answers", "training", "training_digest", "languages",
};
enum { KEYS = sizeof keys / sizeof *keys, MOST_TENSORS = 16 };

/* The good file's content, to be spoilt and written again. */
struct content {
    struct tensors *file;
    struct tensor tensors[MOST_TENSORS];
    struct note notes[KEYS];
    void *copy; /* of one tensor's data */
    uint32_t n_tensors, n_notes;
};

static void content_open(struct content *c)
{
    const struct tensor *all;

    *c = (struct content){0};
    assert_int_equal(
        tensors_load(scratch_path("good/attribution.safetensors"), &c->file), FECIT_OK);
    all = tensors_all(c->file, &c->n_tensors);
    assert_true(c->n_tensors <= MOST_TENSORS);
    memcpy(c->tensors, all, c->n_tensors * sizeof *all);
    for (int i = 0; i < KEYS; i++)
        if (tensors_note(c->file, keys[i]))
            c->notes[c->n_notes++] =
                (struct note){keys[i], tensors_note(c->file, keys[i])};
}

static struct tensor *tensor_of(struct content *c, const char *name)
{
    for (uint32_t i = 0; i < c->n_tensors; i++)
        if (!strcmp(c->tensors[i].name, name)) return &c->tensors[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

static struct note *note_of(struct content *c, const char *key)
{
    for (uint32_t i = 0; i < c->n_notes; i++)
        if (!strcmp(c->notes[i].key, key)) return &c->notes[i];
    fail_msg("no note %s", key);
    return NULL;
}

/* The tensor's data, to be changed. */
static void *data_of(struct content *c, const char *name)
{
    struct tensor *t = tensor_of(c, name);

    c->copy = malloc(t->size);
    memcpy(c->copy, t->data, t->size);
    t->data = c->copy;
    return c->copy;
}

/* Write it to spoilt/, the digest made right again, and give it back. */
static void content_save(struct content *c)
{
    char digest[65];

    tensors_digest(c->tensors, c->n_tensors, NULL, digest);
    note_of(c, "digest")->value = digest;
    assert_int_equal(tensors_save(scratch_path("spoilt/attribution.safetensors"),
                                  c->tensors, c->n_tensors, c->notes, c->n_notes),
                     FECIT_OK);
    tensors_free(c->file);
    free(c->copy);
}

static void refused(const char *folder, const char *text)
{
    struct model *m = NULL;

    assert_int_equal(model_load(scratch_path(folder), &m), FECIT_E_MODEL);
    assert_null(m);
    if (!strstr(status_text(), text)) fail_msg("'%s' lacks '%s'", status_text(), text);
}

static int open_all(void **state)
{
    static struct train_result r;
    struct train_options o;
    const char *paths[1];

    if (scratch_open(state)) return -1;
    mkdir(scratch_path("good"), 0700);
    mkdir(scratch_path("spoilt"), 0700);
    small_vocabulary(scratch_path("vocabulary.safetensors"), 0);
    small_vocabulary(scratch_path("good/vocabulary.safetensors"), 0);
    small_vocabulary(scratch_path("spoilt/vocabulary.safetensors"), 0);
    small_examples(scratch_path("labelled.jsonl"), 300);
    paths[0] = scratch_path("labelled.jsonl");
    o = small_options(paths);
    o.epochs = 4;
    o.out = scratch_path("good/attribution.safetensors");
    return train_run(&o, NULL, &r) != FECIT_OK;
}

static void good_model(void **state)
{
    struct engine e = {0};
    const struct model *m;

    (void)state;
    if (engine_open(&e, scratch_path("good"), NULL) != FECIT_OK)
        fail_msg("%s", status_text());
    m = e.model;
    assert_int_equal(m->weights.n_rows, SMALL_WORDS);
    assert_int_equal(m->weights.dim, 16);
    assert_int_equal(m->weights.hidden, 8);
    assert_int_equal(m->weights.n_queries, 2);
    assert_true(m->known.n > 0 && m->curve.n > 0);
    assert_true(m->tokens.fold_arabic);
    assert_true(m->threshold > 0 && m->threshold < 1);
    assert_int_equal(strlen(m->digest), 64);
    for (uint32_t i = 1; i < m->curve.n; i++) {
        assert_true(m->curve.points[i].recall <= m->curve.points[i - 1].recall);
        assert_true(m->curve.points[i].threshold >= m->curve.points[i - 1].threshold);
        assert_true(m->curve.points[i].pass <= m->curve.points[i - 1].pass);
    }
    engine_close(&e);
}

static void threshold_by_recall(void **state)
{
    struct model *m = NULL;
    float own, wide, narrow;

    (void)state;
    assert_int_equal(model_load(scratch_path("good"), &m), FECIT_OK);
    assert_int_equal(model_threshold(m, 0, &own), FECIT_OK);
    assert_true(own == m->threshold);
    assert_int_equal(model_threshold(m, 0.98, &wide), FECIT_OK);
    assert_int_equal(model_threshold(m, 0.3, &narrow), FECIT_OK);
    assert_true(wide <= narrow);
    assert_int_equal(model_threshold(m, 0.99999, &own), FECIT_E_USAGE);
    assert_non_null(strstr(status_text(), "recall"));
    model_free(m);
    model_free(NULL);
}

static void missing_files(void **state)
{
    (void)state;
    refused("nowhere", "nowhere/attribution.safetensors");
    mkdir(scratch_path("half"), 0700);
    {
        size_t size;
        uint8_t *file =
            scratch_read(scratch_path("good/attribution.safetensors"), &size);
        scratch_write(scratch_path("half/attribution.safetensors"), file, size);
        free(file);
    }
    refused("half", "half/vocabulary.safetensors");
}

/* Cut anywhere, and every tenth byte flipped: refused, or only a note that decides nothing
 * has changed. */
static void damage(void **state)
{
    size_t size, accepted = 0;
    uint8_t *file = scratch_read(scratch_path("good/attribution.safetensors"), &size);
    uint64_t header;

    (void)state;
    memcpy(&header, file, sizeof header);
    for (size_t n = 0; n < size; n += 97) {
        scratch_write(scratch_path("spoilt/attribution.safetensors"), file, n);
        refused("spoilt", "attribution.safetensors");
    }
    for (size_t i = 0; i < size; i += 10) {
        struct model *m = NULL;
        enum fecit_status st;
        file[i] ^= 0x10;
        scratch_write(scratch_path("spoilt/attribution.safetensors"), file, size);
        st = model_load(scratch_path("spoilt"), &m);
        file[i] ^= 0x10;
        if (st == FECIT_OK && i >= 8 + header) fail_msg("byte %zu may be flipped", i);
        if (st != FECIT_OK) assert_int_equal(st, FECIT_E_MODEL);
        accepted += st == FECIT_OK;
        model_free(m);
    }
    assert_true(accepted < size / 20);
    free(file);
}

static void other_vocabulary(void **state)
{
    struct content c;

    (void)state;
    content_open(&c);
    content_save(&c);
    small_vocabulary(scratch_path("spoilt/vocabulary.safetensors"), 5);
    refused("spoilt", "belongs to the vocabulary");
    small_vocabulary(scratch_path("spoilt/vocabulary.safetensors"), 0);
}

static void weights_that_are_no_numbers(void **state)
{
    static const char *const names[] = {"sieve.column_scale",  "sieve.queries",
                                        "sieve.hidden.weight", "sieve.hidden.bias",
                                        "sieve.out.weight",    "sieve.out.bias"};
    static const float bad[] = {NAN, INFINITY, -INFINITY};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t k = 0; k < 3; k++) {
            struct content c;
            content_open(&c);
            ((float *)data_of(&c, names[i]))[3] = bad[k];
            content_save(&c);
            refused("spoilt", names[i]);
        }
    {
        struct content c;
        content_open(&c);
        ((float *)data_of(&c, "sieve.column_scale"))[0] = 0;
        content_save(&c);
        refused("spoilt", "sieve.column_scale");
    }
}

static void wrong_shapes(void **state)
{
    static const char *const names[] = {
        "sieve.rows",          "sieve.column_scale", "sieve.queries",
        "sieve.hidden.weight", "sieve.hidden.bias",  "sieve.out.weight",
        "sieve.out.bias",
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct content c;
        struct tensor *t;
        content_open(&c);
        t = tensor_of(&c, names[i]);
        /* One column, or one entry, less. */
        t->size = t->size / t->shape[t->rank - 1] * (t->shape[t->rank - 1] - 1);
        t->shape[t->rank - 1]--;
        content_save(&c);
        refused("spoilt", "sieve.");
        content_open(&c); /* another name: it is missing */
        tensor_of(&c, names[i])->name = "sieve.other";
        content_save(&c);
        refused("spoilt", names[i]);
    }
}

static void wrong_notes(void **state)
{
    static const struct note notes[] = {
        {"format", "fecit-attribution 3"},
        {"pools", "least"},
        {"pools", ""},
        {"temperature", "0"},
        {"temperature", "nan"},
        {"threshold", "1.5"},
        {"threshold", "much"},
        {"curve", "[[0.9, 0.1]]"},
        {"curve", "no JSON"},
        {"curve", "[[0.5, 0.6, 0.1], [0.9, 0.1, 0.5]]"}, /* recall rises */
        {"known_answers", "{\"tolerance\": 0.001, \"answers\": []}"},
        {"known_answers", "{\"tolerance\": 0.001, \"answers\": [{\"text\": \"a\"}]}"},
        {"known_answers",
         "{\"tolerance\": 1, \"answers\": [{\"text\": \"a\", \"p\": [1, 0, 0, 0]}]}"},
        {"known_answers",
         "{\"tolerance\": 0.001, \"answers\": [{\"text\": \"a\", \"p\": [1, 0, 0]}]}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        struct content c;
        content_open(&c);
        note_of(&c, notes[i].key)->value = notes[i].value;
        content_save(&c);
        refused("spoilt", notes[i].key);
        content_open(&c);
        note_of(&c, notes[i].key)->key = "other";
        content_save(&c);
        refused("spoilt", notes[i].key);
    }
}

/* The digest in the file is not that of its tensors. */
static void wrong_digest(void **state)
{
    struct content c;

    (void)state;
    content_open(&c);
    ((int8_t *)data_of(&c, "sieve.rows"))[17] ^= 1;
    assert_int_equal(tensors_save(scratch_path("spoilt/attribution.safetensors"),
                                  c.tensors, c.n_tensors, c.notes, c.n_notes),
                     FECIT_OK);
    tensors_free(c.file);
    free(c.copy);
    refused("spoilt", "damaged");
}

/* A device that answers otherwise than promised is refused, with both numbers. */
static void wrong_answers(void **state)
{
    struct engine e = {0};
    struct model_answer *last;
    struct content c;

    (void)state;
    content_open(&c);
    ((float *)data_of(&c, "sieve.out.bias"))[FECIT_NONE] += 0.5f;
    content_save(&c);
    assert_int_equal(engine_open(&e, scratch_path("spoilt"), NULL), FECIT_E_DEVICE);
    assert_non_null(strstr(status_text(), "known answer 1"));
    assert_non_null(strstr(status_text(), "should be"));
    assert_null(e.model);
    /* The same when the record is what differs, and when the answer is no number. */
    assert_int_equal(engine_open(&e, scratch_path("good"), NULL), FECIT_OK);
    last = &e.model->known.items[e.model->known.n - 1];
    last->values[FECIT_HEDGED] += 2 * e.model->known.tolerance;
    assert_int_equal(model_check(e.model, e.device, e.sieve), FECIT_E_DEVICE);
    last->values[FECIT_HEDGED] = NAN;
    assert_int_equal(model_check(e.model, e.device, e.sieve), FECIT_E_DEVICE);
    engine_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_model),
        cmocka_unit_test(threshold_by_recall),
        cmocka_unit_test(missing_files),
        cmocka_unit_test(damage),
        cmocka_unit_test(other_vocabulary),
        cmocka_unit_test(weights_that_are_no_numbers),
        cmocka_unit_test(wrong_shapes),
        cmocka_unit_test(wrong_notes),
        cmocka_unit_test(wrong_digest),
        cmocka_unit_test(wrong_answers),
    };
    return cmocka_run_group_tests_name("model", tests, open_all, scratch_close);
}

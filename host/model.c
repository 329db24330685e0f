#include "model.h"
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT         "fecit-attribution 1"
#define MOST_TOLERANCE 0.01 /* of known answers; they are probabilities */

/* A metadata value that must be there. */
static enum fecit_status note_find(const struct model *m, const char *key,
                                   const char **out)
{
    enum fecit_status st = FECIT_OK;

    *out = tensors_note(m->file, key);
    if (!*out)
        FAIL(FECIT_E_MODEL,
             "%s: the metadata lacks \"%s\"; fetch or train the model again",
             tensors_path(m->file), key);
done:
    return st;
}

static enum fecit_status note_number(const struct model *m, const char *key, double low,
                                     double high, float *out)
{
    enum fecit_status st = FECIT_OK;
    const char *text;
    char *end;
    double value;

    TRY(note_find(m, key, &text));
    value = strtod(text, &end);
    if (end == text || *end || !(value >= low && value <= high))
        FAIL(FECIT_E_MODEL,
             "%s: \"%s\" is %s; expected a number from %g to %g; train the model again",
             tensors_path(m->file), key, text, low, high);
    *out = (float)value;
done:
    return st;
}

/* A float tensor of this shape (0 fits any), every element a finite number. */
static enum fecit_status floats_find(const struct model *m, const char *name,
                                     uint32_t rank, const uint64_t *shape,
                                     struct tensor *t)
{
    enum fecit_status st;
    const float *f;

    TRY(tensors_find(m->file, name, TENSOR_F32, rank, shape, t));
    f = t->data;
    for (size_t i = 0; i < t->size / sizeof *f; i++)
        if (!isfinite(f[i]))
            FAIL(FECIT_E_MODEL,
                 "%s: %s[%zu] is no finite number; train the model again",
                 tensors_path(m->file), name, i);
done:
    return st;
}

static enum fecit_status weights_read(struct model *m)
{
    enum fecit_status st;
    struct sieve_weights *w = &m->weights;
    struct tensor t;
    const char *pools;
    uint64_t width, last;

    TRY(note_find(m, "pools", &pools));
    w->mean = strstr(pools, "mean") != NULL;
    w->max = strstr(pools, "max") != NULL;
    TRY(tensors_find(m->file, "sieve.rows", TENSOR_I8, 2,
                     (const uint64_t[]){m->vocabulary->n_pieces, 0}, &t));
    w->rows = t.data;
    w->n_rows = (uint32_t)t.shape[0];
    w->dim = (uint32_t)t.shape[1];
    TRY(floats_find(m, "sieve.column_scale", 1, (const uint64_t[]){w->dim}, &t));
    w->column_scale = t.data;
    for (uint32_t d = 0; d < w->dim; d++)
        if (!(w->column_scale[d] > 0))
            FAIL(FECIT_E_MODEL,
                 "%s: sieve.column_scale[%u] is %g, expected more than 0",
                 tensors_path(m->file), d, (double)w->column_scale[d]);
    TRY(floats_find(m, "sieve.queries", 2, (const uint64_t[]){0, w->dim}, &t));
    w->queries = t.data;
    w->n_queries = strstr(pools, "attention") ? (uint32_t)t.shape[0] : 0;
    width = sieve_width(w);
    if (width == 0)
        FAIL(FECIT_E_MODEL, "%s: pools is \"%s\"; expected mean, max or attention",
             tensors_path(m->file), pools);
    TRY(floats_find(m, "sieve.hidden.weight", 2, (const uint64_t[]){0, width}, &t));
    w->hidden_weight = t.data;
    w->hidden = (uint32_t)t.shape[0];
    if (w->hidden > 0) {
        TRY(floats_find(m, "sieve.hidden.bias", 1, (const uint64_t[]){w->hidden}, &t));
        w->hidden_bias = t.data;
    }
    last = w->hidden ? w->hidden : width;
    TRY(floats_find(m, "sieve.out.weight", 2, (const uint64_t[]){SHARED_CLASSES, last},
                    &t));
    w->out_weight = t.data;
    TRY(floats_find(m, "sieve.out.bias", 1, (const uint64_t[]){SHARED_CLASSES}, &t));
    w->out_bias = t.data;
    TRY(note_number(m, "temperature", 1e-3, 1e3, &w->temperature));
    TRY(note_number(m, "threshold", 0, 1, &m->threshold));
done:
    return st;
}

/* A metadata value as JSON. */
static enum fecit_status note_parse(const struct model *m, struct json_reader *reader,
                                    const char *key, const char *text,
                                    struct json *root)
{
    const enum fecit_status st = json_parse(reader, text, strlen(text), root, NULL);

    return st == FECIT_E_INPUT ? status_prefix(FECIT_E_MODEL, "%s: the metadata \"%s\"",
                                               tensors_path(m->file), key)
                               : st;
}

/* `[[recall, threshold, pass], ...]` by falling recall. */
static enum fecit_status curve_read(struct model *m, struct json_reader *reader)
{
    enum fecit_status st;
    const char *text;
    struct json root, point, number;

    TRY(note_find(m, "curve", &text));
    TRY(note_parse(m, reader, "curve", text, &root));
    while (m->n_curve < MODEL_CURVE && json_item(root, m->n_curve, &point)) {
        double v[3];
        for (size_t i = 0; i < 3; i++)
            if (!json_item(point, i, &number) || !json_number(number, &v[i]))
                FAIL(FECIT_E_MODEL, "%s: curve point %u is not three numbers",
                     tensors_path(m->file), m->n_curve);
        if (!(v[0] > 0 &&
              v[0] <= (m->n_curve ? (double)m->curve[m->n_curve - 1].recall : 1)))
            FAIL(FECIT_E_MODEL,
                 "%s: the recall of curve point %u is %g; expected 1 or less, "
                 "falling",
                 tensors_path(m->file), m->n_curve, v[0]);
        m->curve[m->n_curve++] =
            (struct model_point){(float)v[0], (float)v[1], (float)v[2]};
    }
done:
    return st;
}

/* `{"tolerance": t, "answers": [{"text": ..., "p": [4]}, ...]}` */
static enum fecit_status known_read(struct model *m, struct json_reader *reader)
{
    enum fecit_status st;
    const char *note, *text;
    struct json root, answers, answer, value, number;
    double x;
    size_t size;

    TRY(note_find(m, "known_answers", &note));
    TRY(note_parse(m, reader, "known_answers", note, &root));
    /* A wide tolerance would wave every device through. */
    if (!json_get(root, "tolerance", &value) || !json_number(value, &x) ||
        !(x > 0 && x <= MOST_TOLERANCE) || !json_get(root, "answers", &answers) ||
        json_count(answers) == 0)
        FAIL(FECIT_E_MODEL,
             "%s: known_answers is empty, or its tolerance is not between 0 and %g",
             tensors_path(m->file), MOST_TOLERANCE);
    m->tolerance = (float)x;
    while (m->n_known < MODEL_KNOWN && json_item(answers, m->n_known, &answer)) {
        struct model_known *k = &m->known[m->n_known];
        if (!json_get(answer, "text", &value) || !json_text(value, &text, &size) ||
            !json_get(answer, "p", &value))
            FAIL(FECIT_E_MODEL, "%s: known_answers: number %u lacks text or p",
                 tensors_path(m->file), m->n_known);
        for (size_t i = 0; i < FECIT_LABELS; i++) {
            if (!json_item(value, i, &number) || !json_number(number, &x))
                FAIL(FECIT_E_MODEL,
                     "%s: known_answers: number %u has no four probabilities",
                     tensors_path(m->file), m->n_known);
            k->p[i] = (float)x;
        }
        TRY_MEM(k->text = mem_text(text, size));
        m->n_known++;
    }
done:
    return st;
}

/* Compute the digest of a file's tensors and compare it with what its metadata promise. */
static enum fecit_status digest_check(const struct tensors *file, char hex[65])
{
    enum fecit_status st = FECIT_OK;
    uint32_t n;
    const struct tensor *all = tensors_all(file, &n);
    const char *promised = tensors_note(file, "digest");

    tensors_digest(all, n, NULL, hex);
    if (!promised || strcmp(promised, hex))
        FAIL(
            FECIT_E_MODEL,
            "%s: the contents are damaged: their digest is %.12s..., the file promises "
            "%.12s...; fetch it again",
            tensors_path(file), hex, promised ? promised : "none");
done:
    return st;
}

static enum fecit_status belongs(struct model *m)
{
    enum fecit_status st;
    const char *format, *vocabulary;
    char hex[65];

    TRY(note_find(m, "format", &format));
    if (strcmp(format, FORMAT))
        FAIL(FECIT_E_MODEL,
             "%s: the format is \"%s\", this program reads \"%s\"; take a "
             "model and a program of the same release",
             tensors_path(m->file), format, FORMAT);
    TRY(digest_check(m->file, m->digest));
    TRY(digest_check(m->vocabulary->file, hex));
    TRY(note_find(m, "vocabulary", &vocabulary));
    if (strcmp(vocabulary, m->vocabulary->digest))
        FAIL(FECIT_E_MODEL,
             "%s belongs to the vocabulary %.12s..., but %s is %.12s...; put the two "
             "files "
             "of one release together",
             tensors_path(m->file), vocabulary, tensors_path(m->vocabulary->file),
             m->vocabulary->digest);
done:
    return st;
}

enum fecit_status model_load(const char *folder, struct model **out)
{
    enum fecit_status st = FECIT_OK;
    struct model *m = mem_new(1, sizeof *m);
    struct json_reader *reader = NULL;
    const char *tokens;
    char path[1024];

    TRY_MEM(m);
    snprintf(path, sizeof path, "%s/attribution.safetensors", folder);
    TRY(tensors_load(path, &m->file));
    snprintf(path, sizeof path, "%s/vocabulary.safetensors", folder);
    TRY(vocabulary_load(path, &m->vocabulary));
    TRY(belongs(m));
    TRY(note_find(m, "tokens", &tokens));
    m->tokens.split = strstr(tokens, "icu") ? TOKENS_ICU_WORDS : TOKENS_WHITESPACE;
    m->tokens.fold_arabic = strstr(tokens, "fold-arabic") != NULL;
    TRY(weights_read(m));
    TRY(json_reader_new(&reader));
    TRY(curve_read(m, reader));
    TRY(known_read(m, reader));
    *out = m;
    m = NULL;
done:
    json_reader_free(reader);
    model_free(m);
    return st;
}

void model_free(struct model *m)
{
    if (!m) return;
    for (uint32_t i = 0; i < m->n_known; i++)
        mem_free(m->known[i].text);
    vocabulary_free(m->vocabulary);
    tensors_free(m->file);
    mem_free(m);
}

enum fecit_status model_threshold(const struct model *m, double recall, float *out)
{
    enum fecit_status st = FECIT_OK;
    uint32_t i = m->n_curve;

    if (recall == 0) {
        *out = m->threshold;
        return FECIT_OK;
    }
    /* The curve is float: .9 there is a little less than .9 here. */
    while (i > 0 && (double)m->curve[i - 1].recall < recall - 1e-6)
        i--;
    if (i == 0)
        FAIL(FECIT_E_USAGE,
             "recall %g is more than this model's curve reaches (%g); ask for less",
             recall, m->n_curve ? (double)m->curve[0].recall : 0.0);
    *out = m->curve[i - 1].threshold;
done:
    return st;
}

enum fecit_status model_known_push(const struct vocabulary *v,
                                   const struct tokens_options *options,
                                   const struct model_known *known, uint32_t n,
                                   struct batch *b)
{
    enum fecit_status st;
    struct tokens *tokens = NULL;
    struct token_list list = {0};

    TRY(tokens_new(v, options, &tokens));
    for (uint32_t i = 0; i < n; i++) {
        list.count = 0;
        TRY(tokens_push(tokens, known[i].text, strlen(known[i].text), &list, NULL));
        batch_push(b, list.ids, (uint32_t)list.count);
    }
done:
    token_list_clear(&list);
    tokens_free(tokens);
    return st;
}

enum fecit_status model_check(const struct model *m, const struct device *d,
                              struct sieve *s)
{
    enum fecit_status st;
    struct batch *b = NULL;

    TRY(batch_new(MODEL_KNOWN, &b));
    TRY(model_known_push(m->vocabulary, &m->tokens, m->known, m->n_known, b));
    TRY(sieve_run(s, b));
    TRY(sieve_wait(s, b));
    for (uint32_t i = 0; i < m->n_known; i++)
        for (int c = 0; c < FECIT_LABELS; c++) {
            const float want = m->known[i].p[c];
            const float got = b->p[(size_t)i * FECIT_LABELS + (size_t)c];
            if (!(fabsf(got - want) <= m->tolerance)) /* also when it is no number */
                FAIL(FECIT_E_DEVICE,
                     "device %s computes wrongly: known answer %u, p(%s) should be "
                     "%.6f, "
                     "it says %.6f; update its driver or take another --device",
                     device_name(d), i + 1, fecit_label_name((enum fecit_label)c),
                     (double)want, (double)got);
        }
done:
    batch_free(b);
    return st;
}

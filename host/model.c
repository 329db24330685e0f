#include "model.h"

#include <stdio.h>
#include <string.h>

#define FORMAT         "fecit-attribution 2"
#define MOST_TOLERANCE 0.01 /* of known answers; they are probabilities */

static enum fecit_status weights_read(struct model *m)
{
    enum fecit_status st;
    struct sieve_weights *w = &m->weights;
    struct tensor t;
    const char *pools;
    uint64_t width, last;

    TRY(model_note(m->file, "pools", &pools));
    w->mean = strstr(pools, "mean") != NULL;
    w->max = strstr(pools, "max") != NULL;
    TRY(tensors_find(m->file, "sieve.rows", TENSOR_I8, 2,
                     (const uint64_t[]){m->vocabulary->n_pieces, 0}, &t));
    w->rows = t.data;
    w->n_rows = (uint32_t)t.shape[0];
    w->dim = (uint32_t)t.shape[1];
    TRY(model_floats(m->file, "sieve.column_scale", 1, (const uint64_t[]){w->dim}, &t));
    w->column_scale = t.data;
    for (uint32_t d = 0; d < w->dim; d++)
        if (!(w->column_scale[d] > 0))
            FAIL(FECIT_E_MODEL,
                 "%s: sieve.column_scale[%u] is %g, expected more than 0",
                 tensors_path(m->file), d, (double)w->column_scale[d]);
    TRY(model_floats(m->file, "sieve.queries", 2, (const uint64_t[]){0, w->dim}, &t));
    w->queries = t.data;
    w->n_queries = strstr(pools, "attention") ? (uint32_t)t.shape[0] : 0;
    width = sieve_width(w);
    if (width == 0)
        FAIL(FECIT_E_MODEL, "%s: pools is \"%s\"; expected mean, max or attention",
             tensors_path(m->file), pools);
    TRY(model_floats(m->file, "sieve.hidden.weight", 2, (const uint64_t[]){0, width},
                     &t));
    w->hidden_weight = t.data;
    w->hidden = (uint32_t)t.shape[0];
    if (w->hidden > 0) {
        TRY(model_floats(m->file, "sieve.hidden.bias", 1, (const uint64_t[]){w->hidden},
                         &t));
        w->hidden_bias = t.data;
    }
    last = w->hidden ? w->hidden : width;
    TRY(model_floats(m->file, "sieve.out.weight", 2,
                     (const uint64_t[]){SHARED_CLASSES, last}, &t));
    w->out_weight = t.data;
    TRY(model_floats(m->file, "sieve.out.bias", 1, (const uint64_t[]){SHARED_CLASSES},
                     &t));
    w->out_bias = t.data;
    TRY(model_number(m->file, "temperature", 1e-3, 1e3, &w->temperature));
    TRY(model_number(m->file, "threshold", 0, 1, &m->threshold));
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

    TRY(model_note(m->file, "format", &format));
    if (strcmp(format, FORMAT))
        FAIL(FECIT_E_MODEL,
             "%s: the format is \"%s\", this program reads \"%s\"; take a "
             "model and a program of the same release",
             tensors_path(m->file), format, FORMAT);
    TRY(digest_check(m->file, m->digest));
    TRY(digest_check(m->vocabulary->file, hex));
    TRY(model_note(m->file, "vocabulary", &vocabulary));
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
    const char *tokens, *note;
    struct json root;
    char path[1024];

    TRY_MEM(m);
    snprintf(path, sizeof path, "%s/attribution.safetensors", folder);
    TRY(tensors_load(path, &m->file));
    snprintf(path, sizeof path, "%s/vocabulary.safetensors", folder);
    TRY(vocabulary_load(path, &m->vocabulary));
    TRY(belongs(m));
    TRY(model_note(m->file, "tokens", &tokens));
    m->tokens.split = strstr(tokens, "icu") ? TOKENS_ICU_WORDS : TOKENS_WHITESPACE;
    m->tokens.fold_arabic = strstr(tokens, "fold-arabic") != NULL;
    TRY(weights_read(m));
    TRY(json_reader_new(&reader));
    TRY(model_note(m->file, "curve", &note));
    TRY(model_json(m->file, reader, "curve", note, &root));
    TRY(model_curve(m->file, root, "curve", &m->curve));
    TRY(model_answers_read(&m->known, m->file, reader, "known_answers", "p",
                           MOST_TOLERANCE));
    TRY(model_reader_read(&m->reader, m->file, m->vocabulary, reader));
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
    model_answers_clear(&m->known);
    model_reader_clear(&m->reader);
    vocabulary_free(m->vocabulary);
    tensors_free(m->file);
    mem_free(m);
}

enum fecit_status model_threshold(const struct model *m, double recall, float *out)
{
    if (recall == 0) {
        *out = m->threshold;
        return FECIT_OK;
    }
    return model_curve_point(&m->curve, recall, out);
}

static bool push(void *batch, const uint32_t *ids, uint32_t n)
{
    return batch_push(batch, ids, n);
}

enum fecit_status model_known_push(const struct vocabulary *v,
                                   const struct tokens_options *options,
                                   const struct model_answers *known, struct batch *b)
{
    return model_answers_pieces(known, v, options, push, b);
}

enum fecit_status model_check(const struct model *m, const struct device *d,
                              struct sieve *s)
{
    enum fecit_status st;
    struct batch *b = NULL;

    TRY(batch_new(MODEL_KNOWN, &b));
    TRY(model_known_push(m->vocabulary, &m->tokens, &m->known, b));
    TRY(sieve_run(s, b));
    TRY(sieve_wait(s, b));
    TRY(model_answers_compare(&m->known, b->p, FECIT_LABELS, d, "sieve", "p"));
done:
    batch_free(b);
    return st;
}

/* model_reader.c -- the reader's part of the model file (models/FORMAT.md). */
#include "model_reader.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define WIDE           (4u * VOCABULARY_DIM)
#define EPSILON        1e-12f /* of multilingual-e5-small's norms */
#define MOST_TOLERANCE 0.05   /* of known logits, which lie between -10 and 10 */

/* ---- tensors ------------------------------------------------------------------------ */

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
                              const char *name, struct reader_norm *out)
{
    enum fecit_status st;
    const uint64_t shape[] = {VOCABULARY_DIM};
    char whole[128];

    snprintf(whole, sizeof whole, "%s.%s", prefix, name);
    TRY(floats(f, whole, "weight", 1, shape, &out->weight));
    TRY(floats(f, whole, "bias", 1, shape, &out->bias));
done:
    return st;
}

/* Whether the file has layer i. */
static bool layer_there(const struct tensors *f, uint32_t i)
{
    uint32_t n;
    const struct tensor *all = tensors_all(f, &n);
    char name[64];

    snprintf(name, sizeof name, "reader.layers.%u.qkv.weight", i);
    for (uint32_t k = 0; k < n; k++)
        if (!strcmp(all[k].name, name)) return true;
    return false;
}

static enum fecit_status layer(const struct tensors *f, uint32_t i,
                               struct reader_layer *out)
{
    enum fecit_status st;
    const uint32_t dim = VOCABULARY_DIM;
    char prefix[64];

    snprintf(prefix, sizeof prefix, "reader.layers.%u", i);
    TRY(linear(f, prefix, "qkv", dim, 3 * dim, &out->qkv));
    TRY(linear(f, prefix, "out", dim, dim, &out->out));
    TRY(linear(f, prefix, "up", dim, WIDE, &out->up));
    TRY(linear(f, prefix, "down", WIDE, dim, &out->down));
    TRY(norm(f, prefix, "attention_norm", &out->attention_norm));
    TRY(norm(f, prefix, "norm", &out->norm));
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

static enum fecit_status weights_read(const struct tensors *f,
                                      const struct vocabulary *v,
                                      struct reader_weights *w)
{
    enum fecit_status st;
    const uint64_t heads[] = {READING_HEADS, VOCABULARY_DIM};
    const uint64_t tags[] = {READING_TAGS, VOCABULARY_DIM};

    w->dim = VOCABULARY_DIM;
    w->wide = WIDE;
    w->epsilon = EPSILON;
    w->n_rows = v->n_pieces;
    w->nibbles = v->nibbles;
    w->scales = v->scales;
    w->bos = v->bos;
    w->eos = v->eos;
    TRY(positions(f, w));
    TRY(norm(f, "reader", "norm", &w->norm));
    for (w->n_layers = 0; layer_there(f, w->n_layers); w->n_layers++) {
        if (w->n_layers == READER_LAYERS)
            FAIL(FECIT_E_MODEL, "%s: the reader has more than %d layers",
                 tensors_path(f), READER_LAYERS);
        TRY(layer(f, w->n_layers, &w->layers[w->n_layers]));
    }
    TRY(floats(f, "reader.heads", "weight", 2, heads, &w->head_weight));
    TRY(floats(f, "reader.heads", "bias", 1, heads, &w->head_bias));
    TRY(floats(f, "reader.tags", "weight", 2, tags, &w->tag_weight));
    TRY(floats(f, "reader.tags", "bias", 1, tags, &w->tag_bias));
done:
    return st;
}

/* ---- metadata ----------------------------------------------------------------------- */

/* The i-th member of a map from languages; its key into lang. */
static enum fecit_status language_member(const struct tensors *f, struct json map,
                                         size_t i, const char *note,
                                         char lang[MODEL_LANGUAGE], struct json *out)
{
    enum fecit_status st = FECIT_OK;
    const char *key = "";
    size_t size = 0;

    if (i == MODEL_LANGUAGES || !json_member(map, i, &key, &size, out) ||
        size >= MODEL_LANGUAGE || (i == 0) != (size == 0))
        FAIL(
            FECIT_E_MODEL,
            "%s: %s: entry %zu: expected a map of at most %d language codes, \"\" (all "
            "others) first; train the model again",
            tensors_path(f), note, i, MODEL_LANGUAGES);
    memcpy(lang, key, size);
    lang[size] = 0;
done:
    return st;
}

/* `{"": [temperature, prior], "ar": ...}` */
static enum fecit_status calibration_read(struct model_reader *r,
                                          const struct tensors *f,
                                          struct json_reader *json)
{
    enum fecit_status st;
    static const char key[] = "reader_calibration";
    struct json root, pair, number;
    const char *text;
    double v[2];
    size_t n;

    TRY(model_note(f, key, &text));
    TRY(model_json(f, json, key, text, &root));
    n = json_count(root);
    for (size_t i = 0; i < n || i == 0; i++) {
        struct model_calibration *c = &r->calibration[i < MODEL_LANGUAGES ? i : 0];
        TRY(language_member(f, root, i, key, c->lang, &pair));
        for (size_t k = 0; k < 2; k++)
            if (!json_item(pair, k, &number) || !json_number(number, &v[k])) v[k] = NAN;
        if (!(v[0] > 0.05 && v[0] < 20 && fabs(v[1]) < 20))
            FAIL(
                FECIT_E_MODEL,
                "%s: %s: \"%s\" is no temperature from .05 to 20 with a prior from -20 "
                "to 20; train the model again",
                tensors_path(f), key, c->lang);
        c->temperature = (float)v[0];
        c->prior = (float)v[1];
        r->n_calibration = (uint32_t)i + 1;
    }
done:
    return st;
}

/* `{"": [[recall, threshold, pass], ...], "ar": ...}`; not there: all is read. */
static enum fecit_status cascade_read(struct model_reader *r, const struct tensors *f,
                                      struct json_reader *json)
{
    enum fecit_status st = FECIT_OK;
    static const char key[] = "cascade";
    const char *text = tensors_note(f, key);
    struct json root, list;
    size_t n;

    if (!text) return FECIT_OK;
    TRY(model_json(f, json, key, text, &root));
    n = json_count(root);
    for (size_t i = 0; i < n; i++) {
        struct model_cascade *c = &r->cascade[i < MODEL_LANGUAGES ? i : 0];
        TRY(language_member(f, root, i, key, c->lang, &list));
        TRY(model_curve(f, list, key, &c->curve));
        r->n_cascade = (uint32_t)i + 1;
    }
done:
    return st;
}

/* `{"tolerance": t, "answers": [{"text": ..., "logits": [4]}, ...]}` */
static enum fecit_status known_read(struct model_reader *r, const struct tensors *f,
                                    struct json_reader *json)
{
    enum fecit_status st;
    static const char key[] = "reader_known_answers";
    struct json root, answers, answer, value, number;
    const char *note, *text;
    double x;
    size_t size;

    TRY(model_note(f, key, &note));
    TRY(model_json(f, json, key, note, &root));
    /* A wide tolerance would wave every device through. */
    if (!json_get(root, "tolerance", &value) || !json_number(value, &x) ||
        !(x > 0 && x <= MOST_TOLERANCE) || !json_get(root, "answers", &answers) ||
        json_count(answers) == 0)
        FAIL(FECIT_E_MODEL, "%s: %s is empty, or its tolerance is not between 0 and %g",
             tensors_path(f), key, MOST_TOLERANCE);
    r->tolerance = (float)x;
    while (r->n_known < MODEL_KNOWN && json_item(answers, r->n_known, &answer)) {
        struct model_answer *k = &r->known[r->n_known];
        if (!json_get(answer, "text", &value) || !json_text(value, &text, &size) ||
            !json_get(answer, "logits", &value))
            FAIL(FECIT_E_MODEL, "%s: %s: number %u lacks text or logits",
                 tensors_path(f), key, r->n_known);
        for (size_t i = 0; i < FECIT_LABELS; i++) {
            if (!json_item(value, i, &number) || !json_number(number, &x))
                FAIL(FECIT_E_MODEL, "%s: %s: number %u has no four logits",
                     tensors_path(f), key, r->n_known);
            k->logits[i] = (float)x;
        }
        TRY_MEM(k->text = mem_text(text, size));
        r->n_known++;
    }
done:
    return st;
}

enum fecit_status model_reader_read(struct model_reader *r, const struct tensors *file,
                                    const struct vocabulary *v,
                                    struct json_reader *json)
{
    enum fecit_status st = FECIT_OK;

    if (!layer_there(file, 0)) return FECIT_OK;
    TRY(weights_read(file, v, &r->weights));
    TRY(model_number(file, "reader_threshold", 0, 1, &r->threshold));
    TRY(calibration_read(r, file, json));
    TRY(cascade_read(r, file, json));
    TRY(known_read(r, file, json));
    r->there = true;
done:
    return st;
}

void model_reader_clear(struct model_reader *r)
{
    for (uint32_t i = 0; i < r->n_known; i++)
        mem_free(r->known[i].text);
    *r = (struct model_reader){0};
}

/* ---- use ---------------------------------------------------------------------------- */

/* Whether `tag` (ar, AR, ar-EG) is of the language `code`. */
static bool is_language(const char *tag, const char *code)
{
    for (; *code; tag++, code++)
        if ((*tag | 32) != (*code | 32)) return false;
    return *tag == 0 || *tag == '-' || *tag == '_';
}

const struct model_calibration *model_reader_calibration(const struct model_reader *r,
                                                         const char *lang)
{
    for (uint32_t i = 1; i < r->n_calibration; i++)
        if (is_language(lang, r->calibration[i].lang)) return &r->calibration[i];
    return r->n_calibration ? &r->calibration[0] : NULL;
}

const struct model_curve *model_reader_cascade(const struct model_reader *r,
                                               const char *lang)
{
    for (uint32_t i = 1; i < r->n_cascade; i++)
        if (is_language(lang, r->cascade[i].lang)) return &r->cascade[i].curve;
    return r->n_cascade ? &r->cascade[0].curve : NULL;
}

/* The known sentences, with their marks, into an empty reading. */
static enum fecit_status known_push(const struct model_reader *m,
                                    const struct vocabulary *v,
                                    const struct tokens_options *options,
                                    struct reading *in)
{
    enum fecit_status st;
    struct tokens *tokens = NULL;
    struct token_list list = {0};

    TRY(tokens_new(v, options, &tokens));
    for (uint32_t i = 0; i < m->n_known; i++) {
        list.count = 0;
        TRY(tokens_push(tokens, m->known[i].text, strlen(m->known[i].text), &list,
                        NULL));
        reading_push(in, list.ids, (uint32_t)list.count);
    }
done:
    token_list_clear(&list);
    tokens_free(tokens);
    return st;
}

enum fecit_status model_reader_check(const struct model_reader *m,
                                     const struct vocabulary *v,
                                     const struct tokens_options *options,
                                     const struct device *d, struct reader *r)
{
    enum fecit_status st;
    struct reading *in = NULL;

    TRY(reading_new(MODEL_KNOWN, MODEL_KNOWN * (READING_MOST + 2), m->weights.bos,
                    m->weights.eos, &in));
    TRY(known_push(m, v, options, in));
    TRY(reader_run(r, in));
    TRY(reader_wait(r, in));
    for (uint32_t i = 0; i < m->n_known; i++)
        for (int c = 0; c < FECIT_LABELS; c++) {
            const float want = m->known[i].logits[c];
            const float got = in->heads[(size_t)i * READING_HEADS + (size_t)c];
            if (!(fabsf(got - want) <= m->tolerance)) /* also when it is no number */
                FAIL(FECIT_E_DEVICE,
                     "device %s computes wrongly: reader, known answer %u, logit of %s "
                     "should be %.5f, it says %.5f; update its driver or take another "
                     "--device",
                     device_name(d), i + 1, fecit_label_name((enum fecit_label)c),
                     (double)want, (double)got);
        }
done:
    reading_free(in);
    return st;
}

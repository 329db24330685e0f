/* model_reader.c -- the reader's part of the model file (models/FORMAT.md). */
#include "model_reader.h"
#include "model_encoder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_TOLERANCE 0.05 /* of known logits, which lie between -10 and 10 */

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

/* `{"": [[recall, threshold, pass], ...], "ar": ...}`; not there: all passes. */
static enum fecit_status cascade_read(struct model_cascade *c, const struct tensors *f,
                                      const char *key, struct json_reader *json)
{
    enum fecit_status st = FECIT_OK;
    const char *text = tensors_note(f, key);
    struct json root, list;
    size_t n;

    if (!text) return FECIT_OK;
    TRY(model_json(f, json, key, text, &root));
    n = json_count(root);
    for (size_t i = 0; i < n || i == 0; i++) {
        struct model_step *s = &c->steps[i < MODEL_LANGUAGES ? i : 0];
        TRY(language_member(f, root, i, key, s->lang, &list));
        TRY(model_curve(f, list, key, &s->curve));
        c->n = (uint32_t)i + 1;
    }
done:
    return st;
}

/* Whether both have the same languages and recalls: the loss is shared between them. */
static bool belong_together(const struct model_cascade *a,
                            const struct model_cascade *b)
{
    if (a->n == 0 || a->n != b->n) return false;
    for (uint32_t i = 0; i < a->n; i++) {
        const struct model_curve *x = &a->steps[i].curve, *y = &b->steps[i].curve;
        if (strcmp(a->steps[i].lang, b->steps[i].lang) || x->n != y->n) return false;
        for (uint32_t k = 0; k < x->n; k++)
            if (x->points[k].recall != y->points[k].recall) return false;
    }
    return true;
}

/* The small encoder, if there is one. */
static enum fecit_status middle_read(struct model_reader *r, const struct tensors *f,
                                     const struct vocabulary *v,
                                     struct json_reader *json)
{
    enum fecit_status st;

    TRY(model_encoder_read(f, "middle", v, &r->middle, &r->room[1]));
    if (r->middle.n_layers == 0) goto done;
    TRY(cascade_read(&r->after_middle, f, "middle_cascade", json));
    if (!belong_together(&r->after_sieve, &r->after_middle))
        FAIL(FECIT_E_MODEL,
             "%s: cascade and middle_cascade do not have the same languages and "
             "recalls; models/middle.py write makes both",
             tensors_path(f));
    TRY(model_answers_read(&r->middle_known, f, json, "middle_known_answers", "logits",
                           MOST_TOLERANCE));
done:
    return st;
}

enum fecit_status model_reader_read(struct model_reader *r, const struct tensors *file,
                                    const struct vocabulary *v,
                                    struct json_reader *json)
{
    enum fecit_status st;

    TRY(model_encoder_read(file, "reader", v, &r->weights, &r->room[0]));
    if (r->weights.n_layers == 0) goto done;
    TRY(model_number(file, "reader_threshold", 0, 1, &r->threshold));
    TRY(calibration_read(r, file, json));
    TRY(cascade_read(&r->after_sieve, file, "cascade", json));
    TRY(model_answers_read(&r->known, file, json, "reader_known_answers", "logits",
                           MOST_TOLERANCE));
    TRY(middle_read(r, file, v, json));
    r->there = true;
done:
    return st;
}

void model_reader_clear(struct model_reader *r)
{
    model_answers_clear(&r->known);
    model_answers_clear(&r->middle_known);
    mem_free(r->room[0]);
    mem_free(r->room[1]);
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

const struct model_curve *model_cascade_curve(const struct model_cascade *c,
                                              const char *lang)
{
    for (uint32_t i = 1; i < c->n; i++)
        if (is_language(lang, c->steps[i].lang)) return &c->steps[i].curve;
    return c->n ? &c->steps[0].curve : NULL;
}

static bool push(void *in, const uint32_t *ids, uint32_t n)
{
    return reading_push(in, ids, n);
}

enum fecit_status model_encoder_check(const struct model_answers *known,
                                      const struct vocabulary *v,
                                      const struct tokens_options *options,
                                      const struct device *d, const char *stage,
                                      struct reader *r)
{
    enum fecit_status st;
    struct reading *in = NULL;

    TRY(reading_new(MODEL_KNOWN, MODEL_KNOWN * (READING_MOST + 2), v->bos, v->eos,
                    &in));
    TRY(model_answers_pieces(known, v, options, push, in));
    TRY(reader_run(r, in));
    TRY(reader_wait(r, in));
    TRY(model_answers_compare(known, in->heads, READING_HEADS, d, stage, "logit"));
done:
    reading_free(in);
    return st;
}

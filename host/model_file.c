#include "model_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum fecit_status model_note(const struct tensors *f, const char *key, const char **out)
{
    enum fecit_status st = FECIT_OK;

    *out = tensors_note(f, key);
    if (!*out)
        FAIL(FECIT_E_MODEL,
             "%s: the metadata lacks \"%s\"; fetch or train the model again",
             tensors_path(f), key);
done:
    return st;
}

enum fecit_status model_number(const struct tensors *f, const char *key, double low,
                               double high, float *out)
{
    enum fecit_status st = FECIT_OK;
    const char *text;
    char *end;
    double value;

    TRY(model_note(f, key, &text));
    value = strtod(text, &end);
    if (end == text || *end || !(value >= low && value <= high))
        FAIL(FECIT_E_MODEL,
             "%s: \"%s\" is %s; expected a number from %g to %g; train the model again",
             tensors_path(f), key, text, low, high);
    *out = (float)value;
done:
    return st;
}

enum fecit_status model_floats(const struct tensors *f, const char *name, uint32_t rank,
                               const uint64_t *shape, struct tensor *t)
{
    enum fecit_status st;
    const float *x;

    TRY(tensors_find(f, name, TENSOR_F32, rank, shape, t));
    x = t->data;
    for (size_t i = 0; i < t->size / sizeof *x; i++)
        if (!isfinite(x[i]))
            FAIL(FECIT_E_MODEL,
                 "%s: %s[%zu] is no finite number; train the model again",
                 tensors_path(f), name, i);
done:
    return st;
}

enum fecit_status model_json(const struct tensors *f, struct json_reader *reader,
                             const char *key, const char *text, struct json *root)
{
    const enum fecit_status st = json_parse(reader, text, strlen(text), root, NULL);

    return st == FECIT_E_INPUT ? status_prefix(FECIT_E_MODEL, "%s: the metadata \"%s\"",
                                               tensors_path(f), key)
                               : st;
}

enum fecit_status model_curve(const struct tensors *f, struct json list,
                              const char *key, struct model_curve *out)
{
    enum fecit_status st = FECIT_OK;
    struct json point, number;

    while (out->n < MODEL_CURVE && json_item(list, out->n, &point)) {
        double v[3];
        for (size_t i = 0; i < 3; i++)
            if (!json_item(point, i, &number) || !json_number(number, &v[i]))
                FAIL(FECIT_E_MODEL, "%s: %s: point %u is not three numbers",
                     tensors_path(f), key, out->n);
        if (!(v[0] > 0 && (float)v[0] <= (out->n ? out->points[out->n - 1].recall : 1)))
            FAIL(FECIT_E_MODEL,
                 "%s: %s: the recall of point %u is %g; expected 1 or less, falling",
                 tensors_path(f), key, out->n, v[0]);
        if (!(v[1] >= 0 && v[1] <= 1 && v[2] >= 0 && v[2] <= 1))
            FAIL(FECIT_E_MODEL,
                 "%s: %s: point %u is p >= %g for a share of %g; expected both from 0 "
                 "to 1",
                 tensors_path(f), key, out->n, v[1], v[2]);
        out->points[out->n++] =
            (struct model_point){(float)v[0], (float)v[1], (float)v[2]};
    }
    if (out->n == 0)
        FAIL(FECIT_E_MODEL, "%s: %s: the curve has no point; train the model again",
             tensors_path(f), key);
done:
    return st;
}

enum fecit_status model_curve_point(const struct model_curve *c, double recall,
                                    float *out)
{
    enum fecit_status st = FECIT_OK;
    uint32_t i = c->n;

    /* The curve is float: .9 there is a little less than .9 here. */
    while (i > 0 && (double)c->points[i - 1].recall < recall - 1e-6)
        i--;
    if (i == 0)
        FAIL(FECIT_E_USAGE,
             "recall %g is more than this model's curve reaches (%g); ask for less",
             recall, c->n ? (double)c->points[0].recall : 0.0);
    *out = c->points[i - 1].threshold;
done:
    return st;
}

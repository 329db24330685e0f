/* model_file.h -- looking things up in a model file, with errors that say what is wrong with
 * it, and the kind of curve that lies in it. */
#ifndef MODEL_FILE_H
#define MODEL_FILE_H

#include "base/json.h"
#include "tensors.h"

#define MODEL_CURVE 32 /* points at most */

/* One point of recall against cost, measured on held-out sentences. */
struct model_point {
    float recall; /* share of the statements with p >= threshold */
    float threshold;
    float pass; /* share of all sentences with p >= threshold */
};

struct model_curve {
    struct model_point points[MODEL_CURVE]; /* [n] by falling recall */
    uint32_t n;
};

/* A metadata value that must be there. */
enum fecit_status model_note(const struct tensors *f, const char *key,
                             const char **out);
/* The same as a number from low to high. */
enum fecit_status model_number(const struct tensors *f, const char *key, double low,
                               double high, float *out);
/* `text`, the metadata value of `key`, as JSON. */
enum fecit_status model_json(const struct tensors *f, struct json_reader *reader,
                             const char *key, const char *text, struct json *root);
/* A float tensor of this shape (0 fits any), every element a finite number. */
enum fecit_status model_floats(const struct tensors *f, const char *name, uint32_t rank,
                               const uint64_t *shape, struct tensor *t);
/* `[[recall, threshold, pass], ...]` by falling recall. */
enum fecit_status model_curve(const struct tensors *f, struct json list,
                              const char *key, struct model_curve *out);
/* The threshold of the curve's cheapest point that reaches `recall`; FECIT_E_USAGE when none
 * does. */
enum fecit_status model_curve_point(const struct model_curve *c, double recall,
                                    float *out);

#endif

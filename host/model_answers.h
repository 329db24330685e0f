/* model_answers.h -- sentences whose scores are known: a device that says otherwise computes
 * wrongly and is not used. */
#ifndef MODEL_ANSWERS_H
#define MODEL_ANSWERS_H

#include "device.h"
#include "model_file.h"
#include "tokens.h"

#define MODEL_KNOWN 64 /* at most */

struct model_answer {
    char *text; /* owned */
    float values[FECIT_LABELS];
};

struct model_answers {
    struct model_answer items[MODEL_KNOWN]; /* [n] */
    uint32_t n;
    float tolerance; /* of each value */
};

/* The metadata value of `key`: `{"tolerance": t, "answers": [{"text": ..., VALUES: [4]}]}`, t
 * above 0 and at most `most`. After a failure, too, model_answers_clear(). */
enum fecit_status model_answers_read(struct model_answers *a, const struct tensors *f,
                                     struct json_reader *json, const char *key,
                                     const char *values, double most);
void model_answers_clear(struct model_answers *a); /* an empty one is fine */

/* Append a copy of the text; FECIT_E_MEMORY. At most MODEL_KNOWN. */
enum fecit_status model_answers_push(struct model_answers *a, const char *text,
                                     size_t size);

typedef bool model_answers_take(void *to, const uint32_t *ids, uint32_t n);

/* Hand the pieces of each text to `take`, in order. */
enum fecit_status model_answers_pieces(const struct model_answers *a,
                                       const struct vocabulary *v,
                                       const struct tokens_options *options,
                                       model_answers_take *take, void *to);

/* FECIT_E_DEVICE with expected and found when one of got [n][stride] (its first
 * FECIT_LABELS) is further off than the tolerance, or no number. `stage` and `what` name the
 * values: "reader", "logit". */
enum fecit_status model_answers_compare(const struct model_answers *a, const float *got,
                                        size_t stride, const struct device *d,
                                        const char *stage, const char *what);

#endif

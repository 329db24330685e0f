/* model.h -- models/attribution.safetensors and the vocabulary it belongs to, checked before
 * any use (models/FORMAT.md). */
#ifndef MODEL_H
#define MODEL_H

#include "model_reader.h"
#include "sieve.h"

/* Read only after loading: any number of threads may share one. */
struct model {
    struct vocabulary *vocabulary; /* owned */
    struct tensors *file;          /* owned; the weights lie in it */
    struct sieve_weights weights;
    struct tokens_options tokens;
    float threshold;          /* of best F1 on held-out sentences, by the sieve alone */
    struct model_curve curve; /* of the sieve alone */
    struct model_reader reader;
    struct model_answers known; /* p of the sieve */
    char digest[65];            /* sha256 of the attribution file's tensors, hex */
};

/* `folder` holds attribution.safetensors and vocabulary.safetensors. FECIT_E_MODEL when one
 * is missing, damaged (its digest differs), of another format, has a wrong shape or a weight
 * that is no number, or when they do not belong together.
 * Caller owns *out; model_free(). */
enum fecit_status model_load(const char *folder, struct model **out);
void model_free(struct model *m); /* NULL is fine */

/* The threshold for a wished recall: that of the curve's cheapest point that reaches it,
 * FECIT_E_USAGE when none does. recall 0: the model's own. */
enum fecit_status model_threshold(const struct model *m, double recall, float *out);

/* The pieces of the known sentences into the empty batch, in order. */
enum fecit_status model_known_push(const struct vocabulary *v,
                                   const struct tokens_options *options,
                                   const struct model_answers *known, struct batch *b);

/* Run the known answers on the device: FECIT_E_DEVICE with expected and found when one
 * differs by more than the tolerance. */
enum fecit_status model_check(const struct model *m, const struct device *d,
                              struct sieve *s);

#endif

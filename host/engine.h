/* engine.h -- a model on a device, checked on its known answers: what every command that
 * scores needs, opened and closed as one thing. */
#ifndef ENGINE_H
#define ENGINE_H

#include "device.h"
#include "model.h"
#include "sieve.h"

struct engine {
    struct model *model;
    struct device *device;
    struct sieve *sieve;
    struct reader *middle, *reader; /* NULL: the model has none */
};

/* The folder that holds the model: `folder`, else $FECIT_MODEL, else ./models when there,
 * else the installed one. Static or borrowed from the argument or environment. */
const char *engine_folder(const char *folder);

/* FECIT_E_MODEL, FECIT_E_DEVICE. `device`: see device_open(). Fills *e, which must be
 * empty; on failure it is empty again. */
enum fecit_status engine_open(struct engine *e, const char *folder, const char *device);
void engine_close(struct engine *e); /* an empty one is fine */

/* A state, an act and a word that ties them are at least so many pieces; on a word or two
 * alone the bag says anything (seen on section names of news portals: p .9). */
#define ENGINE_LEAST 4

/* The decision for one sentence of n_pieces with class probabilities p_class
 * [FECIT_LABELS]: a statement when p = 1 - p(none) reaches the threshold, then the most
 * likely of the three kinds. A sentence of fewer than ENGINE_LEAST pieces is none, p 0. Fills label, p and out
 * [FECIT_LABELS]. */
void engine_label(uint32_t n_pieces, const float *p_class, float threshold,
                  enum fecit_label *label, float *p, float *out);

#endif

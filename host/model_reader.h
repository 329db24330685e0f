/* model_reader.h -- the reader's part of the model file: weights, calibration, the sieve's
 * curve before it, known answers. */
#ifndef MODEL_READER_H
#define MODEL_READER_H

#include "model_answers.h"
#include "reader.h"

#define MODEL_LANGUAGES 64 /* with a calibration or curve of their own, at most */
#define MODEL_LANGUAGE  16 /* bytes of a code, NUL included */

/* The reader's class logits / temperature, then + prior on that of none: what p is made of
 * (Guo et al. 2017, arXiv:1706.04599). */
struct model_calibration {
    char lang[MODEL_LANGUAGE]; /* "" = all others */
    float temperature, prior;
};

/* How much of what the reader alone would find is let through so far, at which cost. */
struct model_step {
    char lang[MODEL_LANGUAGE]; /* "" = all others */
    struct model_curve curve;
};

struct model_cascade {
    struct model_step steps[MODEL_LANGUAGES]; /* [n], the first is ""; n may be 0 */
    uint32_t n;
};

struct model_reader {
    bool there; /* a model may have a sieve only */
    struct reader_weights weights;
    float threshold;                                       /* of best F1, on p */
    struct model_calibration calibration[MODEL_LANGUAGES]; /* [n], the first is "" */
    uint32_t n_calibration;
    struct model_answers known; /* logits of class */
    /* A small encoder between the two, whose first head is the logit of what the reader will
     * say; n_layers 0: there is none. */
    struct reader_weights middle;
    struct model_answers middle_known;
    /* p from which on a sentence is let through by the sieve, and by the small encoder: for
     * a recall of both together. */
    struct model_cascade after_sieve, after_middle;
    float *room[2]; /* owned: weights that lie in the file as halfs */
};

/* The reader, if the file has one; else *r stays empty. The tensors and the vocabulary must
 * outlive it. After a failure, too, model_reader_clear(). */
enum fecit_status model_reader_read(struct model_reader *r, const struct tensors *file,
                                    const struct vocabulary *v,
                                    struct json_reader *json);
void model_reader_clear(struct model_reader *r); /* an empty one is fine */

/* What belongs to a language (its tag may go on: zh-TW is zh): its own, else that of "". NULL
 * only when there is none. */
const struct model_calibration *model_reader_calibration(const struct model_reader *r,
                                                         const char *lang);
const struct model_curve *model_cascade_curve(const struct model_cascade *c,
                                              const char *lang);

/* Run the known answers on the device: FECIT_E_DEVICE with expected and found when one
 * differs by more than the tolerance. `stage` names the encoder r. */
enum fecit_status model_encoder_check(const struct model_answers *known,
                                      const struct vocabulary *v,
                                      const struct tokens_options *options,
                                      const struct device *d, const char *stage,
                                      struct reader *r);

#endif

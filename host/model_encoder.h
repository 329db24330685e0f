/* model_encoder.h -- an encoder's tensors in the model file: the reader's, and those of the
 * small encoder between sieve and reader. */
#ifndef MODEL_ENCODER_H
#define MODEL_ENCODER_H

#include "model_file.h"
#include "reader.h"
#include "vocabulary.h"

/* The encoder whose tensors begin with `prefix` ("reader", "middle"); n_layers stays 0 when
 * the file has none. One with `prefix`.projection is narrower than the vocabulary's rows; all
 * share reader.positions. Views of the file and the vocabulary, which must outlive *w, and of
 * *room, the floats that halfs in the file became: the caller frees it, after a failure, too. */
enum fecit_status model_encoder_read(const struct tensors *f, const char *prefix,
                                     const struct vocabulary *v,
                                     struct reader_weights *w, float **room);

#endif

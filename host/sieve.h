/* sieve.h -- the first stage: an embedding bag and a small head, over every sentence.
 *   pooled = [mean | max | K attention pools] of the rows of its pieces        [W]
 *   hidden = gelu(pooled A' + a), or pooled itself when H = 0                  [H]
 *   p      = softmax((hidden B' + b) / temperature)                            [C] */
#ifndef SIEVE_H
#define SIEVE_H

#include "batch.h"
#include "ops.h"

/* Borrowed views of the model file. */
struct sieve_weights {
    uint32_t n_rows, dim;       /* V, D */
    uint32_t n_queries, hidden; /* K, H */
    bool mean, max;             /* those pools are there */
    const int8_t *rows;         /* [V][D], times column_scale */
    const float *column_scale;  /* [D], all positive */
    const float *queries;       /* [K][D] */
    const float *hidden_weight; /* [H][W] */
    const float *hidden_bias;   /* [H] */
    const float *out_weight;    /* [C][H or W] */
    const float *out_bias;      /* [C] */
    float temperature;          /* > 0 */
};

/* W */
uint32_t sieve_width(const struct sieve_weights *w);

struct sieve;

/* Copies the weights to the device. Borrows the device until sieve_close(). */
enum fecit_status sieve_open(struct device *d, const struct sieve_weights *w,
                             struct sieve **out);
void sieve_close(struct sieve *s); /* NULL is fine */

/* Queue the batch and return at once. Borrows its arrays until sieve_wait(). Several batches
 * may be under way; they are done in order. */
enum fecit_status sieve_run(struct sieve *s, struct batch *b);

/* Wait for that batch (not for later ones): b->p then holds its probabilities. */
enum fecit_status sieve_wait(struct sieve *s, struct batch *b);

/* The same sums on the host, in double: fills b->p. For tests, training and doctor. */
enum fecit_status sieve_run_cpu(const struct sieve_weights *w, struct batch *b);

#endif

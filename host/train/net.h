/* net.h -- the sieve as it is trained: float rows on the device, forward and in reverse as a
 * sequence of ops, every parameter with its moments. */
#ifndef NET_H
#define NET_H

#include "../batch.h"
#include "../sieve.h"
#include "../vocabulary.h"
#include "ops_back.h"

struct net_shape {
    bool mean, max;
    uint32_t dim, n_queries, hidden;
};

struct net;

/* Rows start as the embeddings' projection on their first `dim` principal axes
 * (bag.projection), scaled so that the rows' standard deviation is 0.5; the head by `seed`.
 * Borrows the device until net_close(). Caller owns *out. */
enum fecit_status net_open(struct device *d, const struct vocabulary *v,
                           const struct net_shape *shape, uint64_t seed,
                           struct net **out);
void net_close(struct net *n); /* NULL is fine */

/* Back to the initial rows and moments, and a new head by `seed`. */
enum fecit_status net_reset(struct net *n, uint64_t seed);

struct net_step {
    uint64_t number; /* 1, 2, ...: for the moments' bias corrections */
    float rate_rows, rate_head;
    float pull_rows;  /* decay of the rows toward where they began, times rate_rows */
    float decay_head; /* decay of the head's weights toward zero, times rate_head */
    float smoothing;  /* of the labels */
    float weights[SHARED_CLASSES];
};

/* One step on the batch with labels [n_spans]; *loss is its weighted mean. */
enum fecit_status net_learn(struct net *n, const struct batch *b,
                            const uint32_t *labels, const struct net_step *step,
                            double *loss);

/* Probabilities (temperature 1) of the batch into b->p. */
enum fecit_status net_run(struct net *n, struct batch *b);

/* The parameters back on the host: one block of net_size() floats, in the order rows,
 * queries, hidden weight, hidden bias, out weight, out bias. */
size_t net_size(const struct net *n);
enum fecit_status net_read(struct net *n, float *parameters);

/* Quantise the rows of such a block to int8 with a scale for each column (the column's
 * greatest magnitude / 127): rows [V][D] and scale [D] in caller's memory. *w then borrows
 * from `parameters`, rows and scale. */
void net_weights(const struct net *n, const float *parameters, int8_t *rows,
                 float *scale, struct sieve_weights *w);

#endif

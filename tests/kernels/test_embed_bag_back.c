/* test_embed_bag_back.c -- kernels/embed_bag_back.cl against its twins, and the twins against
 * central differences of the forward twins. */
#include "bag.h"

/* Everything that goes backward through one batch. */
struct back {
    struct bag *bag;
    float *pooled, *alpha, *d_out, *d_score, *d_queries, *d_rows;
    uint32_t *argmax, *positions, n_rows;
    struct shared_row *rows;
};

static struct back back_new(const struct bag_shape *s)
{
    struct bag *b = bag_new(s);
    struct random r = {s->B};
    const size_t t = (size_t)b->n_ids + 1;
    struct back x = {
        .bag = b,
        .pooled = calloc((size_t)s->B * b->width, 4),
        .alpha = calloc(t * s->K, 4),
        .d_out = check_draw(&r, (size_t)s->B * b->width, 1),
        .d_score = calloc(t * s->K, 4),
        .d_queries = calloc((size_t)s->K * s->D, 4),
        .d_rows = calloc(t * s->D, 4),
        .argmax = calloc((size_t)s->B * s->D, 4),
        .positions = calloc(t, 4),
        .rows = calloc(t, sizeof *x.rows),
    };

    x.n_rows = bag_index(b, x.rows, x.positions);
    embed_bag_mean_cpu(b->ids, b->spans, b->table, s->B, s->D, b->width, 0, x.pooled);
    embed_bag_max_cpu(b->ids, b->spans, b->table, s->B, s->D, b->width, s->D, x.pooled,
                      x.argmax);
    embed_bag_attention_cpu(b->ids, b->spans, b->table, b->queries, s->K, s->B, s->D,
                            b->width, 2 * s->D, x.pooled, x.alpha);
    embed_bag_scores_back_cpu(b->ids, b->spans, b->table, x.alpha, x.pooled, x.d_out,
                              s->K, s->B, s->D, b->width, 2 * s->D, x.d_score);
    embed_bag_query_back_cpu(b->ids, b->table, x.d_score, b->n_ids, s->K, s->D,
                             x.d_queries);
    {
        const struct rows_back_cpu from = {
            x.rows,    x.positions, b->owner, b->spans, b->queries, x.alpha,
            x.d_score, x.argmax,    x.d_out,  x.n_rows, s->K,       s->D,
            b->width,  0,           s->D,     2 * s->D};
        embed_bag_rows_back_cpu(&from, x.d_rows);
    }
    return x;
}

static void back_free(struct back *x)
{
    free(x->pooled);
    free(x->alpha);
    free(x->d_out);
    free(x->d_score);
    free(x->d_queries);
    free(x->d_rows);
    free(x->argmax);
    free(x->positions);
    free(x->rows);
    bag_free(x->bag);
}

static float largest(const float *x, size_t n)
{
    float most = 1;

    for (size_t i = 0; i < n; i++)
        most = fmaxf(most, fabsf(x[i]));
    return most;
}

static void device_is_the_twin(const struct bag_shape *s)
{
    if (s->bytes) return; /* training has float rows */
    struct back x = back_new(s);
    struct bag *b = x.bag;
    const size_t n_score = (size_t)b->n_ids * s->K, n_rows = (size_t)x.n_rows * s->D;
    const size_t n_out = (size_t)s->B * b->width, n_q = (size_t)s->K * s->D;
    struct device_buffer *alpha = check_upload(x.alpha, n_score * 4);
    struct device_buffer *pooled = check_upload(x.pooled, n_out * 4);
    struct device_buffer *d_out = check_upload(x.d_out, n_out * 4);
    struct device_buffer *argmax = check_upload(x.argmax, (size_t)s->B * s->D * 4);
    struct device_buffer *rows = check_upload(x.rows, x.n_rows * sizeof *x.rows);
    struct device_buffer *positions = check_upload(x.positions, b->n_ids * 4);
    struct device_buffer *owner = check_upload(b->owner, b->n_ids * 4);
    struct device_buffer *d_score = check_upload(NULL, n_score * 4);
    struct device_buffer *d_queries = check_upload(NULL, n_q * 4);
    struct device_buffer *d_rows = check_upload(NULL, n_rows * 4);
    const struct ops_rows_back from = {rows,     positions, owner, b->d_queries, alpha,
                                       d_score,  argmax,    d_out, x.n_rows,     s->K,
                                       b->width, 0,         s->D,  2 * s->D};
    float *got;

    CHECK(ops_embed_bag_scores_back(b->ops, &b->in, b->d_table, alpha, pooled, d_out,
                                    s->K, b->width, 2 * s->D, d_score));
    CHECK(
        ops_embed_bag_query_back(b->ops, &b->in, b->d_table, d_score, s->K, d_queries));
    CHECK(ops_embed_bag_rows_back(b->ops, &b->in, &from, d_rows));
    got = malloc(n_score * 4 + 4);
    CHECK(device_read(check_device, d_score, n_score * 4, got));
    device_buffer_free(d_score);
    check_near("d_score", got, x.d_score, n_score,
               2e-5); /* sums of 384 products of <= 1 */
    free(got);
    got = check_fetch(d_queries, n_q * 4);
    /* Sums over all ids: relative to the largest. */
    check_near("d_queries", got, x.d_queries, n_q, 2e-5 * largest(x.d_queries, n_q));
    free(got);
    got = check_fetch(d_rows, n_rows * 4);
    check_near("d_rows", got, x.d_rows, n_rows, 2e-5 * largest(x.d_rows, n_rows));
    free(got);
    device_buffer_free(alpha);
    device_buffer_free(pooled);
    device_buffer_free(d_out);
    device_buffer_free(argmax);
    device_buffer_free(rows);
    device_buffer_free(positions);
    device_buffer_free(owner);
    back_free(&x);
}

static void twins(void **state)
{
    (void)state;
    CHECK_TABLE(bag_shapes, device_is_the_twin);
}

/* loss = pools . d_out, in double. */
static double loss_of(const struct back *x, float *pooled)
{
    const struct bag *b = x->bag;
    const struct bag_shape *s = b->shape;
    double sum = 0;

    embed_bag_mean_cpu(b->ids, b->spans, b->table, s->B, s->D, b->width, 0, pooled);
    embed_bag_max_cpu(b->ids, b->spans, b->table, s->B, s->D, b->width, s->D, pooled,
                      NULL);
    embed_bag_attention_cpu(b->ids, b->spans, b->table, b->queries, s->K, s->B, s->D,
                            b->width, 2 * s->D, pooled, NULL);
    for (size_t i = 0; i < (size_t)s->B * b->width; i++)
        sum += (double)pooled[i] * x->d_out[i];
    return sum;
}

static void differ(const struct back *x, float *at, float claimed)
{
    const float kept = *at, h = 1e-3f;
    float *pooled = calloc((size_t)x->bag->shape->B * x->bag->width, 4);
    double up, down;

    *at = kept + h;
    up = loss_of(x, pooled);
    *at = kept - h;
    down = loss_of(x, pooled);
    *at = kept;
    free(pooled);
    /* Pools are floats near 1, so a difference over 2e-3 is good to 1e-3 or so. */
    if (!(fabs((up - down) / (2 * (double)h) - claimed) <
          5e-3 * (1 + fabs((double)claimed))))
        fail_msg("%s: the loss changes by %g, the gradient says %g", check_case,
                 (up - down) / (2 * (double)h), (double)claimed);
}

static void differences(void **state)
{
    static const struct bag_shape shape = {"differences", 6, 16, 3, 0, 9, false};
    struct back x = back_new(&shape);

    (void)state;
    check_case = shape.name;
    for (uint32_t i = 0; i < shape.K * shape.D; i++)
        differ(&x, &x.bag->queries[i], x.d_queries[i]);
    for (uint32_t u = 0; u < x.n_rows; u++)
        for (uint32_t d = 0; d < shape.D; d++)
            differ(&x, &x.bag->table[(size_t)x.rows[u].row * shape.D + d],
                   x.d_rows[u * shape.D + d]);
    back_free(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twins),
        cmocka_unit_test(differences),
    };

    return cmocka_run_group_tests(tests, check_open, check_close);
}

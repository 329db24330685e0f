/* test_embed_bag.c -- the three pools of kernels/embed_bag.cl against their twins. */
#include "bag.h"

static void mean_is_the_twins(const struct bag_shape *s)
{
    struct bag *b = bag_new(s);
    const size_t n = (size_t)s->B * b->width, size = n * sizeof(float);
    float *expected = calloc(n, sizeof *expected), *got;
    struct device_buffer *out = check_upload(expected, size);

    embed_bag_mean_cpu(b->ids, b->spans, b->table, s->B, s->D, b->width, s->D,
                       expected);
    CHECK(ops_embed_bag_mean(b->ops, &b->in, b->d_table, b->width, s->D, out));
    got = check_fetch(out, size);
    /* 512 float adds of |x| <= 1, divided by 512: measured 2e-7. Other columns stay 0. */
    check_near("mean", got, expected, n, 2e-6 * (double)b->largest);
    free(got);
    free(expected);
    bag_free(b);
}

static void max_is_the_twins(const struct bag_shape *s)
{
    struct bag *b = bag_new(s);
    const size_t n = (size_t)s->B * b->width, size = n * sizeof(float);
    const size_t places = (size_t)s->B * s->D * sizeof(uint32_t);
    float *expected = calloc(n, sizeof *expected), *got;
    uint32_t *where = calloc(1, places), *argmax;
    struct device_buffer *out = check_upload(expected, size);
    struct device_buffer *kept = check_upload(where, places);

    embed_bag_max_cpu(b->ids, b->spans, b->table, s->B, s->D, b->width, 0, expected,
                      where);
    CHECK(ops_embed_bag_max(b->ops, &b->in, b->d_table, b->width, 0, out, kept));
    got = check_fetch(out, size);
    check_near("max", got, expected, n, 0); /* a choice, not a sum: exact */
    argmax = check_fetch(kept, places);
    assert_memory_equal(argmax, where, places);
    free(got);
    /* Without keeping: another road through the kernel, the same bytes. */
    out = check_upload(NULL, size);
    CHECK(device_write(check_device, out, size, expected));
    CHECK(ops_embed_bag_max(b->ops, &b->in, b->d_table, b->width, 0, out, NULL));
    got = check_fetch(out, size);
    assert_memory_equal(got, expected, size);
    free(got);
    free(argmax);
    free(where);
    free(expected);
    bag_free(b);
}

static void attention_is_the_twins(const struct bag_shape *s)
{
    struct bag *b = bag_new(s);
    const size_t n = (size_t)s->B * b->width, size = n * sizeof(float);
    const size_t n_weights = (size_t)b->n_ids * s->K, kept = n_weights * sizeof(float);
    float *expected = calloc(n, sizeof *expected), *got;
    float *weights = calloc(n_weights + 1, sizeof *weights), *alpha;
    struct device_buffer *out = check_upload(expected, size);
    struct device_buffer *plain = check_upload(expected, size);
    struct device_buffer *d_alpha = check_upload(NULL, kept);
    /* A score is the sum of D products, off by some 1e-6 of it, and scores reach 20: a
     * weight is off by 2e-5 of itself at most, and so is the sum. */
    const double tolerance = 2e-5;

    embed_bag_attention_cpu(b->ids, b->spans, b->table, b->queries, s->K, s->B, s->D,
                            b->width, 2 * s->D, expected, weights);
    CHECK(ops_embed_bag_attention(b->ops, &b->in, b->d_table, b->d_queries, s->K,
                                  b->width, 2 * s->D, plain, d_alpha));
    alpha = check_fetch(d_alpha, kept);
    check_near("alpha", alpha, weights, n_weights, tolerance);
    got = check_fetch(plain, size);
    check_near("attention", got, expected, n, tolerance * (double)b->largest);
    free(got);
    CHECK(ops_embed_bag_attention(b->ops, &b->in, b->d_table, b->d_queries, s->K,
                                  b->width, 2 * s->D, out, NULL));
    got = check_fetch(out, size);
    check_near("attention, nothing kept", got, expected, n,
               tolerance * (double)b->largest);
    free(got);
    free(alpha);
    free(weights);
    free(expected);
    bag_free(b);
}

/* The road of a finished model: scores of all rows first, then weighted sums. */
static void weighted_is_the_twins(const struct bag_shape *s)
{
    struct bag *b = bag_new(s);
    const size_t n = (size_t)s->B * b->width, size = n * sizeof(float);
    const size_t n_w = (size_t)BAG_ROWS * s->K;
    float *expected = calloc(n, sizeof *expected), *scores = calloc(n_w, 4), *got;
    struct device_buffer *out = check_upload(expected, size),
                         *d_w = check_upload(scores, n_w * 4);

    if (s->bytes) { /* ops_open() was given the queries' number only then */
        embed_bag_scores_cpu(b->table, b->queries, BAG_ROWS, s->K, s->D, scores);
        CHECK(ops_embed_bag_scores(b->ops, b->d_table, b->d_queries, BAG_ROWS, s->K,
                                   d_w));
        got = check_fetch(d_w, n_w * 4);
        check_near("scores", got, scores, n_w,
                   4e-5); /* sums of up to 384 products, 20 */
        for (size_t i = 0; i < n_w; i++)
            got[i] = expf(got[i] - 20);
        d_w = check_upload(got, n_w * 4);
        free(got);
        embed_bag_attention_cpu(b->ids, b->spans, b->table, b->queries, s->K, s->B,
                                s->D, b->width, 2 * s->D, expected, NULL);
        CHECK(ops_embed_bag_weighted(b->ops, &b->in, b->d_table, d_w, b->width,
                                     2 * s->D, out));
    }
    got = check_fetch(out, size);
    check_near("weighted", got, expected, n, 4e-5 * (double)b->largest);
    device_buffer_free(d_w);
    free(got);
    free(scores);
    free(expected);
    bag_free(b);
}

static void weighted(void **state)
{
    (void)state;
    CHECK_TABLE(bag_shapes, weighted_is_the_twins);
}

static void mean(void **state)
{
    (void)state;
    CHECK_TABLE(bag_shapes, mean_is_the_twins);
}

static void max(void **state)
{
    (void)state;
    CHECK_TABLE(bag_shapes, max_is_the_twins);
}

static void attention(void **state)
{
    (void)state;
    CHECK_TABLE(bag_shapes, attention_is_the_twins);
}

/* exp() must not overflow, whichever piece comes first. */
static void scores_of_hundreds(void **state)
{
    static const struct bag_shape shape = {
        "scores of hundreds", 40, 64, 4, 1, 30, true};
    struct bag *b = bag_new(&shape);
    const size_t n = (size_t)shape.B * b->width, size = n * sizeof(float);
    float *expected = calloc(n, sizeof *expected), *got;
    struct device_buffer *out = check_upload(expected, size);

    (void)state;
    check_case = shape.name;
    for (uint32_t i = 0; i < shape.K * shape.D; i++)
        b->queries[i] *= 40;
    CHECK(device_write(check_device, b->d_queries, shape.K * shape.D * sizeof(float),
                       b->queries));
    embed_bag_attention_cpu(b->ids, b->spans, b->table, b->queries, shape.K, shape.B,
                            shape.D, b->width, 0, expected, NULL);
    CHECK(ops_embed_bag_attention(b->ops, &b->in, b->d_table, b->d_queries, shape.K,
                                  b->width, 0, out, NULL));
    got = check_fetch(out, size);
    /* Scores of 500 carry errors of 1e-4. */
    check_near("attention", got, expected, n, 1e-3 * (double)b->largest);
    free(got);
    free(expected);
    bag_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean),
        cmocka_unit_test(max),
        cmocka_unit_test(attention),
        cmocka_unit_test(weighted),
        cmocka_unit_test(scores_of_hundreds),
    };
    return cmocka_run_group_tests(tests, check_open, check_close);
}

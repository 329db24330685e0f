/* test_sieve.c -- the whole sieve: device against host, and the same bits for a sentence
 * whatever shares its batch. */
#include "check.h"
#include "sieve.h"

enum { ROWS = 500, DIM = 64 };

static struct sieve_weights weights_new(uint32_t queries, uint32_t hidden, bool mean,
                                        bool max, float query_scale)
{
    static int8_t rows[ROWS * DIM];
    static float scale[DIM];
    struct random r = {queries * 10 + hidden};
    struct sieve_weights w = {ROWS,  DIM,  queries, hidden, mean, max,  rows,
                              scale, NULL, NULL,    NULL,   NULL, NULL, 0.8f};

    for (size_t i = 0; i < sizeof rows; i++)
        rows[i] = (int8_t)(random_below(&r, 255) - 127);
    for (int d = 0; d < DIM; d++)
        scale[d] = 0.005f + 0.001f * (float)(d % 7);
    w.queries = check_draw(&r, (size_t)queries * DIM, query_scale);
    w.hidden_weight = check_draw(&r, (size_t)hidden * sieve_width(&w), 0.3f);
    w.hidden_bias = check_draw(&r, hidden, 0.3f);
    w.out_weight =
        check_draw(&r, 4 * (size_t)(hidden ? hidden : sieve_width(&w)), 0.5f);
    w.out_bias = check_draw(&r, 4, 0.5f);
    return w;
}

static void weights_free(struct sieve_weights *w)
{
    free((void *)w->queries);
    free((void *)w->hidden_weight);
    free((void *)w->hidden_bias);
    free((void *)w->out_weight);
    free((void *)w->out_bias);
}

static void fill(struct batch *b, uint32_t n, uint64_t seed)
{
    struct random r = {seed};
    uint32_t ids[512];

    for (uint32_t s = 0; s < n; s++) {
        const uint32_t count = s == 0 ? 512 : random_below(&r, 40);
        for (uint32_t i = 0; i < count; i++)
            ids[i] = random_below(&r, ROWS);
        assert_true(batch_push(b, ids, count));
    }
}

static const struct shape {
    const char *name;
    uint32_t queries, hidden;
    bool mean, max;
    float query_scale;
} shapes[] = {
    {"the model's", 4, 32, false, false, 0.5f},
    {"one query, no hidden", 1, 0, false, false, 0.5f},
    {"mean only", 0, 0, true, false, 0},
    {"max only", 0, 16, false, true, 0},
    {"all pools", 3, 33, true, true, 0.5f},
    {"more queries than registers", 11, 8, true, false, 0.5f},
    {"scores too far apart to be tabled", 2, 8, false, false, 60},
};

static void is_the_twins(const struct shape *s)
{
    struct sieve_weights w =
        weights_new(s->queries, s->hidden, s->mean, s->max, s->query_scale);
    struct sieve *sieve = NULL;
    struct batch *a = NULL, *b = NULL;

    CHECK(sieve_open(check_device, &w, &sieve));
    CHECK(batch_new(700, &a));
    CHECK(batch_new(700, &b));
    fill(a, 700, 3);
    fill(b, 700, 3);
    CHECK(sieve_run(sieve, a));
    CHECK(sieve_wait(sieve, a));
    CHECK(sieve_run_cpu(&w, b));
    /* Logits of a few units from float sums: 1e-6 of each; scores of hundreds lose more. */
    check_near("p", a->p, b->p, 700 * 4, s->query_scale > 1 ? 2e-3 : 2e-5);
    batch_free(a);
    batch_free(b);
    sieve_close(sieve);
    weights_free(&w);
}

static void test_twins(void **state)
{
    (void)state;
    CHECK_TABLE(shapes, is_the_twins);
}

static void test_same_bits(void **state)
{
    static const uint32_t sizes[] = {1, 7, 64, 333, 5000};
    struct sieve_weights w = weights_new(4, 32, true, true, 0.5f);
    struct sieve *sieve = NULL;
    float first[4];

    (void)state;
    CHECK(sieve_open(check_device, &w, &sieve));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const uint32_t n = sizes[i];
        struct batch *b = NULL;
        uint32_t ids[] = {5, 499, 0, 77, 77, 13};
        CHECK(batch_new(n + 1, &b));
        fill(b, n / 2, n);
        const uint32_t at = b->n_spans;
        assert_true(batch_push(b, ids, 6));
        fill(b, n - n / 2 > 1 ? n / 3 : 0, n + 1);
        CHECK(sieve_run(sieve, b));
        CHECK(sieve_wait(sieve, b));
        if (i == 0) memcpy(first, b->p + at * 4, sizeof first);
        assert_memory_equal(first, b->p + at * 4, sizeof first);
        batch_free(b);
    }
    sieve_close(sieve);
    weights_free(&w);
}

/* Two batches under way: each gets its own answers. */
static void test_two_under_way(void **state)
{
    struct sieve_weights w = weights_new(4, 32, false, false, 0.5f);
    struct sieve *sieve = NULL;
    struct batch *a = NULL, *b = NULL, *c = NULL;

    (void)state;
    CHECK(sieve_open(check_device, &w, &sieve));
    CHECK(batch_new(100, &a));
    CHECK(batch_new(5000, &b));
    CHECK(batch_new(100, &c));
    fill(a, 100, 1);
    fill(b, 4000, 2);
    fill(c, 100, 1);
    CHECK(sieve_run(sieve, a));
    CHECK(sieve_run(sieve, b)); /* grows the device's buffers while a is under way */
    CHECK(sieve_wait(sieve, a));
    CHECK(sieve_run(sieve, c));
    CHECK(sieve_wait(sieve, b));
    CHECK(sieve_wait(sieve, c));
    assert_memory_equal(a->p, c->p, 100 * 4 * sizeof(float));
    batch_clear(a);
    CHECK(sieve_run(sieve, a)); /* an empty batch */
    CHECK(sieve_wait(sieve, a));
    batch_free(a);
    batch_free(b);
    batch_free(c);
    sieve_close(sieve);
    weights_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twins),
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_two_under_way),
    };

    return cmocka_run_group_tests(tests, check_open, check_close);
}

/* test_rows.c -- the kernels that work on each row or element by itself against their twins:
 * gelu.cl, softmax.cl, cross_entropy.cl, adamw.cl. */
#include "check_ops.h"
#include "train/ops_back.h"

static const uint32_t sizes[] = {0, 1, 15, 16, 63, 64, 65, 1000, 8191, 131072};
enum { N_SIZES = sizeof sizes / sizeof *sizes };

static void test_gelu(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SIZES; i++) {
        const uint32_t n = sizes[i];
        struct random r = {n};
        float *x = check_draw(&r, n, 6), *d = check_draw(&r, n, 2), *got;
        float *want = calloc(n + 1, 4);
        struct device_buffer *b_x = check_upload(x, n * 4),
                             *b_d = check_upload(d, n * 4);
        struct device_buffer *out = check_upload(want, n * 4),
                             *d_x = check_upload(want, n * 4);
        gelu_cpu(x, n, want);
        CHECK(ops_gelu(check_ops, b_x, n, out));
        got = check_fetch(out, n * 4);
        check_near("gelu", got, want, n, 5e-6); /* |x| <= 6, erf() within 16 ulp */
        free(got);
        gelu_back_cpu(x, d, n, want);
        CHECK(ops_gelu_back(check_ops, b_x, b_d, n, d_x));
        got = check_fetch(d_x, n * 4);
        check_near("gelu_back", got, want, n, 1e-5);
        free(got);
        CHECK(ops_gelu_back(check_ops, b_x, b_d, n,
                            b_d)); /* in place, as net.c does it */
        got = check_fetch(b_d, n * 4);
        check_near("gelu_back in place", got, want, n, 1e-5);
        free(got);
        device_buffer_free(b_x);
        free(x);
        free(d);
        free(want);
    }
}

static void test_softmax(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SIZES; i++) {
        const uint32_t n = sizes[i];
        struct random r = {n + 1};
        float *x = check_draw(&r, 4 * (size_t)n, 90),
              *got; /* exp(90) is beyond float */
        float *want = calloc(4 * (size_t)n + 1, 4);
        struct device_buffer *b_x = check_upload(x, 16 * (size_t)n);
        struct device_buffer *out = check_upload(want, 16 * (size_t)n);
        softmax_cpu(x, n, 0.7f, want);
        CHECK(ops_softmax(check_ops, b_x, n, 0.7f, out));
        got = check_fetch(out, 16 * (size_t)n);
        /* x * sharpness is rounded to float at 63: 4e-6 of relative error in exp(). */
        check_near("softmax", got, want, 4 * (size_t)n, 1e-5);
        for (uint32_t s = 0; s < n; s++)
            assert_true(fabsf(got[4 * s] + got[4 * s + 1] + got[4 * s + 2] +
                              got[4 * s + 3] - 1) < 1e-6f);
        free(got);
        free(want);
        free(x);
        device_buffer_free(b_x);
    }
}

static void test_cross_entropy(void **state)
{
    static const float weights[4] = {1, 4, 3, 2};

    (void)state;
    for (size_t i = 1; i < N_SIZES; i++) {
        const uint32_t n = sizes[i];
        struct random r = {n + 2};
        float *x = check_draw(&r, 4 * (size_t)n, 20), *got;
        float *loss = calloc(n, 4), *d = calloc(4 * (size_t)n, 4);
        uint32_t *labels = malloc(n * 4);
        struct device_buffer *b_x = check_upload(x, 16 * (size_t)n), *b_labels;
        struct device_buffer *b_w = check_upload(weights, 16);
        struct device_buffer *b_loss = check_upload(loss, n * 4);
        struct device_buffer *b_d = check_upload(d, 16 * (size_t)n);
        for (uint32_t s = 0; s < n; s++)
            labels[s] = random_below(&r, 4);
        b_labels = check_upload(labels, n * 4);
        cross_entropy_cpu(x, labels, weights, n, 0.1f, 10, loss, d);
        CHECK(
            ops_cross_entropy(check_ops, b_x, b_labels, b_w, n, 0.1f, 10, b_loss, b_d));
        got = check_fetch(b_loss, n * 4);
        check_near("loss", got, loss, n, 4e-6 * 16); /* up to 16: relative 4e-6 */
        free(got);
        got = check_fetch(b_d, 16 * (size_t)n);
        check_near("d_logits", got, d, 4 * (size_t)n, 1e-6);
        free(got);
        free(x);
        free(loss);
        free(d);
        free(labels);
        device_buffer_free(b_x);
        device_buffer_free(b_labels);
        device_buffer_free(b_w);
    }
}

/* The gradient says how the loss changes: central differences of the twin. */
static void test_gradient_of_the_twin(void **state)
{
    static const float weights[4] = {1, 4, 3, 2};
    struct random r = {5};
    uint32_t label[1] = {2};
    float loss[1], d[4], up[1], down[1], unused[4];

    (void)state;
    for (int round = 0; round < 200; round++) {
        float *x = check_draw(&r, 4, 3);
        label[0] = random_below(&r, 4);
        cross_entropy_cpu(x, label, weights, 1, 0.1f, 1, loss, d);
        for (int c = 0; c < 4; c++) {
            const float kept = x[c], h = 1e-2f;
            x[c] = kept + h;
            cross_entropy_cpu(x, label, weights, 1, 0.1f, 1, up, unused);
            x[c] = kept - h;
            cross_entropy_cpu(x, label, weights, 1, 0.1f, 1, down, unused);
            x[c] = kept;
            assert_true(fabsf((up[0] - down[0]) / (2 * h) - d[c]) < 2e-3f);
        }
        free(x);
    }
}

static void test_adamw(void **state)
{
    const struct ops_step step = {1e-3f, 2e-3f, 1.5f};
    enum { ROWS = 300, DIM = 16, TOUCHED = 70 };
    struct random r = {11};
    const size_t n = ROWS * DIM, size = n * 4;
    float *d = check_draw(&r, n, 1), *anchor = check_draw(&r, n, 1),
          *w = check_draw(&r, n, 1);
    float *m = check_draw(&r, n, 0.1f), *v = check_draw(&r, n, 0.1f), *got;
    struct shared_row rows[TOUCHED];
    struct device_buffer *b_d, *b_anchor, *b_w, *b_m, *b_v, *b_rows;

    (void)state;
    for (size_t i = 0; i < n; i++)
        v[i] = fabsf(v[i]);
    for (uint32_t u = 0; u < TOUCHED; u++)
        rows[u] = (struct shared_row){(u * 37) % ROWS, 0, 1};
    b_d = check_upload(d, size);
    b_anchor = check_upload(anchor, size);
    b_w = check_upload(w, size);
    b_m = check_upload(m, size);
    b_v = check_upload(v, size);
    b_rows = check_upload(rows, sizeof rows);
    for (int i = 0; i < 5; i++) {
        adamw_cpu(d, (uint32_t)n, step, anchor, w, m, v);
        CHECK(ops_adamw(check_ops, b_d, (uint32_t)n, step, b_anchor, b_w, b_m, b_v));
        adamw_rows_cpu(rows, d, TOUCHED, DIM, step, anchor, w, m, v);
        CHECK(ops_adamw_rows(check_ops, b_rows, b_d, TOUCHED, step, b_anchor, b_w, b_m,
                             b_v));
    }
    got = check_fetch(b_w, size);
    check_near("w", got, w, n, 2e-6); /* ten float steps of at most 1e-2 */
    free(got);
    got = check_fetch(b_m, size);
    check_near("m", got, m, n, 1e-6);
    free(got);
    got = check_fetch(b_v, size);
    check_near("v", got, v, n, 1e-6);
    free(got);
    free(d);
    free(anchor);
    free(w);
    free(m);
    free(v);
    device_buffer_free(b_d);
    device_buffer_free(b_anchor);
    device_buffer_free(b_rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gelu),
        cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_cross_entropy),
        cmocka_unit_test(test_gradient_of_the_twin),
        cmocka_unit_test(test_adamw),
    };

    return cmocka_run_group_tests(tests, check_open_ops, check_close_ops);
}

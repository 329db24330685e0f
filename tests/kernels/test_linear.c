/* test_linear.c -- kernels/linear.cl, both directions, against its twins. */
#include "check_ops.h"
#include "train/ops_back.h"

struct shape {
    const char *name;
    uint32_t n, n_in, n_out;
};

static const struct shape shapes[] = {
    {"one of each", 1, 1, 1},
    {"no row", 0, 16, 4},
    {"sixteen wide", 3, 16, 4},
    {"not a multiple of 16", 7, 33, 5},
    {"hidden of the model", 500, 256, 32},
    {"out of the model", 500, 32, 4},
    {"more rows than a work-group", 8191, 48, 4},
    {"more outputs than inputs", 65, 16, 130},
};

static void forward(const struct shape *s)
{
    struct random r = {s->n + s->n_in};
    const size_t n_x = (size_t)s->n * s->n_in, n_w = (size_t)s->n_out * s->n_in;
    const size_t n_y = (size_t)s->n * s->n_out;
    float *x = check_draw(&r, n_x, 1), *w = check_draw(&r, n_w, 1);
    float *bias = check_draw(&r, s->n_out, 1), *want = calloc(n_y + 1, 4), *got;
    struct device_buffer *d_x = check_upload(x, n_x * 4),
                         *d_w = check_upload(w, n_w * 4);
    struct device_buffer *d_bias = check_upload(bias, s->n_out * 4);
    struct device_buffer *out = check_upload(want, n_y * 4);

    linear_cpu(x, w, bias, s->n, s->n_in, s->n_out, want);
    CHECK(ops_linear(check_ops, d_x, d_w, d_bias, s->n, s->n_in, s->n_out, out));
    got = check_fetch(out, n_y * 4);
    /* 256 float products of |x| <= 1: measured 4e-6, allowed five times that. */
    check_near("out", got, want, n_y, 2e-5);
    free(got);
    free(want);
    free(x);
    free(w);
    free(bias);
    device_buffer_free(d_x);
    device_buffer_free(d_w);
    device_buffer_free(d_bias);
}

static void backward(const struct shape *s)
{
    struct random r = {s->n + s->n_out};
    const size_t n_x = (size_t)s->n * s->n_in, n_w = (size_t)s->n_out * s->n_in;
    const size_t n_y = (size_t)s->n * s->n_out;
    float *x = check_draw(&r, n_x, 1), *w = check_draw(&r, n_w, 1);
    float *d_y = check_draw(&r, n_y, 1), *dx = calloc(n_x + 1, 4);
    float *dw = calloc(n_w + 1, 4), *db = calloc(s->n_out + 1, 4), *got;
    struct device_buffer *b_x = check_upload(x, n_x * 4),
                         *b_w = check_upload(w, n_w * 4);
    struct device_buffer *b_y = check_upload(d_y, n_y * 4);
    struct device_buffer *b_dx = check_upload(dx, n_x * 4);
    struct device_buffer *b_dw = check_upload(dw, n_w * 4);
    struct device_buffer *b_db = check_upload(db, s->n_out * 4);

    linear_back_input_cpu(d_y, w, s->n, s->n_in, s->n_out, dx);
    linear_back_weight_cpu(d_y, x, s->n, s->n_in, s->n_out, dw, db);
    CHECK(ops_linear_back_input(check_ops, b_y, b_w, s->n, s->n_in, s->n_out, b_dx));
    CHECK(ops_linear_back_weight(check_ops, b_y, b_x, s->n, s->n_in, s->n_out, b_dw,
                                 b_db));
    got = check_fetch(b_dx, n_x * 4);
    check_near("d_x", got, dx, n_x, 2e-5);
    free(got);
    got = check_fetch(b_dw, n_w * 4);
    /* Up to 8,191 terms in one float sum: the error grows with their square root. */
    check_near("d_w", got, dw, n_w, 1e-3);
    free(got);
    got = check_fetch(b_db, s->n_out * 4);
    check_near("d_bias", got, db, s->n_out, 1e-3);
    free(got);
    free(x);
    free(w);
    free(d_y);
    free(dx);
    free(dw);
    free(db);
    device_buffer_free(b_x);
    device_buffer_free(b_w);
    device_buffer_free(b_y);
}

static void test_forward(void **state)
{
    (void)state;
    CHECK_TABLE(shapes, forward);
}

static void test_backward(void **state)
{
    (void)state;
    CHECK_TABLE(shapes, backward);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_backward),
    };

    return cmocka_run_group_tests(tests, check_open_ops, check_close_ops);
}

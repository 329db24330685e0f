/* cmd_eval.c -- fecit eval: quality on labelled sentences. */
#include "../engine.h"
#include "../train/evaluate.h"
#include "../train/examples.h"
#include "args.h"

#include <getopt.h>
#include <string.h>

static const char help[] =
    "fecit eval [options] LABELLED.jsonl...\n"
    "\n"
    "Scores labelled sentences (JSON lines with \"text\" and \"class\", optionally "
    "\"lang\")\n"
    "and prints precision, recall, F1 of \"statement or not\" at the threshold, AUC "
    "and\n"
    "average precision over all thresholds, the four-class macro F1, the confusion of "
    "the\n"
    "classes, the calibration error, and the same for each language; languages with "
    "fewer\n"
    "than 30 sentences are marked, read them together.\n"
    "\n"
    "      --recall R     as in fecit score; default: the model's threshold\n"
    "      --threshold P  or this one\n"
    "      --model DIR    as in fecit score      --device D\n"
    "      --json         the figures as one JSON object\n"
    "  -h, --help\n"
    "\n"
    "Exit codes: 0 done, 1 usage, 2 bad input, 3 model or device refused.\n";

enum option_code { OPT_RECALL = 256, OPT_THRESHOLD, OPT_MODEL, OPT_DEVICE, OPT_JSON };

static const struct option long_options[] = {
    {"recall", required_argument, NULL, OPT_RECALL},
    {"threshold", required_argument, NULL, OPT_THRESHOLD},
    {"model", required_argument, NULL, OPT_MODEL},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct choice {
    double recall, threshold; /* 0: not given; -1: not given */
    const char *model, *device;
    bool json;
};

struct scored {
    struct examples *examples;
    float *p;           /* [n][C] */
    uint32_t *truth;    /* [n] */
    uint32_t *language; /* [n] index into examples->languages */
    float threshold;
};

/* All examples through the device. */
static enum fecit_status score_all(struct engine *engine, struct scored *s)
{
    enum fecit_status st = FECIT_OK;
    const struct examples *e = s->examples;
    struct batch *b = NULL;
    size_t at = 0;

    TRY_MEM(s->p = mem_new(e->n * FECIT_LABELS, sizeof *s->p));
    TRY_MEM(s->truth = mem_new(e->n, sizeof *s->truth));
    TRY_MEM(s->language = mem_new(e->n, sizeof *s->language));
    TRY(batch_new(0, &b));
    while (at < e->n) {
        size_t i = at;
        batch_clear(b);
        while (i < e->n &&
               batch_push(b, e->ids + e->items[i].begin, e->items[i].count)) {
            s->truth[i] = e->items[i].label;
            s->language[i] = e->items[i].language;
            i++;
        }
        TRY(sieve_run(engine->sieve, b));
        TRY(sieve_wait(engine->sieve, b));
        memcpy(s->p + at * FECIT_LABELS, b->p, (i - at) * FECIT_LABELS * sizeof *s->p);
        at = i;
    }
done:
    batch_free(b);
    return st;
}

static void print_line(const char *name, const struct evaluation *e)
{
    printf("%-6s %6llu %6llu   %.3f  %.3f  %.3f   %.3f  %.3f   %.3f%s\n", name,
           (unsigned long long)e->n, (unsigned long long)e->positive, e->precision,
           e->recall, e->f1, e->auc, e->average_precision, e->macro_f1,
           e->n < 30 ? "   few" : "");
}

static void print_json(const char *name, const struct evaluation *e, bool last)
{
    printf(
        "\"%s\": {\"n\": %llu, \"statements\": %llu, \"precision\": %.4f, \"recall\": "
        "%.4f, \"f1\": %.4f, \"auc\": %.4f, \"average_precision\": %.4f, \"best_f1\": "
        "%.4f, \"macro_f1\": %.4f, \"calibration_error\": %.4f, \"confusion\": [",
        name, (unsigned long long)e->n, (unsigned long long)e->positive, e->precision,
        e->recall, e->f1, e->auc, e->average_precision, e->best_f1, e->macro_f1,
        e->calibration_error);
    for (int a = 0; a < FECIT_LABELS; a++) {
        printf("%s[", a ? ", " : "");
        for (int b = 0; b < FECIT_LABELS; b++)
            printf("%s%llu", b ? ", " : "", (unsigned long long)e->confusion[a][b]);
        printf("]");
    }
    printf("]}%s", last ? "" : ", ");
}

static void print_classes(const struct evaluation *e)
{
    printf(
        "\nclass      F1      labelled, of which called none asserted hedged denied\n");
    for (int a = 0; a < FECIT_LABELS; a++) {
        uint64_t n = 0;
        for (int b = 0; b < FECIT_LABELS; b++)
            n += e->confusion[a][b];
        printf("%-9s  %.3f  %6llu", fecit_label_name((enum fecit_label)a),
               e->class_f1[a], (unsigned long long)n);
        for (int b = 0; b < FECIT_LABELS; b++)
            printf("  %6llu", (unsigned long long)e->confusion[a][b]);
        printf("\n");
    }
    printf(
        "\nbest F1 over all thresholds %.3f (at p >= %.3f); calibration error %.3f\n",
        e->best_f1, e->best_threshold, e->calibration_error);
}

static enum fecit_status print_all(const struct scored *s, bool json)
{
    enum fecit_status st;
    struct evaluation all, one;
    const struct examples *e = s->examples;

    TRY(evaluate(s->p, s->truth, e->n, s->threshold, &all));
    if (json) {
        printf("{\"threshold\": %.6f, ", (double)s->threshold);
        print_json("all", &all, false);
        printf("\"languages\": {");
    } else {
        printf("statement when p >= %.3f\n\n", (double)s->threshold);
        printf("%-6s %6s %6s   %-5s  %-5s  %-5s   %-5s  %-5s   %s\n", "", "n", "stmts",
               "P", "R", "F1", "AUC", "AP", "macro F1 of 4");
        print_line("all", &all);
    }
    for (uint32_t i = 0; i < e->n_languages; i++) {
        TRY(evaluate_group(s->p, s->truth, s->language, i, e->n, s->threshold, &one));
        if (json)
            print_json(e->languages[i], &one, i + 1 == e->n_languages);
        else
            print_line(e->languages[i], &one);
    }
    if (json)
        printf("}}\n");
    else
        print_classes(&all);
done:
    return st;
}

static enum fecit_status run(const struct choice *c, const char *const *paths,
                             uint32_t n)
{
    enum fecit_status st;
    struct engine engine = {0};
    struct scored s = {0};
    const struct examples_options split = {0};

    TRY(engine_open(&engine, c->model, c->device));
    TRY(model_threshold(engine.model, c->recall, &s.threshold));
    if (c->threshold >= 0) s.threshold = (float)c->threshold;
    TRY(examples_load(paths, n, engine.model->vocabulary, &engine.model->tokens, &split,
                      &s.examples));
    TRY(score_all(&engine, &s));
    if (s.examples->bad)
        fprintf(stderr, "fecit eval: %llu lines refused, the first: %s\n",
                (unsigned long long)s.examples->bad, s.examples->first_bad);
    if (s.examples->repeated)
        fprintf(stderr, "fecit eval: %llu repeated texts counted once\n",
                (unsigned long long)s.examples->repeated);
    TRY(print_all(&s, c->json));
done:
    mem_free(s.p);
    mem_free(s.truth);
    mem_free(s.language);
    examples_free(s.examples);
    engine_close(&engine);
    return st;
}

int cmd_eval(int argc, char **argv)
{
    struct choice c = {.threshold = -1};
    enum fecit_status st;
    bool good = true;
    int code;

    optind = 1;
    while (good && (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
        switch (code) {
        case 'h':
            fputs(help, stdout);
            return EXIT_DONE;
        case OPT_RECALL:
            good = args_number("eval", "--recall", optarg, 0.01, 0.9999, &c.recall);
            break;
        case OPT_THRESHOLD:
            good = args_number("eval", "--threshold", optarg, 0, 1, &c.threshold);
            break;
        case OPT_MODEL:
            c.model = optarg;
            break;
        case OPT_DEVICE:
            c.device = optarg;
            break;
        case OPT_JSON:
            c.json = true;
            break;
        default:
            return args_usage("eval", "unknown or incomplete option");
        }
    if (!good) return EXIT_USAGE;
    if (optind == argc) return args_usage("eval", "no labelled file named");
    st = run(&c, (const char *const *)argv + optind, (uint32_t)(argc - optind));
    return st == FECIT_OK ? EXIT_DONE : args_failed("eval", st);
}

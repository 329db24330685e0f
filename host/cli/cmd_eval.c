/* cmd_eval.c -- fecit eval: quality on labelled sentences. */
#include "../window.h"
#include "args.h"
#include "eval_print.h"

#include <getopt.h>
#include <string.h>

static const char help[] =
    "fecit eval [options] LABELLED.jsonl...\n"
    "fecit eval --cascade [--model DIR] [--json]\n"
    "\n"
    "Scores labelled sentences (JSON lines with \"text\" and \"class\", optionally "
    "\"lang\"\n"
    "and the other fields of datasets/README.md) and prints precision, recall, F1 of\n"
    "\"statement or not\" at the threshold, AUC and average precision over all "
    "thresholds,\n"
    "the four-class macro F1, the same for each language (fewer than 30 sentences are\n"
    "marked: read them together), the confusion of the classes, how far p can be "
    "trusted,\n"
    "and where the labels say so: act and tie, who is who, and how often exchanging "
    "the\n"
    "states of a pair changes the class.\n"
    "\n"
    "      --stage S      reader (default: it reads every sentence), sieve, or both: "
    "what\n"
    "                     fecit score does; rows without \"lang\" count as unknown\n"
    "      --recall R     as in fecit score, for --stage both and sieve\n"
    "      --threshold P  instead of the model's\n"
    "      --split S      only rows whose \"split\" is S: test, validation, or train, "
    "to\n"
    "                     which those without one belong\n"
    "      --cascade      print how much of what the reader would find the sieve lets\n"
    "                     through at which cost, as measured when the model was made\n"
    "      --model DIR    as in fecit score      --device D\n"
    "      --json         the figures as one JSON object\n"
    "  -h, --help\n"
    "\n"
    "Exit codes: 0 done, 1 usage, 2 bad input, 3 model or device refused.\n";

enum option_code {
    OPT_RECALL = 256,
    OPT_THRESHOLD,
    OPT_MODEL,
    OPT_DEVICE,
    OPT_JSON,
    OPT_STAGE,
    OPT_SPLIT,
    OPT_CASCADE
};

static const struct option long_options[] = {
    {"recall", required_argument, NULL, OPT_RECALL},
    {"threshold", required_argument, NULL, OPT_THRESHOLD},
    {"model", required_argument, NULL, OPT_MODEL},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"json", no_argument, NULL, OPT_JSON},
    {"stage", required_argument, NULL, OPT_STAGE},
    {"split", required_argument, NULL, OPT_SPLIT},
    {"cascade", no_argument, NULL, OPT_CASCADE},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

enum stage { STAGE_READER, STAGE_SIEVE, STAGE_BOTH };

struct choice {
    double recall, threshold; /* 0: not given; -1: not given */
    const char *model, *device, *split;
    enum stage stage;
    bool json, cascade;
};

/* Rows of another split are not looked at. */
static void keep_split(struct examples *e, const char *split)
{
    static const char *const names[] = {"train", "validation", "test"};
    size_t kept = 0;

    for (size_t i = 0; i < e->n; i++) {
        if (strcmp(names[e->items[i].part], split)) {
            mem_free(e->items[i].text);
            truth_clear(&e->items[i].truth);
            continue;
        }
        e->items[kept++] = e->items[i];
    }
    e->n = kept;
}

/* What the window holds, into s from `first` on. */
static enum fecit_status window_take(struct window *w, struct eval_scored *s,
                                     size_t first)
{
    enum fecit_status st;

    TRY(window_launch(w));
    TRY(window_wait(w));
    for (uint32_t i = 0; i < window_count(w); i++) {
        const char *text = s->examples->items[first + i].text;
        TRY(window_verdict(w, i, text, strlen(text), &s->verdicts[first + i],
                           &s->by_reader[first + i]));
    }
    window_clear(w);
done:
    return st;
}

/* All examples through the stages asked for. */
static enum fecit_status score_all(struct engine *engine, const struct choice *c,
                                   struct eval_scored *s)
{
    enum fecit_status st = FECIT_OK;
    const struct examples *e = s->examples;
    const struct cascade_options o = {
        .no_sieve = engine->reader && c->stage == STAGE_READER,
        .recall = c->recall,
        .threshold = c->threshold,
    };
    struct cascade *cascade = NULL;
    struct window *w = NULL;
    size_t first = 0;

    TRY_MEM(s->verdicts = mem_new(e->n, sizeof *s->verdicts));
    TRY_MEM(s->by_reader = mem_new(e->n, sizeof *s->by_reader));
    TRY(cascade_open(engine, &o, &cascade));
    s->threshold = cascade_threshold(cascade);
    TRY(window_new(cascade, &w));
    for (size_t i = 0; i < e->n; i++) {
        const struct example *x = &e->items[i];
        const char *lang = e->languages[x->language];
        if (window_push(w, lang, e->ids + x->begin, x->count)) continue;
        TRY(window_take(w, s, first));
        first = i;
        window_push(w, lang, e->ids + x->begin, x->count);
    }
    TRY(window_take(w, s, first));
    s->counts = cascade_counts(cascade);
done:
    window_free(w);
    cascade_close(cascade);
    return st;
}

static enum fecit_status run(const struct choice *c, const char *const *paths,
                             uint32_t n)
{
    enum fecit_status st;
    struct engine engine = {0};
    struct eval_scored s = {0};
    const struct examples_options split = {0};

    TRY(engine_open(&engine, c->model, c->device));
    if (c->stage == STAGE_SIEVE) { /* as if there were no reader */
        reader_close(engine.reader);
        engine.reader = NULL;
    }
    TRY(examples_load(paths, n, engine.model->vocabulary, &engine.model->tokens, &split,
                      &s.examples));
    if (c->split) keep_split(s.examples, c->split);
    if (s.examples->n == 0)
        FAIL(FECIT_E_INPUT,
             "%s: no row of split \"%s\"; there are test, validation and train",
             paths[0], c->split ? c->split : "any");
    TRY(score_all(&engine, c, &s));
    if (s.examples->bad)
        fprintf(stderr, "fecit eval: %llu lines refused, the first: %s\n",
                (unsigned long long)s.examples->bad, s.examples->first_bad);
    if (s.examples->repeated)
        fprintf(stderr, "fecit eval: %llu repeated texts counted once\n",
                (unsigned long long)s.examples->repeated);
    TRY(eval_print(&s, c->json));
done:
    mem_free(s.verdicts);
    mem_free(s.by_reader);
    examples_free(s.examples);
    engine_close(&engine);
    return st;
}

static enum fecit_status run_cascade(const struct choice *c)
{
    enum fecit_status st;
    struct model *m = NULL;

    TRY(model_load(engine_folder(c->model), &m));
    if (m->reader.after_sieve.n == 0)
        FAIL(FECIT_E_MODEL, "%s: the model has no curve of the sieve before a reader",
             tensors_path(m->file));
    eval_print_cascade(&m->reader, c->json);
done:
    model_free(m);
    return st;
}

static bool parse_stage(const char *text, enum stage *out)
{
    static const char *const names[] = {"reader", "sieve", "both"};

    for (int i = 0; i < 3; i++)
        if (!strcmp(text, names[i])) {
            *out = (enum stage)i;
            return true;
        }
    args_usage("eval", "--stage does not know \"%s\": reader, sieve or both", text);
    return false;
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
            good = args_number("eval", "--threshold", optarg, 1e-6, 1, &c.threshold);
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
        case OPT_STAGE:
            good = parse_stage(optarg, &c.stage);
            break;
        case OPT_SPLIT:
            c.split = optarg;
            break;
        case OPT_CASCADE:
            c.cascade = true;
            break;
        default:
            return args_usage("eval", "unknown or incomplete option");
        }
    if (!good) return EXIT_USAGE;
    if (c.cascade && optind < argc)
        return args_usage("eval",
                          "--cascade wants no labelled file: the curve is the "
                          "model's own");
    if (c.cascade) {
        st = run_cascade(&c);
        return st == FECIT_OK ? args_flush("eval") : args_failed("eval", st);
    }
    if (optind == argc) return args_usage("eval", "no labelled file named");
    st = run(&c, (const char *const *)argv + optind, (uint32_t)(argc - optind));
    return st == FECIT_OK ? args_flush("eval") : args_failed("eval", st);
}

/* cmd_train.c -- fecit train: fit the sieve to labelled sentences. */
#include "../engine.h"
#include "../train/train.h"
#include "args.h"

#include <getopt.h>
#include <string.h>

static const char help[] =
    "fecit train [options] LABELLED.jsonl... -o OUT.safetensors\n"
    "\n"
    "Fits the sieve (bag rows and head) to labelled sentences, on any OpenCL device, "
    "and\n"
    "writes a model file. Put it into a folder beside the vocabulary.safetensors it "
    "was\n"
    "trained with, and use it with --model FOLDER.\n"
    "\n"
    "Each line is an object: \"text\", \"class\" (none, asserted, hedged, denied), "
    "and\n"
    "optionally \"lang\", \"scenario\" or \"doc\" (all rows of one fall on the same "
    "side of\n"
    "the split), \"split\" (train, validation, test). What the classes mean is told "
    "in\n"
    "datasets/README.md. A line with \"p_class\" (four probabilities in that order) "
    "instead\n"
    "of \"class\" is a teacher's opinion (models/teacher.py): it trains, and nothing "
    "is\n"
    "measured on it. \"weight\" (0 to 1) is the share of the epochs that use a line.\n"
    "\n"
    "  -o, --output FILE      model to write; without it only the report is printed\n"
    "      --vocabulary FILE  default: vocabulary.safetensors of the model in use\n"
    "      --known FILE       JSON lines whose texts become the known answers\n"
    "      --validation X     share of documents held out (default .15)\n"
    "      --split-seed N     which ones (default 1)\n"
    "      --leave-out LANG   train without a language, test on it\n"
    "      --seeds N          train N times, keep the best on validation (default 3)\n"
    "      --seed N           the first of them (default 1)\n"
    "      --epochs N         at most (default 12)      --patience N  (default 3)\n"
    "      --batch N          sentences a step (default 64)\n"
    "      --pools P          mean,max,attention: any of them (default attention)\n"
    "      --queries K        of the attention (default 8)\n"
    "      --dim D            columns of a row, a multiple of 16 up to 64 (default "
    "64)\n"
    "      --hidden H         hidden units, 0 = none (default 64)\n"
    "      --rate-rows X --rate-head X --pull X --decay X --smoothing X --drop X\n"
    "      --positive-weight X\n"
    "      --device D         as in fecit score\n"
    "  -q, --quiet            no line an epoch\n"
    "  -h, --help\n"
    "\n"
    "Example\n"
    "  fecit train mine.jsonl datasets/own/*.jsonl -o mymodel/attribution.safetensors\n"
    "\n"
    "The same data, options and device give the same bytes.\n"
    "Exit codes: 0 done, 1 usage, 2 bad input, 3 device refused, 4 output failed, 75\n"
    "stopped.\n";

enum option_code {
    OPT_VOCABULARY = 256,
    OPT_KNOWN,
    OPT_VALIDATION,
    OPT_SPLIT_SEED,
    OPT_LEAVE_OUT,
    OPT_SEEDS,
    OPT_SEED,
    OPT_EPOCHS,
    OPT_PATIENCE,
    OPT_BATCH,
    OPT_POOLS,
    OPT_QUERIES,
    OPT_DIM,
    OPT_HIDDEN,
    OPT_RATE_ROWS,
    OPT_RATE_HEAD,
    OPT_PULL,
    OPT_DECAY,
    OPT_SMOOTHING,
    OPT_DROP,
    OPT_POSITIVE,
    OPT_DEVICE,
};

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"vocabulary", required_argument, NULL, OPT_VOCABULARY},
    {"known", required_argument, NULL, OPT_KNOWN},
    {"validation", required_argument, NULL, OPT_VALIDATION},
    {"split-seed", required_argument, NULL, OPT_SPLIT_SEED},
    {"leave-out", required_argument, NULL, OPT_LEAVE_OUT},
    {"seeds", required_argument, NULL, OPT_SEEDS},
    {"seed", required_argument, NULL, OPT_SEED},
    {"epochs", required_argument, NULL, OPT_EPOCHS},
    {"patience", required_argument, NULL, OPT_PATIENCE},
    {"batch", required_argument, NULL, OPT_BATCH},
    {"pools", required_argument, NULL, OPT_POOLS},
    {"queries", required_argument, NULL, OPT_QUERIES},
    {"dim", required_argument, NULL, OPT_DIM},
    {"hidden", required_argument, NULL, OPT_HIDDEN},
    {"rate-rows", required_argument, NULL, OPT_RATE_ROWS},
    {"rate-head", required_argument, NULL, OPT_RATE_HEAD},
    {"pull", required_argument, NULL, OPT_PULL},
    {"decay", required_argument, NULL, OPT_DECAY},
    {"smoothing", required_argument, NULL, OPT_SMOOTHING},
    {"drop", required_argument, NULL, OPT_DROP},
    {"positive-weight", required_argument, NULL, OPT_POSITIVE},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct choice {
    struct train_options train;
    bool quiet, attention;
};

static bool whole(const char *name, const char *text, long low, long high,
                  uint32_t *out)
{
    long n = 0;
    const bool good = args_integer("train", name, text, low, high, &n);

    if (good) *out = (uint32_t)n;
    return good;
}

static bool number(const char *name, const char *text, double high, float *out)
{
    double x = 0;
    const bool good = args_number("train", name, text, 0, high, &x);

    if (good) *out = (float)x;
    return good;
}

static bool parse_pools(const char *text, struct choice *c)
{
    c->train.shape.mean = strstr(text, "mean") != NULL;
    c->train.shape.max = strstr(text, "max") != NULL;
    c->attention = strstr(text, "attention") != NULL;
    if (c->train.shape.mean || c->train.shape.max || c->attention) return true;
    args_usage("train",
               "--pools wants mean, max, attention or several of them, not \"%s\"",
               text);
    return false;
}

/* One option into *c; false when a message was printed. */
static bool parse_option(int code, const char *text, struct choice *c)
{
    struct train_options *o = &c->train;
    uint32_t n = 0;
    bool good = true;

    switch (code) {
    case 'o':
        o->out = text;
        break;
    case 'q':
        c->quiet = true;
        break;
    case OPT_VOCABULARY:
        o->vocabulary = text;
        break;
    case OPT_KNOWN:
        o->known = text;
        break;
    case OPT_VALIDATION:
        good =
            args_number("train", "--validation", text, 0.01, 0.9, &o->split.validation);
        break;
    case OPT_SPLIT_SEED:
        good = whole("--split-seed", text, 0, 1 << 30, &n);
        o->split.seed = n;
        break;
    case OPT_LEAVE_OUT:
        o->split.skip_language = text;
        break;
    case OPT_SEEDS:
        good = whole("--seeds", text, 1, 100, &o->seeds);
        break;
    case OPT_SEED:
        good = whole("--seed", text, 0, 1 << 30, &n);
        o->seed = n;
        break;
    case OPT_EPOCHS:
        good = whole("--epochs", text, 1, 1000, &o->epochs);
        break;
    case OPT_PATIENCE:
        good = whole("--patience", text, 1, 1000, &o->patience);
        break;
    case OPT_BATCH:
        good = whole("--batch", text, 1, 4096, &o->batch);
        break;
    case OPT_POOLS:
        good = parse_pools(text, c);
        break;
    case OPT_QUERIES:
        good = whole("--queries", text, 1, 64, &o->shape.n_queries);
        break;
    case OPT_DIM:
        good = whole("--dim", text, 16, VOCABULARY_BAG, &o->shape.dim);
        break;
    case OPT_HIDDEN:
        good = whole("--hidden", text, 0, 1024, &o->shape.hidden);
        break;
    case OPT_RATE_ROWS:
        good = number("--rate-rows", text, 1, &o->rate_rows);
        break;
    case OPT_RATE_HEAD:
        good = number("--rate-head", text, 1, &o->rate_head);
        break;
    case OPT_PULL:
        good = number("--pull", text, 100, &o->pull_rows);
        break;
    case OPT_DECAY:
        good = number("--decay", text, 100, &o->decay_head);
        break;
    case OPT_SMOOTHING:
        good = number("--smoothing", text, 0.9, &o->smoothing);
        break;
    case OPT_DROP:
        good = number("--drop", text, 0.9, &o->drop_pieces);
        break;
    case OPT_POSITIVE:
        good = number("--positive-weight", text, 1000, &o->positive_weight);
        break;
    case OPT_DEVICE:
        o->device = text;
        break;
    default:
        good = false; /* getopt has said why */
    }
    return good;
}

static int on_epoch(void *self, const struct train_epoch *e)
{
    const struct choice *c = self;

    if (!c->quiet)
        fprintf(stderr,
                "seed %u epoch %2u  loss %.4f  validation: AP %.3f  AUC %.3f  best F1 "
                "%.3f%s\n",
                e->seed_number + 1, e->epoch, e->loss, e->validation.average_precision,
                e->validation.auc, e->validation.best_f1, e->kept ? "  kept" : "");
    return args_stopped();
}

static void print_line(const char *name, const struct evaluation *e)
{
    printf("  %-12s %6llu %6llu   %.3f  %.3f  %.3f   %.3f  %.3f   %.3f\n", name,
           (unsigned long long)e->n, (unsigned long long)e->positive, e->precision,
           e->recall, e->f1, e->auc, e->average_precision, e->macro_f1);
}

static void print_report(const struct choice *c, const struct train_result *r)
{
    printf("%llu sentences to train on, %llu for validation, %llu for test",
           (unsigned long long)r->n[0], (unsigned long long)r->n[1],
           (unsigned long long)r->n[2]);
    if (r->taught)
        printf("; %llu of the first are a teacher's", (unsigned long long)r->taught);
    if (r->repeated)
        printf("; %llu repeated left out", (unsigned long long)r->repeated);
    printf("\n");
    if (r->bad)
        printf("%llu lines refused, the first: %s\n", (unsigned long long)r->bad,
               r->first_bad);
    printf("kept: seed %llu, epoch %u; temperature %.3f, threshold %.3f\n\n",
           (unsigned long long)r->kept_seed, r->kept_epoch, (double)r->temperature,
           (double)r->threshold);
    printf("  %-12s %6s %6s   %-5s  %-5s  %-5s   %-5s  %-5s   %s\n", "", "n", "stmts",
           "P", "R", "F1", "AUC", "AP", "macro F1 of 4");
    print_line("validation", &r->validation);
    for (uint32_t i = 0; i < r->n_languages; i++)
        if (r->languages[i].validation.n)
            print_line(r->languages[i].code, &r->languages[i].validation);
    if (r->test.n) {
        print_line("test", &r->test);
        for (uint32_t i = 0; i < r->n_languages; i++)
            if (r->languages[i].test.n)
                print_line(r->languages[i].code, &r->languages[i].test);
    }
    if (c->train.out) printf("\nwritten: %s\n", c->train.out);
}

int cmd_train(int argc, char **argv)
{
    struct choice c = {.train = train_defaults(), .attention = true};
    struct train_report report = {on_epoch, &c};
    struct train_result *result;
    enum fecit_status st;
    char vocabulary[1024];
    int code;

    optind = 1;
    while ((code = getopt_long(argc, argv, "o:qh", long_options, NULL)) != -1) {
        if (code == 'h') {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        if (!parse_option(code, optarg, &c))
            return code == '?' ? args_usage("train", "unknown or incomplete option")
                               : EXIT_USAGE;
    }
    if (optind == argc) return args_usage("train", "no labelled file named");
    c.train.paths = (const char *const *)argv + optind;
    c.train.n_paths = (uint32_t)(argc - optind);
    if (!c.attention) c.train.shape.n_queries = 0;
    if (!c.train.vocabulary) {
        snprintf(vocabulary, sizeof vocabulary, "%s/vocabulary.safetensors",
                 engine_folder(NULL));
        c.train.vocabulary = vocabulary;
    }
    args_catch_signals();
    result = mem_new(1, sizeof *result);
    if (!result) return args_failed("train", FECIT_E_MEMORY);
    st = train_run(&c.train, &report, result);
    if (st == FECIT_OK) print_report(&c, result);
    mem_free(result);
    return st == FECIT_OK ? EXIT_DONE : args_failed("train", st);
}

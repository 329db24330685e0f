/* cmd_score.c -- fecit score: the main job. */
#include "../score.h"
#include "args.h"

#include <getopt.h>
#include <string.h>

static const char help[] =
    "fecit score [options] INPUT... -o OUT\n"
    "\n"
    "Reads news, finds the sentences that say a state did something hostile, and "
    "writes\n"
    "them with all counts into the folder OUT (docs/results_format.md).\n"
    "\n"
    "INPUT is a file, a folder (read with all its subfolders), or - for standard "
    "input.\n"
    "  .jsonl .ndjson   one document a line, an object with the fields \"text\" and "
    "\"id\"\n"
    "  other text       one document a file\n"
    "\n"
    "Results\n"
    "  -o, --output OUT       folder to make; a finished one is never overwritten\n"
    "      --force            ... except with this\n"
    "      --all              write every sentence with its scores, also class none\n"
    "      --min-p P          write only statements with p >= P\n"
    "      --recall R         the sieve lets through so much that this share of what "
    "the\n"
    "                         reader alone would find is kept (default .98): less is\n"
    "                         faster, fecit eval --cascade shows at which cost. With "
    "a\n"
    "                         model that has no reader: the share of the statements "
    "kept\n"
    "      --no-sieve         the reader reads every sentence: slow on a CPU, normal "
    "on a "
    "GPU\n"
    "\n"
    "Input\n"
    "      --sentences        each record (JSONL) or line is already one sentence\n"
    "      --format F         auto (default), text, jsonl\n"
    "      --encoding E       auto (default), utf-8, utf-16le, utf-16be\n"
    "      --text-field NAME  where the text is; dots reach into objects "
    "(body.content)\n"
    "      --id-field NAME    likewise --lang-field --date-field --url-field\n"
    "                         --title-field --source-field\n"
    "      --max-rejects N    stop (exit 2) when more than N records cannot be read;\n"
    "                         without it they are listed and counted, and the run goes "
    "on\n"
    "      --shard I/N        only documents I, I+N, I+2N ... (I from 0 to N-1)\n"
    "\n"
    "Machine\n"
    "      --device D         number or part of a name from `fecit devices`\n"
    "      --threads N        that split and tokenise (default: all processors)\n"
    "      --batch N          sentences a launch (the results do not depend on it)\n"
    "      --model DIR        folder with the model (default: $FECIT_MODEL, ./models,\n"
    "                         then the installed one)\n"
    "  -q, --quiet            no progress line, no summary\n"
    "  -h, --help\n"
    "\n"
    "Examples\n"
    "  fecit score archive/ -o results\n"
    "  zcat dump.jsonl.gz | fecit score - --format jsonl -o results\n"
    "  fecit score labelled.jsonl --sentences --all -o scores\n"
    "\n"
    "A signal (Ctrl-C) stops the run with exit code 75; what was written stays under\n"
    "names that end in .part, and the same command starts again from the beginning.\n"
    "Exit codes: 0 done, 1 usage, 2 bad input, 3 model or device refused, 4 output "
    "failed,\n"
    "75 stopped.\n";

enum option_code {
    OPT_FORCE = 256,
    OPT_ALL,
    OPT_MIN_P,
    OPT_RECALL,
    OPT_SENTENCES,
    OPT_FORMAT,
    OPT_ENCODING,
    OPT_TEXT,
    OPT_ID,
    OPT_LANG,
    OPT_DATE,
    OPT_URL,
    OPT_TITLE,
    OPT_SOURCE,
    OPT_MAX_REJECTS,
    OPT_SHARD,
    OPT_DEVICE,
    OPT_THREADS,
    OPT_BATCH,
    OPT_MODEL,
    OPT_NO_SIEVE,
};

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"force", no_argument, NULL, OPT_FORCE},
    {"all", no_argument, NULL, OPT_ALL},
    {"min-p", required_argument, NULL, OPT_MIN_P},
    {"recall", required_argument, NULL, OPT_RECALL},
    {"sentences", no_argument, NULL, OPT_SENTENCES},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"encoding", required_argument, NULL, OPT_ENCODING},
    {"text-field", required_argument, NULL, OPT_TEXT},
    {"id-field", required_argument, NULL, OPT_ID},
    {"lang-field", required_argument, NULL, OPT_LANG},
    {"date-field", required_argument, NULL, OPT_DATE},
    {"url-field", required_argument, NULL, OPT_URL},
    {"title-field", required_argument, NULL, OPT_TITLE},
    {"source-field", required_argument, NULL, OPT_SOURCE},
    {"max-rejects", required_argument, NULL, OPT_MAX_REJECTS},
    {"shard", required_argument, NULL, OPT_SHARD},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"batch", required_argument, NULL, OPT_BATCH},
    {"model", required_argument, NULL, OPT_MODEL},
    {"no-sieve", no_argument, NULL, OPT_NO_SIEVE},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* The progress line, once a second on a terminal; nothing otherwise. */
struct progress {
    int width; /* 0 = no terminal, or --quiet */
    double shown;
};

static int on_report(void *self, const struct score_counts *c)
{
    struct progress *p = self;
    char eta[32] = "", line[256];

    if (p->width > 0 && c->seconds - p->shown >= 0.5) {
        const double s = c->seconds > 0 ? c->seconds : 1;
        p->shown = c->seconds;
        if (c->bytes_total > 0 && c->bytes_read > 0) {
            const double left =
                s * (double)(c->bytes_total - c->bytes_read) / (double)c->bytes_read;
            snprintf(eta, sizeof eta, "  ETA %d:%02d:%02d", (int)left / 3600,
                     (int)left / 60 % 60, (int)left % 60);
        }
        snprintf(line, sizeof line,
                 "%llu documents  %.1f MB/s  %.0f sentences/s  %llu found%s",
                 (unsigned long long)c->documents, (double)c->bytes_read / s / 1e6,
                 (double)c->sentences / s, (unsigned long long)c->statements, eta);
        fprintf(stderr, "\r%.*s\033[K", p->width - 1, line);
    }
    return args_stopped();
}

static bool parse_shard(const char *text, struct score_options *o)
{
    char extra;

    if (sscanf(text, "%u/%u%c", &o->shard_index, &o->shard_count, &extra) == 2 &&
        o->shard_count > 0 && o->shard_index < o->shard_count && text[0] != '-')
        return true;
    args_usage("score", "--shard wants I/N with I from 0 to N-1, not \"%s\"", text);
    return false;
}

static bool parse_word(const char *option, const char *text, const char *const *words,
                       int *out)
{
    for (int i = 0; words[i]; i++)
        if (!strcmp(text, words[i])) {
            *out = i;
            return true;
        }
    args_usage("score", "%s does not know \"%s\"", option, text);
    return false;
}

/* One option into *o; false when a message was printed. */
static bool parse_option(int code, const char *text, struct score_options *o)
{
    static const char *const formats[] = {"auto", "text", "jsonl", NULL};
    static const char *const encodings[] = {"auto", "utf-8", "utf-16le", "utf-16be",
                                            NULL};
    long n = 0;
    int word = 0;
    bool good = true;

    switch (code) {
    case 'o':
        o->folder = text;
        break;
    case OPT_FORCE:
        o->force = true;
        break;
    case OPT_ALL:
        o->all = true;
        break;
    case OPT_MIN_P:
        good = args_number("score", "--min-p", text, 0, 1, &o->min_p);
        break;
    case OPT_RECALL:
        good = args_number("score", "--recall", text, 0.01, 0.9999, &o->recall);
        break;
    case OPT_SENTENCES:
        o->source.sentences = true;
        break;
    case OPT_FORMAT:
        good = parse_word("--format", text, formats, &word);
        o->source.format = (enum source_format)word;
        break;
    case OPT_ENCODING:
        good = parse_word("--encoding", text, encodings, &word);
        o->source.encoding = (enum text_encoding)word;
        break;
    case OPT_TEXT:
        o->source.text_field = text;
        break;
    case OPT_ID:
        o->source.id_field = text;
        break;
    case OPT_LANG:
        o->source.lang_field = text;
        break;
    case OPT_DATE:
        o->source.date_field = text;
        break;
    case OPT_URL:
        o->source.url_field = text;
        break;
    case OPT_TITLE:
        o->source.title_field = text;
        break;
    case OPT_SOURCE:
        o->source.source_field = text;
        break;
    case OPT_MAX_REJECTS:
        good = args_integer("score", "--max-rejects", text, 0, 1L << 60, &n);
        o->limit_rejects = true;
        o->max_rejects = (uint64_t)n;
        break;
    case OPT_SHARD:
        good = parse_shard(text, o);
        break;
    case OPT_DEVICE:
        o->device = text;
        break;
    case OPT_THREADS:
        good = args_integer("score", "--threads", text, 1, 1024, &n);
        o->threads = (uint32_t)n;
        break;
    case OPT_BATCH:
        good = args_integer("score", "--batch", text, 1, 1 << 20, &n);
        o->batch = (uint32_t)n;
        break;
    case OPT_MODEL:
        o->model = text;
        break;
    case OPT_NO_SIEVE:
        o->no_sieve = true;
        break;
    default:
        good = false; /* getopt has said why */
    }
    return good;
}

/* What each step saw and cost. */
static void print_steps(const struct score_counts *c)
{
    const struct cascade_counts *s = &c->steps;

    fprintf(stderr, "fecit score:");
    if (s->sieved > 0)
        fprintf(stderr, " sieve: %llu sentences, %.1f s;",
                (unsigned long long)s->sieved, (double)s->sieved_ns * 1e-9);
    if (s->middle > 0)
        fprintf(stderr, " small encoder: %llu, %.1f s;", (unsigned long long)s->middle,
                (double)s->middle_ns * 1e-9);
    fprintf(stderr, " reader: %llu (%.1f %%), %llu of them different, %.1f s\n",
            (unsigned long long)s->candidates,
            100.0 * (double)s->candidates / (double)(c->sentences ? c->sentences : 1),
            (unsigned long long)s->read, (double)s->read_ns * 1e-9);
}

static void print_summary(const struct score_options *o, const struct score_counts *c)
{
    const double s = c->seconds > 0 ? c->seconds : 1;

    fprintf(stderr,
            "fecit score: %llu documents, %llu sentences, %llu statements in %.1f s "
            "(%.1f MB/s, %.0f sentences/s)\n",
            (unsigned long long)c->documents, (unsigned long long)c->sentences,
            (unsigned long long)c->statements, c->seconds,
            (double)c->text_bytes / s / 1e6, (double)c->sentences / s);
    if (c->steps.sieved > 0 || c->steps.candidates > 0) print_steps(c);
    if (c->repaired > 0)
        fprintf(stderr, "fecit score: %llu damaged characters repaired\n",
                (unsigned long long)c->repaired);
    if (c->rejects > 0)
        fprintf(
            stderr,
            "fecit score: %llu records could not be read; %s/rejects.jsonl says why\n",
            (unsigned long long)c->rejects, o->folder);
}

int cmd_score(int argc, char **argv)
{
    struct score_options o = {0};
    struct score_counts counts = {0};
    struct progress progress = {0};
    enum fecit_status st;
    bool quiet = false;
    int code;

    optind = 1;
    while ((code = getopt_long(argc, argv, "o:qh", long_options, NULL)) != -1) {
        if (code == 'h') {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        if (code == 'q')
            quiet = true;
        else if (!parse_option(code, optarg, &o))
            return code == '?' ? args_usage("score", "unknown or incomplete option")
                               : EXIT_USAGE;
    }
    o.inputs = (const char *const *)argv + optind;
    o.n_inputs = (uint32_t)(argc - optind);
    if (o.n_inputs == 0) return args_usage("score", "no input named");
    if (!o.folder) return args_usage("score", "no output folder named (-o OUT)");
    progress.width = quiet ? 0 : args_terminal_width(stderr);
    o.report = on_report;
    o.self = &progress;
    args_catch_signals();
    st = score_run(&o, &counts);
    if (progress.width > 0) fprintf(stderr, "\r\033[K");
    if (!quiet && counts.documents > 0) print_summary(&o, &counts);
    return st == FECIT_OK ? EXIT_DONE : args_failed("score", st);
}

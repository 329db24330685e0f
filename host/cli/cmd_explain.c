/* cmd_explain.c -- fecit explain: why a sentence got its class. */
#include "../cascade.h"
#include "../language.h"
#include "args.h"
#include "explain_print.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "fecit explain [options] \"sentence\"...\n"
    "\n"
    "Shows what the stages make of a sentence: the sieve's score and what it lets "
    "through,\n"
    "the reader's class and probabilities, act and tie, who is who, the pieces the\n"
    "models see, and for each word how the log-odds of p (that it is a statement) "
    "change\n"
    "when it is hidden (occlusion, Zeiler and Fergus 2014, arXiv:1311.2901): what "
    "makes\n"
    "them fall most is what the class rests on. - reads sentences from standard "
    "input,\n"
    "one a line.\n"
    "\n"
    "      --lang L       language of the sentences (ar, en ...); default: guessed\n"
    "      --model DIR    as in fecit score      --device D\n"
    "      --json         one JSON object a sentence\n"
    "  -h, --help\n"
    "\n"
    "Exit codes: 0 done, 1 usage, 2 bad input, 3 model or device refused.\n";

enum option_code { OPT_LANG = 256, OPT_MODEL, OPT_DEVICE, OPT_JSON };

static const struct option long_options[] = {
    {"lang", required_argument, NULL, OPT_LANG},
    {"model", required_argument, NULL, OPT_MODEL},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static enum fecit_status words_find(struct explaining *x, struct explained *e)
{
    enum fecit_status st = FECIT_OK;
    const struct token_list *l = &x->tools.pieces;
    size_t start, end;

    TRY_MEM(e->words = mem_new(l->count, sizeof *e->words));
    for (uint32_t i = 0; i < l->count && i < READING_MOST; i++) {
        struct word *last = e->n_words ? &e->words[e->n_words - 1] : NULL;
        bool word;
        start = l->starts[i];
        end = l->ends[i];
        word = segment_words_cover(x->tools.words, &start, &end);
        if (!word && start == end) { /* the bare mark: with the word that follows */
            start = i + 1 < l->count ? l->starts[i + 1] : start;
            end = i + 1 < l->count ? l->ends[i + 1] : end;
            word = segment_words_cover(x->tools.words, &start, &end);
        }
        if (last && last->word && word && start < last->end) {
            last->count++;
            continue;
        }
        e->words[e->n_words++] = (struct word){i, 1, start, end, word, 0};
    }
done:
    return st;
}

/* Near 0 and 1 p itself hardly moves. */
static float log_odds(float p)
{
    const float least = 1e-6f;

    p = p < least ? least : p > 1 - least ? 1 - least : p;
    return logf(p / (1 - p));
}

/* The reader over the sentence and over its copies with a word hidden in each. */
static enum fecit_status read_all(struct explaining *x, struct explained *e)
{
    enum fecit_status st;
    const struct model *m = x->engine.model;
    const struct model_calibration *c = model_reader_calibration(&m->reader, e->lang);
    const struct token_list *l = &x->tools.pieces;
    const uint32_t n = (uint32_t)(l->count < READING_MOST ? l->count : READING_MOST);
    struct reading *in = NULL;
    struct verdict hidden;
    uint32_t ids[READING_MOST];

    TRY(reading_new(e->n_words + 1, (e->n_words + 1) * (n + 2), m->vocabulary->bos,
                    m->vocabulary->eos, &in));
    reading_push(in, l->ids, n);
    for (uint32_t w = 0; w < e->n_words; w++) {
        memcpy(ids, l->ids, n * sizeof *ids);
        for (uint32_t i = 0; i < e->words[w].count; i++)
            ids[e->words[w].first + i] = m->vocabulary->unk;
        reading_push(in, ids, n);
    }
    TRY(reader_run(x->engine.reader, in));
    TRY(reader_wait(x->engine.reader, in));
    verdict_class(c, in->heads, m->reader.threshold, &e->verdict);
    if (n < ENGINE_LEAST) { /* as fecit score: too short for anybody */
        e->verdict = (struct verdict){.p_class = {1, 0, 0, 0}};
        e->n_words = 0;
        goto done;
    }
    TRY(verdict_roles(&x->tools, e->text, e->size, in->heads, in->tags, n + 2,
                      &e->verdict));
    for (uint32_t w = 0; w < e->n_words; w++) {
        verdict_class(c, in->heads + (size_t)(w + 1) * READING_HEADS, 0, &hidden);
        e->words[w].change = log_odds(hidden.p) - log_odds(e->verdict.p);
    }
done:
    reading_free(in);
    return st;
}

/* The recall fecit score would use, or the most that the model's curve reaches. */
static double recall_of(const struct model_reader *r, const char *lang)
{
    const struct model_curve *c = model_cascade_curve(&r->after_sieve, lang);

    return c && (double)c->points[0].recall < CASCADE_RECALL
               ? (double)c->points[0].recall
               : CASCADE_RECALL;
}

static enum fecit_status sieve_one(struct explaining *x, struct explained *e)
{
    enum fecit_status st;
    struct batch *b = NULL;
    const struct token_list *l = &x->tools.pieces;
    const struct model *m = x->engine.model;
    float p_class[FECIT_LABELS];

    TRY(batch_new(1, &b));
    batch_push(b, l->ids, (uint32_t)l->count);
    TRY(sieve_run(x->engine.sieve, b));
    TRY(sieve_wait(x->engine.sieve, b));
    engine_label((uint32_t)l->count, b->p, m->threshold, &e->verdict.label, &e->sieve,
                 p_class);
    memcpy(e->verdict.p_class, p_class, sizeof p_class);
    e->verdict.p = e->sieve;
    TRY(cascade_pass(&m->reader, e->lang, recall_of(&m->reader, e->lang), e->pass));
done:
    batch_free(b);
    return st;
}

/* p of the small encoder between sieve and reader. */
static enum fecit_status middle_one(struct explaining *x, struct explained *e)
{
    enum fecit_status st = FECIT_OK;
    const struct token_list *l = &x->tools.pieces;
    const struct reader_weights *w = &x->engine.model->reader.middle;
    struct reading *in = NULL;

    if (!x->engine.middle) return FECIT_OK;
    TRY(reading_new(1, 0, w->bos, w->eos, &in));
    reading_push(in, l->ids, (uint32_t)l->count);
    TRY(reader_run(x->engine.middle, in));
    TRY(reader_wait(x->engine.middle, in));
    e->middle = cascade_middle_p(in->heads);
done:
    reading_free(in);
    return st;
}

/* ---- the command -------------------------------------------------------------------- */

static enum fecit_status explain(struct explaining *x, const char *text, size_t size)
{
    enum fecit_status st = FECIT_OK;
    struct explained e = {.text = text, .size = size};

    if (!json_utf8_check(text, size))
        FAIL(FECIT_E_INPUT, "\"%.*s\" is not UTF-8; convert it first",
             (int)(size < 60 ? size : 60), text);
    e.lang = x->lang ? x->lang : language_of(text, size);
    x->tools.pieces.count = 0;
    TRY(tokens_push(x->tools.tokens, text, size, &x->tools.pieces, NULL));
    TRY(segment_words_text(x->tools.words, text, size));
    TRY(words_find(x, &e));
    TRY(sieve_one(x, &e));
    TRY(middle_one(x, &e));
    if (x->engine.reader)
        TRY(read_all(x, &e));
    else
        e.n_words = 0;
    if (x->json)
        TRY(explain_print_json(x, &e));
    else
        explain_print_text(x, &e);
done:
    mem_free(e.words);
    return st;
}

static enum fecit_status explain_lines(struct explaining *x)
{
    enum fecit_status st = FECIT_OK;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;

    for (uint64_t n = 1; (size = getline(&line, &capacity, stdin)) >= 0; n++) {
        while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
            size--;
        if (size == 0) continue;
        st = explain(x, line, (size_t)size);
        if (st != FECIT_OK) {
            status_prefix(st, "line %llu", (unsigned long long)n);
            break;
        }
    }
    mem_free(line);
    return st;
}

static enum fecit_status run(struct explaining *x, const char *model,
                             const char *device, char *const *texts, int n)
{
    enum fecit_status st;

    TRY(engine_open(&x->engine, model, device));
    TRY(verdict_tools_init(&x->tools, x->engine.model));
    for (int i = 0; i < n; i++)
        if (!strcmp(texts[i], "-"))
            TRY(explain_lines(x));
        else
            TRY(explain(x, texts[i], strlen(texts[i])));
done:
    verdict_tools_clear(&x->tools);
    engine_close(&x->engine);
    return st;
}

int cmd_explain(int argc, char **argv)
{
    struct explaining x = {0};
    const char *model = NULL, *device = NULL;
    enum fecit_status st;
    int code;

    optind = 1;
    while ((code = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
        switch (code) {
        case 'h':
            fputs(help, stdout);
            return EXIT_DONE;
        case OPT_LANG:
            x.lang = optarg;
            break;
        case OPT_MODEL:
            model = optarg;
            break;
        case OPT_DEVICE:
            device = optarg;
            break;
        case OPT_JSON:
            x.json = true;
            break;
        default:
            return args_usage("explain", "unknown or incomplete option");
        }
    if (optind == argc) return args_usage("explain", "no sentence given");
    st = run(&x, model, device, argv + optind, argc - optind);
    return st == FECIT_OK ? args_flush("explain") : args_failed("explain", st);
}

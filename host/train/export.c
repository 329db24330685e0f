#include "export.h"
#include "../base/disk.h"
#include "../base/json.h"
#include "../model.h"

#include <stdio.h>
#include <string.h>

#define KNOWN           16   /* known answers written */
#define KNOWN_TOLERANCE 1e-3 /* float sums on another device differ by about 1e-6 */

/* Recall against cost: [[recall, threshold, pass], ...] by falling recall. */
static enum fecit_status curve_print(const struct export *e, struct bytes *out)
{
    static const double recalls[] = {.995, .99, .98, .97, .96, .95, .93, .9, .87, .85,
                                     .8,   .75, .7,  .6,  .5,  .4,  .3,  .2, .1,  .05};
    enum fecit_status st = FECIT_OK;
    float threshold, pass;

    TRY(bytes_print(out, "["));
    for (size_t i = 0; i < sizeof recalls / sizeof *recalls; i++) {
        TRY(evaluate_recall(e->p, e->labels, e->n_validation, recalls[i], &threshold,
                            &pass));
        TRY(bytes_print(out, "%s[%g, %.6f, %.4f]", i ? ", " : "", recalls[i],
                        (double)threshold, (double)pass));
    }
    TRY(bytes_print(out, "]%c", 0));
done:
    return st;
}

/* Up to KNOWN texts from the JSON lines in `known`, else of the validation part. */
static enum fecit_status known_texts(const struct export *e,
                                     struct model_answers *known)
{
    enum fecit_status st = FECIT_OK;
    struct json_reader *reader = NULL;
    struct disk_map map = {0};
    struct json row, value;
    const char *line, *text;
    size_t size, at = 0;

    if (!e->options->known) {
        for (size_t i = 0; i < e->examples->n && known->n < KNOWN; i++) {
            const char *own = e->examples->items[i].text;
            if (e->examples->items[i].part != EXAMPLES_VALIDATION) continue;
            TRY(model_answers_push(known, own, strlen(own)));
        }
        goto done;
    }
    TRY(json_reader_new(&reader));
    TRY(disk_map(e->options->known, FECIT_E_INPUT, &map));
    while (known->n < KNOWN && disk_line(&map, &at, &line, &size)) {
        if (json_parse(reader, line, size, &row, NULL) != FECIT_OK) continue;
        if (!json_get(row, "text", &value) || !json_text(value, &text, &size)) continue;
        TRY(model_answers_push(known, text, size));
    }
    if (known->n == 0)
        FAIL(FECIT_E_INPUT,
             "%s: expected JSON lines with \"text\" for the known answers",
             e->options->known);
done:
    disk_unmap(&map);
    json_reader_free(reader);
    return st;
}

/* Their probabilities as the host computes them from the quantised weights. */
static enum fecit_status known_print(const struct export *e, struct bytes *out)
{
    enum fecit_status st;
    struct model_answers known = {0};
    struct batch *b = NULL;

    TRY(known_texts(e, &known));
    TRY(batch_new(KNOWN, &b));
    TRY(model_known_push(e->vocabulary, &e->tokens, &known, b));
    TRY(sieve_run_cpu(e->weights, b));
    TRY(bytes_print(out, "{\"tolerance\": %g, \"answers\": [", KNOWN_TOLERANCE));
    for (uint32_t i = 0; i < known.n; i++) {
        const float *p = b->p + (size_t)i * SHARED_CLASSES;
        TRY(bytes_print(out, "%s{\"text\": ", i ? ", " : ""));
        TRY(bytes_push_json(out, known.items[i].text, strlen(known.items[i].text)));
        TRY(bytes_print(out, ", \"p\": [%.7f, %.7f, %.7f, %.7f]}", (double)p[0],
                        (double)p[1], (double)p[2], (double)p[3]));
    }
    TRY(bytes_print(out, "]}%c", 0));
done:
    model_answers_clear(&known);
    batch_free(b);
    return st;
}

static enum fecit_status training_print(const struct export *e, struct bytes *out)
{
    const struct train_options *o = e->options;
    const struct train_result *r = e->result;
    enum fecit_status st = FECIT_OK;

    TRY(bytes_print(out,
                    "{\"sentences\": [%llu, %llu, %llu], \"taught\": %llu, \"seed\": "
                    "%llu, \"epoch\": %u, "
                    "\"rate_rows\": %g, \"rate_head\": %g, \"pull_rows\": %g, "
                    "\"decay_head\": %g, \"smoothing\": %g, \"drop_pieces\": %g, "
                    "\"positive_weight\": %g, \"batch\": %u, "
                    "\"validation\": {\"f1\": %.4f, \"auc\": %.4f, "
                    "\"average_precision\": %.4f}, \"languages\": [",
                    (unsigned long long)r->n[0], (unsigned long long)r->n[1],
                    (unsigned long long)r->n[2], (unsigned long long)r->taught,
                    (unsigned long long)r->kept_seed, r->kept_epoch,
                    (double)o->rate_rows, (double)o->rate_head, (double)o->pull_rows,
                    (double)o->decay_head, (double)o->smoothing, (double)o->drop_pieces,
                    (double)o->positive_weight, o->batch, r->validation.f1,
                    r->validation.auc, r->validation.average_precision));
    for (uint32_t i = 0; i < e->examples->n_languages; i++)
        TRY(bytes_print(out, "%s\"%s\"", i ? ", " : "", e->examples->languages[i]));
    TRY(bytes_print(out, "]}%c", 0));
done:
    return st;
}

enum fecit_status export_save(const struct export *e)
{
    enum fecit_status st;
    const struct sieve_weights *w = e->weights;
    const uint32_t width = sieve_width(w), last = w->hidden ? w->hidden : width;
    struct bytes curve = {0}, known = {0}, training = {0}, pools = {0};
    char temperature[32], threshold[32], digest[65];
    const struct tensor tensors[] = {
        {"sieve.rows",
         TENSOR_I8,
         2,
         {w->n_rows, w->dim},
         w->rows,
         (uint64_t)w->n_rows * w->dim},
        {"sieve.column_scale", TENSOR_F32, 1, {w->dim}, w->column_scale, w->dim * 4u},
        {"sieve.queries",
         TENSOR_F32,
         2,
         {w->n_queries, w->dim},
         w->queries,
         (uint64_t)w->n_queries * w->dim * 4},
        {"sieve.hidden.weight",
         TENSOR_F32,
         2,
         {w->hidden, width},
         w->hidden_weight,
         (uint64_t)w->hidden * width * 4},
        {"sieve.hidden.bias",
         TENSOR_F32,
         1,
         {w->hidden},
         w->hidden_bias,
         w->hidden * 4u},
        {"sieve.out.weight",
         TENSOR_F32,
         2,
         {SHARED_CLASSES, last},
         w->out_weight,
         (uint64_t)SHARED_CLASSES * last * 4},
        {"sieve.out.bias",
         TENSOR_F32,
         1,
         {SHARED_CLASSES},
         w->out_bias,
         SHARED_CLASSES * 4},
    };
    const uint32_t n = sizeof tensors / sizeof *tensors;

    TRY(curve_print(e, &curve));
    TRY(known_print(e, &known));
    TRY(training_print(e, &training));
    TRY(bytes_print(&pools, "%s%s%s%c", w->mean ? "mean " : "", w->max ? "max " : "",
                    w->n_queries ? "attention" : "", 0));
    snprintf(temperature, sizeof temperature, "%.6f", (double)w->temperature);
    snprintf(threshold, sizeof threshold, "%.6f", (double)e->result->threshold);
    tensors_digest(tensors, n, NULL, digest);
    {
        const struct note notes[] = {
            {"format", "fecit-attribution 2"},
            {"version", fecit_version()},
            {"vocabulary", e->vocabulary->digest},
            {"digest", digest},
            {"classes", "none asserted hedged denied"},
            {"pools", (const char *)pools.data},
            {"tokens", e->tokens.fold_arabic ? "whitespace fold-arabic" : "whitespace"},
            {"temperature", temperature},
            {"threshold", threshold},
            {"curve", (const char *)curve.data},
            {"known_answers", (const char *)known.data},
            {"training", (const char *)training.data},
            {"training_digest", e->examples->digest},
        };
        TRY(tensors_save(e->options->out, tensors, n, notes,
                         sizeof notes / sizeof *notes));
    }
done:
    bytes_clear(&curve);
    bytes_clear(&known);
    bytes_clear(&training);
    bytes_clear(&pools);
    return st;
}

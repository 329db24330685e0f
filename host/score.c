#include "score.h"
#include "results.h"
#include "window.h"

#include <stdio.h>
#include <string.h>

/* Of a parcel of short sentences: two windows' worth of parcels are held at a time. */
#define PARCEL_SENTENCES 200u

/* The document being written; its parts may lie in several parcels. */
struct document_state {
    uint64_t base; /* bytes of the parts before this one */
    uint32_t sentences, statements;
    uint64_t repaired;
    char lang[SCORE_LANGUAGE];
};

/* Invariants:
 * (1) parcels[0 .. n_parcels) are held in reading order; the cursor stands in parcels[0].
 * (2) everything before the cursor is written; sentences from the cursor on have been
 *     pushed to a window or come after all that have.
 * (3) rows leave in the order in which sentences were pushed, so that neither threads nor
 *     windows show in the results. */
struct road {
    const struct score_options *options;
    struct score_counts *counts;
    struct engine engine;
    struct feed *feed;
    struct cascade *cascade;
    struct window *windows[2]; /* one fills while the device works on the other */
    uint32_t filling;          /* index of the one that fills */
    bool running;              /* whether the other one is on the device */
    struct results *results;
    struct parcel **parcels; /* [hold] (1) */
    uint32_t n_parcels, hold;
    size_t item, sentence; /* the cursor: item of parcels[0], sentence of that item */
    struct document_state document;
    struct score_language languages[SCORE_LANGUAGES];
    uint32_t n_languages;
    uint64_t began, device_time, results_time;
};

static struct score_language *language_find(struct road *r, const char *code)
{
    for (uint32_t i = 0; i < r->n_languages; i++)
        if (!strcmp(r->languages[i].code, code)) return &r->languages[i];
    if (r->n_languages == SCORE_LANGUAGES - 1) code = "other";
    if (r->n_languages < SCORE_LANGUAGES) {
        struct score_language *c = &r->languages[r->n_languages++];
        snprintf(c->code, sizeof c->code, "%s", code);
        return c;
    }
    return &r->languages[SCORE_LANGUAGES - 1];
}

static enum fecit_status reject_write(struct road *r, const struct parcel_item *item)
{
    enum fecit_status st = FECIT_OK;
    const struct reject reject = {
        .file = item->document.file,
        .offset = item->document.offset,
        .line = item->line,
        .why = item->why,
        .head = item->head,
        .head_size = item->head_size,
    };

    r->counts->rejects++;
    TRY(results_push_reject(r->results, &reject));
    if (r->options->limit_rejects && r->counts->rejects > r->options->max_rejects)
        FAIL(
            FECIT_E_INPUT,
            "%s: byte %llu: %s; that is one more than --max-rejects %llu allows; mend "
            "the input or allow more (the rejects so far are in %s/rejects.jsonl.part)",
            reject.file, (unsigned long long)reject.offset, reject.why,
            (unsigned long long)r->options->max_rejects, r->options->folder);
done:
    return st;
}

static enum fecit_status document_write(struct road *r, const struct parcel_item *item)
{
    enum fecit_status st = FECIT_OK;
    const struct document *d = &item->document;
    const struct document_row row = {
        .doc = d->number,
        .doc_id = d->id,
        .file = d->file,
        .lang = r->document.lang,
        .date = d->date,
        .url = d->url,
        .title = d->title,
        .source = d->source,
        .offset = d->offset,
        .bytes = r->document.base,
        .sentences = r->document.sentences,
        .statements = r->document.statements,
        .repaired = r->document.repaired,
    };
    struct score_language *language = language_find(r, r->document.lang);

    language->documents++;
    language->sentences += row.sentences;
    language->statements += row.statements;
    r->counts->documents++;
    r->counts->repaired += row.repaired;
    TRY(results_push_document(r->results, &row));
done:
    return st;
}

/* The cursor stands at the start of `item`. */
static void item_begin(struct road *r, const struct parcel_item *item)
{
    if (item->document.part > 0) return;
    r->document = (struct document_state){0};
    snprintf(r->document.lang, sizeof r->document.lang, "%s", item->lang);
}

/* All sentences of `item` are written. */
static enum fecit_status item_end(struct road *r, const struct parcel_item *item)
{
    enum fecit_status st = FECIT_OK;

    if (item->why) return reject_write(r, item);
    r->document.base += item->text.size;
    r->document.repaired += item->repaired;
    r->counts->text_bytes += item->text.size;
    if (item->document.last) TRY(document_write(r, item));
done:
    return st;
}

/* Move the cursor to the next unwritten sentence, ending documents and handing parcels
 * back on the way. */
static enum fecit_status cursor_settle(struct road *r)
{
    enum fecit_status st = FECIT_OK;

    while (r->n_parcels > 0) {
        struct parcel *p = r->parcels[0];
        if (r->item == p->n_items) {
            feed_return(r->feed, p);
            r->n_parcels--;
            memmove(r->parcels, r->parcels + 1, r->n_parcels * sizeof *r->parcels);
            r->item = 0;
            continue;
        }
        if (r->sentence == 0) item_begin(r, &p->items[r->item]);
        if (r->sentence < p->items[r->item].count) break;
        TRY(item_end(r, &p->items[r->item]));
        r->item++;
        r->sentence = 0;
    }
done:
    return st;
}

/* The sentence at the cursor, number `k` of the window. */
static enum fecit_status sentence_write(struct road *r, struct window *w, uint32_t k)
{
    enum fecit_status st = FECIT_OK;
    struct parcel *parcel = r->parcels[0];
    const struct parcel_item *item = &parcel->items[r->item];
    const struct sentence *s = &parcel->sentences[item->first + r->sentence];
    struct verdict v;
    bool by_reader;
    struct row row = {
        .doc = item->document.number,
        .doc_id = item->document.id,
        .sent = r->document.sentences,
        .start = r->document.base + s->start,
        .end = r->document.base + s->end,
        .text = (const char *)item->text.data + s->start,
        .size = s->end - s->start,
        .lang = r->document.lang,
    };

    TRY(window_verdict(w, k, row.text, row.size, &v, &by_reader));
    row.label = v.label;
    row.p = v.p;
    memcpy(row.p_class, v.p_class, sizeof row.p_class);
    row.stage = by_reader ? RESULTS_READER : RESULTS_SIEVE;
    row.said = by_reader ? &v : NULL;
    r->document.sentences++;
    r->counts->sentences++;
    r->counts->labels[row.label]++;
    if (row.label != FECIT_NONE && row.p >= r->options->min_p) {
        r->document.statements++;
        r->counts->statements++;
        TRY(results_push_statement(r->results, &row));
    }
    if (r->options->all) TRY(results_push_sentence(r->results, &row));
    r->sentence++;
done:
    return st;
}

/* Wait for the window on the device and write its rows. */
static enum fecit_status scores_take(struct road *r)
{
    enum fecit_status st = FECIT_OK;
    struct window *w = r->windows[!r->filling];
    const uint64_t begin = parcel_clock();
    uint64_t waited;

    if (!r->running) return FECIT_OK;
    r->running = false;
    TRY(window_wait(w));
    waited = parcel_clock();
    for (uint32_t i = 0; i < window_count(w); i++) {
        TRY(cursor_settle(r));
        TRY(sentence_write(r, w, i));
    }
    TRY(cursor_settle(r));
    window_clear(w);
    r->device_time += waited - begin;
    r->results_time += parcel_clock() - waited;
done:
    return st;
}

/* Send the full window to the device and go on with the other. */
static enum fecit_status window_send(struct road *r)
{
    enum fecit_status st = FECIT_OK;
    struct window *w = r->windows[r->filling];
    const uint64_t begin = parcel_clock();

    if (window_count(w) > 0) TRY(window_launch(w));
    r->device_time += parcel_clock() - begin;
    /* What was launched before is waited for only now: both have been in the queue. */
    TRY(scores_take(r));
    if (window_count(w) > 0) {
        r->running = true;
        r->filling = !r->filling;
    }
done:
    return st;
}

static enum fecit_status parcel_score(struct road *r, struct parcel *p)
{
    enum fecit_status st = FECIT_OK;
    const size_t n = p->n_sentences; /* p is handed back once its last one is written */

    r->parcels[r->n_parcels++] = p;
    for (size_t k = 0; k < p->n_items; k++)
        for (size_t i = 0; i < p->items[k].count; i++) {
            const struct parcel_span s = p->spans[p->items[k].first + i];
            const uint32_t *ids = p->tokens.ids + s.begin;
            if (window_push(r->windows[r->filling], p->items[k].lang, ids, s.count))
                continue;
            TRY(window_send(r));
            window_push(r->windows[r->filling], p->items[k].lang, ids, s.count);
        }
    if (n == 0) TRY(cursor_settle(r));
done:
    return st;
}

static enum fecit_status report(struct road *r)
{
    enum fecit_status st = FECIT_OK;
    struct score_counts *c = r->counts;

    c->bytes_read = feed_read(r->feed);
    c->bytes_total = feed_total(r->feed);
    c->files = feed_files(r->feed);
    c->steps = cascade_counts(r->cascade);
    c->seconds = (double)(parcel_clock() - r->began) * 1e-9;
    if (r->options->report && r->options->report(r->options->self, c))
        FAIL(FECIT_E_STOPPED,
             "stopped after %llu documents; the same command starts again (%s holds "
             "unfinished .part files)",
             (unsigned long long)c->documents, r->options->folder);
done:
    return st;
}

/* Everything through the device, in order. */
static enum fecit_status road_run(struct road *r)
{
    enum fecit_status st = FECIT_OK;
    struct parcel *p;

    for (;;) {
        TRY(report(r));
        st = feed_next(r->feed, &p);
        if (st == FECIT_END) break;
        TRY(st);
        /* Nothing comes, or too much is held: what we hold may be what the feed waits for. */
        if (!p || r->n_parcels + 1 >= r->hold) {
            TRY(window_send(r));
            if (r->n_parcels + 1 >= r->hold) TRY(scores_take(r));
        }
        if (p) TRY(parcel_score(r, p));
    }
    TRY(window_send(r));
    TRY(scores_take(r));
    TRY(report(r));
done:
    return st;
}

/* run.json as it stands. */
static enum fecit_status run_save(struct road *r, bool complete)
{
    enum fecit_status st = FECIT_OK;
    struct bytes b = {0};
    const struct score_facts facts = {
        .options = r->options,
        .counts = r->counts,
        .engine = &r->engine,
        .languages = r->languages,
        .n_languages = r->n_languages,
        .threshold = cascade_threshold(r->cascade),
        .recall = cascade_recall(r->cascade),
        .times = r->feed ? feed_times(r->feed) : (struct parcel_times){0},
        .device_time = r->device_time,
        .results_time = r->results_time,
        .complete = complete,
    };

    TRY(score_facts_print(&facts, &b));
    TRY(results_save_run(r->results, (const char *)b.data, b.size));
done:
    bytes_clear(&b);
    return st;
}

static enum fecit_status road_open(struct road *r)
{
    enum fecit_status st = FECIT_OK;
    const struct score_options *o = r->options;
    struct feed_options feed = {
        .inputs = o->inputs,
        .n_inputs = o->n_inputs,
        .source = o->source,
        .threads = o->threads,
        .shard_index = o->shard_index,
        .shard_count = o->shard_count,
    };
    struct results_options results = {o->folder, o->all, o->force, NULL};

    TRY(engine_open(&r->engine, o->model, o->device));
    TRY(cascade_open(&r->engine,
                     &(struct cascade_options){.no_sieve = o->no_sieve,
                                               .recall = o->recall,
                                               .window = o->batch},
                     &r->cascade));
    for (int i = 0; i < 2; i++)
        TRY(window_new(r->cascade, &r->windows[i]));
    feed.hold = 2 * window_limit(r->windows[0]) / PARCEL_SENTENCES;
    feed.vocabulary = r->engine.model->vocabulary;
    feed.tokens = r->engine.model->tokens;
    TRY(feed_open(&feed, &r->feed));
    r->hold = feed_hold(r->feed);
    TRY_MEM(r->parcels = mem_new(r->hold + 1, sizeof *r->parcels));
    results.model_digest = r->engine.model->digest;
    TRY(results_open(&results, &r->results));
    TRY(run_save(r, false));
done:
    return st;
}

static void road_close(struct road *r)
{
    results_close(r->results);
    feed_close(r->feed);
    for (int i = 0; i < 2; i++) {
        if (r->windows[i]) window_wait(r->windows[i]);
        window_free(r->windows[i]);
    }
    cascade_close(r->cascade);
    mem_free(r->parcels);
    engine_close(&r->engine);
}

enum fecit_status score_run(const struct score_options *options,
                            struct score_counts *counts)
{
    enum fecit_status st = FECIT_OK;
    struct road *r = mem_new(1, sizeof *r);

    *counts = (struct score_counts){0};
    TRY_MEM(r);
    r->options = options;
    r->counts = counts;
    r->began = parcel_clock();
    TRY(road_open(r));
    TRY(road_run(r));
    TRY(results_finish(r->results));
    TRY(run_save(r, true));
    if (counts->documents == 0 && counts->rejects > 0)
        FAIL(FECIT_E_INPUT,
             "no document could be read: %llu rejects; %s/rejects.jsonl says why",
             (unsigned long long)counts->rejects, options->folder);
done:
    if (r) road_close(r);
    mem_free(r);
    return st;
}

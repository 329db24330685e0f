#include "score_facts.h"
#include "results.h"

#include <string.h>

static void push_text(struct bytes *b, const char *key, const char *text)
{
    bytes_print(b, "\"%s\": ", key);
    if (text)
        bytes_push_json(b, text, strlen(text));
    else
        bytes_print(b, "null");
    bytes_print(b, ", ");
}

static void push_languages(struct bytes *b, const struct score_facts *r)
{
    bytes_print(b, "  \"languages\": {");
    for (uint32_t i = 0; i < r->n_languages; i++) {
        const struct score_language *c = &r->languages[i];
        bytes_print(b, "%s\n    ", i ? "," : "");
        bytes_push_json(b, c->code, strlen(c->code));
        bytes_print(
            b, ": {\"documents\": %llu, \"sentences\": %llu, \"statements\": %llu}",
            (unsigned long long)c->documents, (unsigned long long)c->sentences,
            (unsigned long long)c->statements);
    }
    bytes_print(b, "%s},\n", r->n_languages ? "\n  " : "");
}

static void push_options(struct bytes *b, const struct score_facts *r)
{
    const struct score_options *o = r->options;
    static const char *const formats[] = {"auto", "text", "jsonl"};
    static const char *const encodings[] = {"auto", "utf-8", "utf-16le", "utf-16be"};

    bytes_print(b, "  \"options\": {");
    push_text(b, "format", formats[o->source.format]);
    push_text(b, "encoding", encodings[o->source.encoding]);
    push_text(b, "text_field", o->source.text_field);
    push_text(b, "id_field", o->source.id_field);
    bytes_print(b,
                "\"sentences\": %s, \"all\": %s, \"no_sieve\": %s, \"recall\": %.6g, "
                "\"min_p\": %.6g, \"shard\": [%u, %u]},\n",
                o->source.sentences ? "true" : "false", o->all ? "true" : "false",
                o->no_sieve ? "true" : "false", r->recall, o->min_p, o->shard_index,
                o->shard_count ? o->shard_count : 1);
    bytes_print(b, "  \"inputs\": [");
    for (uint32_t i = 0; i < o->n_inputs; i++) {
        if (i) bytes_print(b, ", ");
        bytes_push_json(b, o->inputs[i], strlen(o->inputs[i]));
    }
    bytes_print(b, "],\n");
}

/* What each step saw and cost. */
static void push_steps(struct bytes *b, const struct cascade_counts *steps)
{
    const struct cascade_counts c = *steps;

    bytes_print(
        b,
        "  \"steps\": {\"sieve\": {\"sentences\": %llu, \"seconds\": %.3f}, "
        "\"middle\": {\"sentences\": %llu, \"pieces\": %llu, \"seconds\": %.3f}, "
        "\"reader\": {\"candidates\": %llu, \"sentences\": %llu, \"pieces\": "
        "%llu, \"seconds\": "
        "%.3f}},\n",
        (unsigned long long)c.sieved, (double)c.sieved_ns * 1e-9,
        (unsigned long long)c.middle, (unsigned long long)c.middle_pieces,
        (double)c.middle_ns * 1e-9, (unsigned long long)c.candidates,
        (unsigned long long)c.read, (unsigned long long)c.read_pieces,
        (double)c.read_ns * 1e-9);
}

static void push_counts(struct bytes *b, const struct score_counts *c)
{
    bytes_print(b,
                "  \"counts\": {\"documents\": %llu, \"sentences\": %llu, "
                "\"statements\": %llu, \"rejects\": %llu, \"repaired\": %llu, "
                "\"files\": %llu, \"bytes_read\": %llu, \"text_bytes\": %llu",
                (unsigned long long)c->documents, (unsigned long long)c->sentences,
                (unsigned long long)c->statements, (unsigned long long)c->rejects,
                (unsigned long long)c->repaired, (unsigned long long)c->files,
                (unsigned long long)c->bytes_read, (unsigned long long)c->text_bytes);
    for (int i = 0; i < FECIT_LABELS; i++)
        bytes_print(b, ", \"class_%s\": %llu", fecit_label_name((enum fecit_label)i),
                    (unsigned long long)c->labels[i]);
    bytes_print(b, "},\n");
}

enum fecit_status score_facts_print(const struct score_facts *f, struct bytes *b)
{
    enum fecit_status st = FECIT_OK;
    const struct model *m = f->engine->model;
    const struct parcel_times *t = &f->times;

    bytes_print(b, "{\n  \"fecit\": \"run\", \"format\": %d, \"version\": \"%s\",\n",
                RESULTS_FORMAT, fecit_version());
    bytes_print(b, "  \"complete\": %s,\n  ", f->complete ? "true" : "false");
    push_text(b, "model", m->digest);
    push_text(b, "vocabulary", m->vocabulary->digest);
    bytes_print(b, "\"threshold\": %.6g,\n  ", (double)f->threshold);
    push_text(b, "device", device_name(f->engine->device));
    push_text(b, "driver", device_driver(f->engine->device));
    bytes_print(b, "\"threads\": %u,\n", f->options->threads);
    push_options(b, f);
    push_counts(b, f->counts);
    push_languages(b, f);
    push_steps(b, &f->counts->steps);
    bytes_print(b,
                "  \"seconds\": {\"source\": %.3f, \"text\": %.3f, \"segment\": %.3f, "
                "\"tokens\": %.3f, \"device_wait\": %.3f, \"results\": %.3f, "
                "\"wall\": %.3f}\n}\n",
                (double)t->source * 1e-9, (double)t->text * 1e-9,
                (double)t->segment * 1e-9, (double)t->tokens * 1e-9,
                (double)f->device_time * 1e-9, (double)f->results_time * 1e-9,
                f->counts->seconds);
    if (b->failed) FAIL(FECIT_E_MEMORY, "out of memory while writing run.json");
done:
    return st;
}

/* results_sample.h -- a small results folder with every kind of row, for the tests of
 * what writes, reads and verifies it. */
#ifndef TESTS_RESULTS_SAMPLE_H
#define TESTS_RESULTS_SAMPLE_H

#include "results.h"

#include "scratch.h"

struct sample_sentence {
    const char *text;
    enum fecit_label label;
    float p_class[FECIT_LABELS];
};

/* Three documents: two sentences, none, three. The sentences of a document stand one
 * after the other with one byte between them. */
static const struct sample_sentence sample_sentences[] = {
    {"The ministry accused Norway of hacking its mail.",
     FECIT_ASSERTED,
     {.1f, .7f, .1f, .1f}},
    {"Rain is likely.", FECIT_NONE, {.97f, .01f, .01f, .01f}},
    {"ربما تكون بلادهم وراء الهجوم.", FECIT_HEDGED, {.2f, .1f, .6f, .1f}},
    {"我们否认一切指控。", FECIT_DENIED, {.3f, .1f, .1f, .5f}},
    {"", FECIT_NONE, {1, 0, 0, 0}},
};
static const struct {
    const char *id, *file, *lang;
    int first, count;
} sample_documents[] = {
    {"a-1", "news/one.jsonl", "en", 0, 2},
    {"b", "news/empty.txt", "und", 2, 0},
    {"c\xc3\xa9", "news/\xff.txt", "ar", 2, 3},
};
enum { SAMPLE_DOCUMENTS = 3, SAMPLE_SENTENCES = 5, SAMPLE_STATEMENTS = 3 };

static const char sample_run[] =
    "{\"fecit\": \"run\", \"format\": 1, \"version\": \"" FECIT_VERSION
    "\", "
    "\"complete\": %s, \"model\": \"abc\", \"options\": {\"all\": %s}, "
    "\"counts\": {\"documents\": 3, \"sentences\": 5, \"statements\": 3, \"rejects\": "
    "2, "
    "\"repaired\": 4}}\n";

static inline enum fecit_status sample_run_save(struct results *r, int complete,
                                                int all)
{
    char json[512];
    const int n = snprintf(json, sizeof json, sample_run, complete ? "true" : "false",
                           all ? "true" : "false");

    return results_save_run(r, json, (size_t)n);
}

static inline enum fecit_status sample_document_push(struct results *r, int d, int all)
{
    enum fecit_status st = FECIT_OK;
    struct document_row document = {.doc = (uint64_t)d,
                                    .doc_id = sample_documents[d].id,
                                    .file = sample_documents[d].file,
                                    .lang = sample_documents[d].lang,
                                    .url = d ? NULL : "https://news.example/1",
                                    .offset = (uint64_t)d << 33,
                                    .repaired = d == 2 ? 4 : 0};
    uint64_t at = 0;

    for (int i = 0; i < sample_documents[d].count; i++) {
        const struct sample_sentence *s =
            &sample_sentences[sample_documents[d].first + i];
        struct row row = {.doc = document.doc,
                          .doc_id = document.doc_id,
                          .sent = (uint32_t)i,
                          .start = at,
                          .end = at + strlen(s->text),
                          .text = s->text,
                          .size = strlen(s->text),
                          .lang = document.lang,
                          .label = s->label,
                          .p = 1 - s->p_class[0]};
        memcpy(row.p_class, s->p_class, sizeof row.p_class);
        if (s->label != FECIT_NONE) {
            document.statements++;
            TRY(results_push_statement(r, &row));
        }
        if (all) TRY(results_push_sentence(r, &row));
        document.sentences++;
        at = document.bytes = row.end;
        at++;
    }
    TRY(results_push_document(r, &document));
done:
    return st;
}

static inline enum fecit_status sample_rejects_push(struct results *r)
{
    enum fecit_status st = FECIT_OK;
    const struct reject first = {"news/\xff.txt",         77, 3, "not \"JSON\"",
                                 (const uint8_t *)"{\"a", 3};
    const struct reject second = {"news/x.bin", 0, 0, "a binary file", NULL, 0};

    TRY(results_push_reject(r, &first));
    TRY(results_push_reject(r, &second));
done:
    return st;
}

/* The whole folder. Any failure on the way is returned. */
static inline enum fecit_status sample_folder(const char *folder, int all, int force)
{
    enum fecit_status st = FECIT_OK;
    const struct results_options options = {folder, all, force, "abc"};
    struct results *r = NULL;

    TRY(results_open(&options, &r));
    TRY(sample_run_save(r, 0, all));
    for (int d = 0; d < SAMPLE_DOCUMENTS; d++)
        TRY(sample_document_push(r, d, all));
    TRY(sample_rejects_push(r));
    TRY(results_finish(r));
    TRY(sample_run_save(r, 1, all));
done:
    results_close(r);
    return st;
}

static inline const char *sample_file(const char *folder, const char *name)
{
    static char paths[4][300];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

#endif

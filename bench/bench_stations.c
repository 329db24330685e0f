/* bench_stations.c -- how fast the host's stations are before the pieces, one thread.
 *
 *     bench_stations FILE.jsonl ...     PASSES=20 for more passes
 *
 * For each file: MB of UTF-8 text (source: of file) a second of this thread's processor
 * time, best pass of PASSES. Every pass reads the same documents, so they are warm. */
#include "language.h"
#include "segment.h"
#include "source.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum station { SOURCE, TEXT, SEGMENT, LANGUAGE, STATIONS };

struct work {
    const char *path;
    struct segment *segment;
    struct bytes *texts; /* [capacity], n_texts in use */
    size_t n_texts, capacity;
    size_t file_size, text_size; /* bytes */
    uint64_t sentences;
    double best[STATIONS]; /* seconds */
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static enum fecit_status ignore(void *self, const struct reject *r)
{
    (void)self;
    (void)r;
    return FECIT_OK;
}

/* Read the file; the first time, keep its texts. */
static enum fecit_status source_pass(struct work *w, bool keep)
{
    const struct source_options options = {0};
    enum fecit_status st;
    struct source *source = NULL;
    struct document d = {0};

    TRY(source_open(&w->path, 1, &options, ignore, NULL, &source));
    while ((st = source_next(source, &d)) == FECIT_OK) {
        void *grown;
        if (!keep) continue;
        TRY_MEM(grown =
                    mem_grow(w->texts, &w->capacity, w->n_texts + 1, sizeof *w->texts));
        w->texts = grown;
        w->texts[w->n_texts++] = d.raw;
        w->text_size += d.raw.size;
        d.raw = (struct bytes){0};
    }
    if (st == FECIT_END) st = FECIT_OK;
    w->file_size = (size_t)source_read(source);
done:
    document_clear(&d);
    source_close(source);
    return st;
}

static enum fecit_status text_pass(struct work *w)
{
    enum fecit_status st = FECIT_OK;
    struct bytes out = {0};
    uint64_t repaired;

    for (size_t i = 0; i < w->n_texts; i++)
        TRY(text_read(w->texts[i].data, w->texts[i].size, TEXT_UTF8, 1, &out,
                      &repaired));
done:
    bytes_clear(&out);
    return st;
}

static enum fecit_status segment_pass(struct work *w)
{
    enum fecit_status st = FECIT_OK;
    struct sentence s;

    w->sentences = 0;
    for (size_t i = 0; i < w->n_texts; i++) {
        TRY(segment_text(w->segment, (const char *)w->texts[i].data, w->texts[i].size));
        while ((st = segment_next(w->segment, &s)) == FECIT_OK)
            w->sentences++;
        if (st != FECIT_END) goto done;
        st = FECIT_OK;
    }
done:
    return st;
}

static void language_pass(struct work *w)
{
    for (size_t i = 0; i < w->n_texts; i++)
        language_of((const char *)w->texts[i].data, w->texts[i].size);
}

static enum fecit_status run(struct work *w, int passes)
{
    enum fecit_status st = FECIT_OK;

    TRY(segment_new(&w->segment));
    TRY(source_pass(w, true));
    for (int pass = 0; pass < passes; pass++)
        for (enum station k = 0; k < STATIONS; k++) {
            const double begin = now();
            double took;
            if (k == SOURCE) TRY(source_pass(w, false));
            if (k == TEXT) TRY(text_pass(w));
            if (k == SEGMENT) TRY(segment_pass(w));
            if (k == LANGUAGE) language_pass(w);
            took = now() - begin;
            if (pass == 0 || took < w->best[k]) w->best[k] = took;
        }
done:
    return st;
}

int main(int argc, char **argv)
{
    const int passes = getenv("PASSES") ? atoi(getenv("PASSES")) : 10;
    int failed = argc < 2;

    if (argc < 2) fprintf(stderr, "usage: bench_stations FILE.jsonl ...\n");
    printf("MB/s     source     text  segment  language  documents  sentences  MB\n");
    for (int i = 1; i < argc; i++) {
        struct work w = {.path = argv[i]};
        if (run(&w, passes) != FECIT_OK) {
            fprintf(stderr, "%s\n", status_text());
            failed = 1;
        } else {
            const double mb = 1e-6 * (double)w.text_size;
            printf("      %9.0f%9.0f%9.0f%10.0f%11zu%11llu  %.2f  %s\n",
                   1e-6 * (double)w.file_size / w.best[SOURCE], mb / w.best[TEXT],
                   mb / w.best[SEGMENT], mb / w.best[LANGUAGE], w.n_texts,
                   (unsigned long long)w.sentences, mb, w.path);
        }
        for (size_t k = 0; k < w.n_texts; k++)
            bytes_clear(&w.texts[k]);
        mem_free(w.texts);
        segment_free(w.segment);
    }
    return failed;
}

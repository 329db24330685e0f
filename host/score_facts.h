/* score_facts.h -- what a run is asked for, what it counts, and what run.json tells of both. */
#ifndef SCORE_FACTS_H
#define SCORE_FACTS_H

#include "cascade.h"
#include "feed.h"

struct score_counts {
    uint64_t documents, sentences, statements, rejects, repaired;
    uint64_t bytes_read, bytes_total; /* of the inputs; total 0 = unknown */
    uint64_t text_bytes;              /* UTF-8 text scored */
    uint64_t files;
    uint64_t labels[FECIT_LABELS]; /* sentences by class */
    struct cascade_counts steps;   /* what each stage saw and cost */
    double seconds;                /* wall clock since the start */
};

/* Called a few times a second from the calling thread; nonzero stops the run
 * (FECIT_E_STOPPED). */
typedef int (*score_report)(void *self, const struct score_counts *so_far);

struct score_options {
    const char *const *inputs; /* [n_inputs] */
    uint32_t n_inputs;
    struct source_options source;
    const char *folder;         /* where the results go */
    const char *model, *device; /* NULL: see engine_open() */
    bool all, force;
    bool no_sieve; /* the reader reads every sentence */
    double recall; /* see struct cascade_options */
    double min_p;  /* statements below are not written (their class stays) */
    uint32_t threads,
        batch; /* 0: as many as processors; of a window, 0: see cascade_options */
    uint32_t shard_index, shard_count;
    bool limit_rejects;
    uint64_t max_rejects;
    score_report report; /* NULL is fine */
    void *self;
};

#define SCORE_LANGUAGES 256 /* told apart in run.json; the rest is counted as "other" */
#define SCORE_LANGUAGE  16  /* bytes of a code */

struct score_language {
    char code[SCORE_LANGUAGE];
    uint64_t documents, sentences, statements;
};

struct score_facts {
    const struct score_options *options;
    const struct score_counts *counts;
    const struct engine *engine;
    const struct score_language *languages; /* [n_languages] */
    uint32_t n_languages;
    float threshold;
    double recall; /* in force */
    struct parcel_times times;
    uint64_t device_time, results_time; /* nanoseconds */
    bool complete;
};

/* As JSON onto the end of b. */
enum fecit_status score_facts_print(const struct score_facts *f, struct bytes *b);

#endif

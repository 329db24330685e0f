/* test_feed.c -- parcels arrive in reading order and whole, for any thread count; threads
 * stop when asked, also in mid-run. Runs under ThreadSanitizer in make test-sanitize. */
#include "feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct vocabulary *vocabulary;
static char path[64];
enum { DOCUMENTS = 3000 };

static int set_up(void **state)
{
    const char *models = getenv("FECIT_MODEL");
    char file[512];
    int fd;
    FILE *f;

    (void)state;
    snprintf(file, sizeof file, "%s/vocabulary.safetensors",
             models ? models : "models");
    if (vocabulary_load(file, &vocabulary) != FECIT_OK) return -1;
    strcpy(path, "/tmp/fecit-feed-XXXXXX");
    fd = mkstemp(path);
    f = fdopen(fd, "w");
    for (int i = 0; i < DOCUMENTS; i++) {
        if (i % 100 == 50) fprintf(f, "this line is no JSON\n");
        fprintf(f,
                "{\"id\":\"d%d\",\"text\":\"Report %d came in. The ministry said "
                "nothing. %s\"}\n",
                i, i, i % 7 ? "وقال المتحدث إن العمل مستمر." : "");
    }
    fclose(f);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    vocabulary_free(vocabulary);
    return 0;
}

static struct feed_options options_for(const char *const *inputs, uint32_t threads)
{
    struct feed_options o = {0};

    o.inputs = inputs;
    o.n_inputs = 1;
    o.source.format = SOURCE_JSONL;
    o.vocabulary = vocabulary;
    o.tokens.fold_arabic = true;
    o.threads = threads;
    return o;
}

/* A number that depends on every id, span and sentence, in order. */
static uint64_t read_all(uint32_t threads, uint64_t *documents, uint64_t *rejects)
{
    const char *inputs[] = {path};
    struct feed_options o = options_for(inputs, threads);
    struct feed *f = NULL;
    struct parcel *p;
    enum fecit_status st;
    uint64_t sum = 14695981039346656037u;

    assert_int_equal(feed_open(&o, &f), FECIT_OK);
    while ((st = feed_next(f, &p)) == FECIT_OK) {
        if (!p) continue;
        for (size_t i = 0; i < p->n_items; i++) {
            const struct parcel_item *item = &p->items[i];
            if (item->why) {
                ++*rejects;
                continue;
            }
            char want[16];
            snprintf(want, sizeof want, "d%llu", (unsigned long long)*documents);
            assert_string_equal(item->document.id, want);
            assert_int_equal(item->count, *documents % 7 ? 3 : 2);
            ++*documents;
        }
        for (size_t i = 0; i < p->tokens.count; i++)
            sum = (sum ^ p->tokens.ids[i]) * 1099511628211u;
        for (size_t i = 0; i < p->n_sentences; i++)
            sum = (sum ^ p->sentences[i].end ^ p->spans[i].count) * 1099511628211u;
        feed_return(f, p);
    }
    assert_int_equal(st, FECIT_END);
    feed_close(f);
    return sum;
}

static void test_any_thread_count(void **state)
{
    uint64_t documents = 0, rejects = 0;
    const uint64_t want = read_all(1, &documents, &rejects);

    (void)state;
    assert_int_equal(documents, DOCUMENTS);
    assert_int_equal(rejects, DOCUMENTS / 100);
    for (uint32_t threads = 2; threads <= 9; threads += 7) {
        documents = rejects = 0;
        assert_true(read_all(threads, &documents, &rejects) == want);
    }
}

static void test_close_in_mid_run(void **state)
{
    const char *inputs[] = {path};
    struct feed_options o = options_for(inputs, 3);

    (void)state;
    for (int take = 0; take < 3; take++) {
        struct feed *f = NULL;
        struct parcel *p = NULL;
        assert_int_equal(feed_open(&o, &f), FECIT_OK);
        for (int i = 0; i < take; i++) {
            while (!p)
                assert_int_equal(feed_next(f, &p), FECIT_OK);
            feed_return(f, p);
            p = NULL;
        }
        feed_close(f);
    }
}

static void test_missing_input(void **state)
{
    const char *inputs[] = {"/nonexistent/news.jsonl"};
    struct feed_options o = options_for(inputs, 2);
    struct feed *f = NULL;

    (void)state;
    assert_int_equal(feed_open(&o, &f), FECIT_E_INPUT);
    assert_non_null(strstr(status_text(), "/nonexistent/news.jsonl"));
    assert_null(f);
    feed_close(NULL);
}

static void test_shards_cover_all_once(void **state)
{
    const char *inputs[] = {path};
    unsigned char *seen = calloc(DOCUMENTS, 1);

    (void)state;
    for (uint32_t shard = 0; shard < 3; shard++) {
        struct feed_options o = options_for(inputs, 2);
        struct feed *f = NULL;
        struct parcel *p;
        o.shard_index = shard;
        o.shard_count = 3;
        assert_int_equal(feed_open(&o, &f), FECIT_OK);
        while (feed_next(f, &p) == FECIT_OK) {
            for (size_t i = 0; p && i < p->n_items; i++)
                if (!p->items[i].why) seen[p->items[i].document.number]++;
            if (p) feed_return(f, p);
        }
        feed_close(f);
    }
    for (int i = 0; i < DOCUMENTS; i++)
        assert_int_equal(seen[i], 1);
    free(seen);
}

static void test_out_of_memory(void **state)
{
    const char *inputs[] = {path};
    struct feed_options o = options_for(inputs, 2);

    (void)state;
    for (long n = 1; n < 400; n += n < 60 ? 1 : 37) {
        struct feed *f = NULL;
        struct parcel *p;
        enum fecit_status st;
        mem_fail_at(n);
        st = feed_open(&o, &f);
        while (st == FECIT_OK && (st = feed_next(f, &p)) == FECIT_OK)
            if (p) feed_return(f, p);
        mem_fail_at(0);
        assert_true(st == FECIT_E_MEMORY || st == FECIT_END);
        feed_close(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_thread_count),
        cmocka_unit_test(test_close_in_mid_run),
        cmocka_unit_test(test_missing_input),
        cmocka_unit_test(test_shards_cover_all_once),
        cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

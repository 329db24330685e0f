/* test_api.c -- the public library as a stranger would use it. */
#include <fecit.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const char news[] =
    "The ministry blamed Tehran for the breach. Rain is likely. "
    "Norway rejected the claim that its spies poisoned the envoy.";

struct seen {
    size_t n, end;
    float p[64];
    int stop_at;
};

static int look(void *self, const struct fecit_result *r)
{
    struct seen *seen = self;
    float sum = 0;

    assert_true(r->start >= seen->end && r->end > r->start);
    assert_true(r->size == r->end - r->start);
    for (int i = 0; i < FECIT_LABELS; i++)
        sum += r->p_class[i];
    assert_true(sum > 0.999f && sum < 1.001f);
    assert_true(r->p >= 0 && r->p <= 1.0001f);
    seen->end = r->end;
    seen->p[seen->n++ % 64] = r->p;
    return seen->stop_at && (int)seen->n == seen->stop_at;
}

static void test_three_sentences(void **state)
{
    struct fecit *f = NULL;
    struct seen seen = {0}, again = {0};

    (void)state;
    assert_int_equal(fecit_open(NULL, NULL, &f), FECIT_OK);
    assert_int_equal(fecit_score(f, news, strlen(news), look, &seen), FECIT_OK);
    assert_int_equal(seen.n, 3);
    assert_int_equal(seen.end, strlen(news));
    assert_int_equal(fecit_score(f, news, strlen(news), look, &again), FECIT_OK);
    assert_memory_equal(seen.p, again.p, 3 * sizeof(float));
    again = (struct seen){0};
    assert_int_equal(fecit_score(f, "", 0, look, &again), FECIT_OK);
    assert_int_equal(again.n, 0);
    again = (struct seen){.stop_at = 2};
    assert_int_equal(fecit_score(f, news, strlen(news), look, &again), FECIT_E_STOPPED);
    assert_int_equal(again.n, 2);
    again = (struct seen){0};
    assert_int_equal(fecit_score(f, "\xff\xfe\xfd bad bytes.", 14, look, &again),
                     FECIT_OK);
    assert_int_equal(again.n, 1);
    fecit_close(f);
}

static int is_none(void *self, const struct fecit_result *r)
{
    ++*(int *)self;
    assert_int_equal(r->label, FECIT_NONE);
    assert_true(r->p == 0 && r->p_class[FECIT_NONE] == 1);
    return 0;
}

/* A word or two hold no statement, whatever a bag makes of them. */
static void test_too_short(void **state)
{
    static const char words[] = "Moscow!\n\nSpies?\n\nWar.\n\n...\n";
    struct fecit *f = NULL;
    int n = 0;

    (void)state;
    assert_int_equal(fecit_open(NULL, NULL, &f), FECIT_OK);
    assert_int_equal(fecit_score(f, words, strlen(words), is_none, &n), FECIT_OK);
    assert_int_equal(n, 4);
    fecit_close(f);
}

static void test_wrong_use(void **state)
{
    struct fecit *f = NULL;
    struct fecit_options options = {.recall = 2};
    struct seen seen = {0};

    (void)state;
    assert_int_equal(fecit_open("no such folder", NULL, &f), FECIT_E_MODEL);
    assert_non_null(strstr(fecit_error(f), "no such folder"));
    assert_int_equal(fecit_score(f, "x", 1, look, &seen), FECIT_E_USAGE);
    fecit_close(f);
    assert_int_equal(fecit_open(NULL, &options, &f), FECIT_E_USAGE);
    assert_non_null(strstr(fecit_error(f), "recall"));
    fecit_close(f);
    assert_int_equal(fecit_open(NULL, NULL, NULL), FECIT_E_USAGE);
    assert_non_null(fecit_error(NULL));
    fecit_close(NULL);
    assert_string_equal(fecit_label_name(FECIT_HEDGED), "hedged");
}

static void *one_thread(void *self)
{
    struct seen *seen = self;
    struct fecit *f = NULL;

    if (fecit_open(NULL, NULL, &f) == FECIT_OK)
        for (int i = 0; i < 5; i++) {
            seen->n = seen->end = 0;
            if (fecit_score(f, news, strlen(news), look, seen) != FECIT_OK) break;
        }
    fecit_close(f);
    return NULL;
}

static void test_two_threads(void **state)
{
    pthread_t threads[2];
    struct seen seen[2] = {0};

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, one_thread, &seen[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(seen[0].n, 3);
    assert_memory_equal(seen[0].p, seen[1].p, 3 * sizeof(float));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_sentences),
        cmocka_unit_test(test_too_short),
        cmocka_unit_test(test_wrong_use),
        cmocka_unit_test(test_two_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

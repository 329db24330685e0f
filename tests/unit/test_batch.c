/* test_batch.c -- sentences go in whole, in order, or not at all. */
#include "batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void keeps_order_and_ids(void **state)
{
    const uint32_t ids[] = {7, 0, 99999, 7};
    struct batch *b = NULL;

    (void)state;
    assert_int_equal(batch_new(5, &b), FECIT_OK);
    assert_int_equal(b->n_spans, 0);
    assert_true(batch_push(b, ids, 4));
    assert_true(batch_push(b, NULL, 0));
    assert_true(batch_push(b, ids + 2, 1));
    assert_int_equal(b->n_spans, 3);
    assert_int_equal(b->n_ids, 5);
    for (uint32_t s = 0; s < 3; s++) {
        static const struct shared_span expected[] = {{0, 4}, {4, 0}, {4, 1}};
        assert_int_equal(b->spans[s].begin, expected[s].begin);
        assert_int_equal(b->spans[s].count, expected[s].count);
    }
    assert_memory_equal(b->ids, ids, sizeof ids);
    assert_int_equal(b->ids[4], 99999);
    batch_free(b);
    batch_free(NULL);
}

static void says_when_sentences_are_enough(void **state)
{
    const uint32_t id = 1;
    struct batch *b = NULL;

    (void)state;
    assert_int_equal(batch_new(3, &b), FECIT_OK);
    for (int round = 0; round < 3; round++) {
        for (int s = 0; s < 3; s++)
            assert_true(batch_push(b, &id, 1));
        assert_false(batch_push(b, &id, 1));
        assert_false(batch_push(b, NULL, 0)); /* an empty one counts too */
        assert_int_equal(b->n_spans, 3);
        assert_int_equal(b->n_ids, 3);
        batch_clear(b);
        assert_int_equal(b->n_spans, 0);
        assert_int_equal(b->n_ids, 0);
    }
    batch_free(b);
}

static void says_when_ids_are_enough(void **state)
{
    static uint32_t ids[BATCH_IDS + 1];
    struct batch *b = NULL;

    (void)state;
    assert_int_equal(batch_new(0, &b), FECIT_OK);
    assert_int_equal(b->spans_limit, BATCH_SENTENCES);
    assert_true(b->ids_limit >= BATCH_IDS);
    assert_false(batch_push(b, ids, b->ids_limit + 1));
    assert_false(batch_push(b, ids, UINT32_MAX)); /* no wrap */
    assert_int_equal(b->n_spans, 0);
    assert_true(batch_push(b, ids, b->ids_limit - 2));
    assert_false(batch_push(b, ids, 3));
    assert_true(batch_push(b, ids, 2));
    assert_false(batch_push(b, ids, 1));
    assert_true(batch_push(b, NULL, 0)); /* needs no room for ids */
    assert_int_equal(b->n_ids, b->ids_limit);
    batch_free(b);
}

static void many_sentences_have_many_ids(void **state)
{
    struct batch *b = NULL;

    (void)state;
    assert_int_equal(batch_new(100000, &b), FECIT_OK);
    assert_int_equal(b->spans_limit, 100000);
    assert_int_equal(b->ids_limit, 3200000);
    batch_free(b);
}

static void without_memory(void **state)
{
    (void)state;
    for (long n = 1; n <= 4; n++) {
        struct batch *b = NULL;
        mem_fail_at(n);
        assert_int_equal(batch_new(10, &b), FECIT_E_MEMORY);
        assert_null(b);
    }
    mem_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order_and_ids),
        cmocka_unit_test(says_when_sentences_are_enough),
        cmocka_unit_test(says_when_ids_are_enough),
        cmocka_unit_test(many_sentences_have_many_ids),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_words.c -- a word is found as it was put, or not at all; memory stays bounded.
 */
#include "base/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void fill(struct word *w, uint32_t id)
{
    w->n_ids = 1;
    w->ids[0] = id;
    w->ends[0] = w->size;
}

static void put_and_find(void **state)
{
    struct words *w = NULL;
    const uint8_t text[32] = "abcdefghijklmnopqrstuvwxyz01234";
    struct word *place;
    int found;

    (void)state;
    assert_int_equal(words_new(4, &w), FECIT_OK);
    for (uint32_t size = 1; size <= WORDS_BYTES; size += 29)
        for (uint8_t kind = 0; kind < 2; kind++) {
            place = words_find(w, text, size, kind, &found);
            assert_false(found);
            assert_int_equal((uintptr_t)place % 64, 0);
            fill(place, size * 2 + kind);
        }
    for (uint32_t size = 1; size <= WORDS_BYTES; size += 29)
        for (uint8_t kind = 0; kind < 2; kind++) {
            place = words_find(w, text, size, kind, &found);
            assert_true(found);
            assert_int_equal(place->ids[0], size * 2 + kind);
            assert_int_equal(place->ends[0], size);
        }
    words_free(w);
    words_free(NULL);
}

static void an_unfilled_place_is_not_found(void **state)
{
    const uint8_t text[32] = "x";
    struct words *w = NULL;
    int found;

    (void)state;
    assert_int_equal(words_new(4, &w), FECIT_OK);
    words_find(w, text, 1, 0, &found);
    words_find(w, text, 1, 0, &found);
    assert_false(found);
    words_free(w);
}

/* A hundred times more words than places: what is found is right, and some is. */
static void a_full_memory_forgets(void **state)
{
    struct words *w = NULL;
    uint32_t hits = 0;
    int found;

    (void)state;
    assert_int_equal(words_new(6, &w), FECIT_OK);
    for (uint32_t i = 0; i < 6400 * 2; i++) {
        char text[32];
        const uint32_t number = i / 2 * 2654435761u % 6400;
        const int n = snprintf(text, sizeof text, "w%u", number);
        struct word *place = words_find(w, (uint8_t *)text, (uint32_t)n, 0, &found);
        if (found) {
            assert_int_equal(place->ids[0], number);
            hits++;
        } else {
            fill(place, number);
        }
    }
    assert_true(hits >= 6400); /* every second question repeats the one before */
    words_free(w);
}

static void short_memory(void **state)
{
    struct words *w = NULL;

    (void)state;
    for (long n = 1; n <= 2; n++) {
        mem_fail_at(n);
        assert_int_equal(words_new(4, &w), FECIT_E_MEMORY);
    }
    mem_fail_at(0);
    assert_null(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_and_find),
        cmocka_unit_test(an_unfilled_place_is_not_found),
        cmocka_unit_test(a_full_memory_forgets),
        cmocka_unit_test(short_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_trie.c -- every string is found with its number, and nothing else is. */
#include "base/trie.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* Number of the whole string, or -1. */
static long find(const struct trie *t, const char *bytes, size_t size)
{
    uint32_t at = TRIE_ROOT;

    for (size_t i = 0; i < size && at; i++)
        at = trie_next(t, at, (uint8_t)bytes[i]);
    return at ? (long)t->nodes[at].value - 1 : -1;
}

static struct trie_key key_of(const char *text, uint32_t number)
{
    return (struct trie_key){(const uint8_t *)text, (uint32_t)strlen(text), number,
                             (float)number};
}

static void small_sets(void **state)
{
    static const char *const texts[] = {"a",        "ab",   "abc", "b",
                                        "\xff\xfe", "\x01", "abd"};
    enum { N = sizeof texts / sizeof *texts };
    struct trie_key keys[N];
    struct trie *t = NULL;

    (void)state;
    assert_int_equal(trie_build(keys, 0, &t), FECIT_OK);
    assert_int_equal(find(t, "a", 1), -1);
    trie_free(t);
    t = NULL;
    for (uint32_t i = 0; i < N; i++)
        keys[i] = key_of(texts[i], i * 10);
    assert_int_equal(trie_build(keys, N, &t), FECIT_OK);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(find(t, texts[i], strlen(texts[i])), i * 10);
    assert_int_equal(find(t, "abcd", 4), -1);
    assert_int_equal(find(t, "\xff", 1), -1); /* on the way, not a string */
    assert_int_equal(find(t, "c", 1), -1);
    trie_free(t);
}

static void doubles_and_empties_are_refused(void **state)
{
    struct trie_key keys[] = {key_of("x", 0), key_of("y", 1), key_of("x", 2)};
    struct trie *t = NULL;

    (void)state;
    assert_int_equal(trie_build(keys, 3, &t), FECIT_E_INPUT);
    keys[0] = key_of("", 0);
    assert_int_equal(trie_build(keys, 1, &t), FECIT_E_INPUT);
    assert_null(t);
}

/* 20,000 strings of 1 to 6 bytes out of few letters, so that they share beginnings. */
static void many_strings(void **state)
{
    enum { N = 20000 };
    static char texts[N][8];
    static struct trie_key keys[N];
    struct trie *t = NULL;

    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        snprintf(texts[i], sizeof texts[i], "%x", i * 7);
        for (char *p = texts[i]; *p; p++)
            *p = (char)(*p ^ 0x80); /* bytes above 127 */
        keys[i] = key_of(texts[i], i);
    }
    assert_int_equal(trie_build(keys, N, &t), FECIT_OK);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(find(t, texts[i], strlen(texts[i])), i);
    for (uint32_t at = 0; at < t->n_nodes; at++)
        assert_true(t->nodes[at].base + 255 < t->n_nodes);
    assert_true(t->n_nodes < 2 * N);
    trie_free(t);
}

static void short_memory(void **state)
{
    struct trie_key keys[] = {key_of("x", 0), key_of("yz", 1)};
    struct trie *t = NULL;
    long n = 0;

    (void)state;
    do {
        mem_fail_at(++n);
    } while (trie_build(keys, 2, &t) == FECIT_E_MEMORY);
    mem_fail_at(0);
    assert_true(n > 1);
    assert_int_equal(find(t, "yz", 2), 1);
    trie_free(t);
    trie_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_sets),
        cmocka_unit_test(doubles_and_empties_are_refused),
        cmocka_unit_test(many_strings),
        cmocka_unit_test(short_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

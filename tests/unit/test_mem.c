/* test_mem.c -- growing bytes and arrays, status texts, and what happens when memory is
 * short. */
#include "base/mem.h"
#include "base/utf8.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void test_new(void **state)
{
    uint32_t *array = mem_new(1000, sizeof *array);
    void *nothing = mem_new(0, 8);
    char *copy = mem_text("bridge\0toll", 11), *empty = mem_text(NULL, 0);

    (void)state;
    assert_non_null(array);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(array[i], 0);
    assert_non_null(nothing);
    assert_memory_equal(copy, "bridge\0toll", 12);
    assert_string_equal(empty, "");
    mem_free(array);
    mem_free(nothing);
    mem_free(copy);
    mem_free(empty);
    mem_free(NULL);
}

static void test_grow(void **state)
{
    size_t capacity = 0, moves = 0;
    uint64_t *array = NULL;
    void *grown;

    (void)state;
    for (size_t n = 0; n < 100000; n++) {
        const size_t before = capacity;
        grown = mem_grow(array, &capacity, n + 1, sizeof *array);
        assert_non_null(grown);
        array = grown;
        array[n] = n;
        moves += capacity != before;
    }
    assert_true(moves < 20); /* doubled, not one by one */
    for (size_t n = 0; n < 100000; n++)
        assert_int_equal(array[n], n);
    /* Too much: the old array stays. */
    assert_null(mem_grow(array, &capacity, SIZE_MAX, sizeof *array));
    assert_null(mem_grow(array, &capacity, SIZE_MAX / 4, sizeof *array));
    assert_int_equal(array[99999], 99999);
    assert_non_null(strstr(status_text(), "out of memory"));
    mem_free(array);
}

static void test_bytes(void **state)
{
    struct bytes b = {0};

    (void)state;
    assert_int_equal(bytes_push(&b, NULL, 0), FECIT_OK);
    assert_int_equal(b.size, 0);
    assert_int_equal(bytes_push(&b, "ab", 2), FECIT_OK);
    assert_int_equal(bytes_print(&b, "%d-%s", 42, "c"), FECIT_OK);
    assert_int_equal(b.size, 6);
    assert_memory_equal(b.data, "ab42-c", 6);
    assert_int_equal(bytes_print(&b, "%s", ""), FECIT_OK);
    assert_int_equal(b.size, 6);
    assert_int_equal(bytes_reserve(&b, 100000), FECIT_OK);
    assert_true(b.capacity >= 100000);
    assert_memory_equal(b.data, "ab42-c", 6);
    bytes_clear(&b);
    assert_null(b.data);
    bytes_clear(&b);
    assert_int_equal(bytes_push_json(&b, "q\"\\\n\x01\x7f\xC3\xA9", 8), FECIT_OK);
    assert_int_equal(b.size, 27);
    assert_memory_equal(b.data, "\"q\\\"\\\\\\u000a\\u0001\\u007f\xC3\xA9\"", 27);
    b.size = 0;
    assert_int_equal(bytes_push_json(&b, "", 0), FECIT_OK);
    assert_memory_equal(b.data, "\"\"", 2);
    bytes_clear(&b);
}

static void test_out_of_memory(void **state)
{
    struct bytes b = {0};
    void *p;

    (void)state;
    mem_fail_at(1);
    assert_null(mem_new(1, 1));
    assert_non_null(strstr(status_text(), "out of memory"));
    p = mem_new(1, 1); /* only once */
    assert_non_null(p);
    mem_free(p);
    mem_fail_at(2);
    p = mem_new(1, 1);
    assert_non_null(p);
    assert_null(mem_text("x", 1));
    mem_free(p);
    assert_int_equal(bytes_push(&b, "keep", 4), FECIT_OK);
    mem_fail_at(1);
    assert_int_equal(bytes_reserve(&b, 5000), FECIT_E_MEMORY);
    assert_memory_equal(b.data, "keep", 4); /* as it was */
    assert_int_equal(b.size, 4);
    mem_fail_at(1);
    assert_int_equal(bytes_print(&b, "%5000d", 1), FECIT_E_MEMORY);
    assert_int_equal(b.size, 4);
    mem_fail_at(1);
    mem_fail_at(0); /* off */
    assert_int_equal(bytes_reserve(&b, 5000), FECIT_OK);
    bytes_clear(&b);
}

static void *other_thread(void *unused)
{
    (void)unused;
    status_set(FECIT_E_DEVICE, "another thread's trouble");
    return NULL;
}

static void test_status(void **state)
{
    char longer[3000];
    pthread_t thread;

    (void)state;
    assert_int_equal(status_set(FECIT_E_INPUT, "line %d", 3), FECIT_E_INPUT);
    assert_string_equal(status_text(), "line 3");
    assert_int_equal(status_prefix(FECIT_E_OUTPUT, "%s", "file"), FECIT_E_OUTPUT);
    assert_string_equal(status_text(), "file: line 3");
    assert_int_equal(pthread_create(&thread, NULL, other_thread, NULL), 0);
    pthread_join(thread, NULL);
    assert_string_equal(status_text(), "file: line 3");
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = 0;
    status_set(FECIT_E_INPUT, "%s", longer);
    assert_int_equal(strlen(status_text()), 1023);
    status_prefix(FECIT_E_INPUT, "%s", longer);
    assert_int_equal(strlen(status_text()), 1023);
}

static void test_utf8(void **state)
{
    struct bytes b = {0};

    (void)state;
    assert_true(utf8_check("", 0));
    assert_true(utf8_check("Zürich 東京 🙂", strlen("Zürich 東京 🙂")));
    assert_false(utf8_check("12345678\xC0\xAF", 10)); /* overlong */
    assert_false(utf8_check("\xED\xA0\x80", 3));      /* a surrogate */
    assert_false(utf8_check("a\xE6\xB0", 3));         /* cut */
    assert_int_equal(utf8_push(&b, "a\xE6\xB0z\xFF", 5), FECIT_OK);
    assert_int_equal(b.size, 8);
    assert_memory_equal(b.data, "a\xEF\xBF\xBDz\xEF\xBF\xBD", 8);
    bytes_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new),    cmocka_unit_test(test_grow),
        cmocka_unit_test(test_bytes),  cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_status), cmocka_unit_test(test_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_text.c -- bytes in any state become valid UTF-8, and every repair is counted. */
#include "text.h"
#include "train/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define R "\xEF\xBF\xBD" /* U+FFFD */

static void check(const char *raw, size_t size, enum text_encoding encoding, int first,
                  const char *want, uint64_t want_repaired)
{
    struct bytes out = {0};
    uint64_t repaired = 99;

    assert_int_equal(
        text_read((const uint8_t *)raw, size, encoding, first, &out, &repaired),
        FECIT_OK);
    assert_int_equal(out.size, strlen(want));
    if (out.size) assert_memory_equal(out.data, want, out.size);
    assert_int_equal(repaired, want_repaired);
    bytes_clear(&out);
}
#define CHECK(raw, encoding, want, repaired)                                           \
    check(raw, sizeof raw - 1, encoding, 1, want, repaired)

static void test_utf8(void **state)
{
    (void)state;
    CHECK("", TEXT_AUTO, "", 0);
    CHECK("plain", TEXT_AUTO, "plain", 0);
    CHECK("\xEF\xBB\xBFmarked", TEXT_AUTO, "marked", 0);
    CHECK("\xEF\xBB\xBF", TEXT_AUTO, "", 0);
    CHECK("قالت الوزارة 你好 🙂", TEXT_AUTO,
          "قالت الوزارة 你好 🙂", 0);
    check("\xEF\xBB\xBFinside", 9, TEXT_UTF8, 0, "\xEF\xBB\xBFinside",
          0); /* a later part */
}

static void test_repairs(void **state)
{
    (void)state;
    CHECK("a\xFFz", TEXT_UTF8, "a" R "z", 1);
    CHECK("cut \xE4\xBD", TEXT_UTF8, "cut " R, 1);    /* truncated: one unit */
    CHECK("\xC0\xAF", TEXT_UTF8, R R, 2);             /* overlong */
    CHECK("\xED\xA0\x80", TEXT_UTF8, R R R, 3);       /* a surrogate */
    CHECK("\xF4\x90\x80\x80", TEXT_UTF8, R R R R, 4); /* beyond U+10FFFF */
    CHECK("\xF0\x9F\x99 x", TEXT_UTF8, R " x", 1);    /* maximal subpart */
    CHECK("nul\0in eight bytes", TEXT_UTF8, "nul" R "in eight bytes", 1);
    CHECK("12345678\0", TEXT_UTF8, "12345678" R, 1);
    CHECK("\x80\x80", TEXT_UTF8, R R, 2);
}

static void test_utf16(void **state)
{
    (void)state;
    CHECK("\xFF\xFEh\0i\0", TEXT_AUTO, "hi", 0);
    CHECK("\xFE\xFF\0h\0i", TEXT_AUTO, "hi", 0);
    CHECK("h\0e\0l\0l\0o\0", TEXT_AUTO, "hello", 0);
    CHECK("\0h\0e\0l\0l\0o", TEXT_AUTO, "hello", 0);
    CHECK("\x3D\xD8\x42\xDE", TEXT_UTF16LE, "🙂", 0);
    CHECK("\x3D\xD8x\0", TEXT_UTF16LE, R "x", 1); /* a lead alone */
    CHECK("\x42\xDEx\0", TEXT_UTF16LE, R "x", 1); /* a trail alone */
    CHECK("x\0y", TEXT_UTF16LE, "x" R, 1);        /* half a unit */
    CHECK("\0\0x\0", TEXT_UTF16LE, R "x", 1);
}

/* Independent check of well-formedness (Unicode 15, table 3-7). */
static size_t bad_place(const uint8_t *p, size_t n)
{
    size_t i = 0;

    while (i < n) {
        const uint8_t c = p[i];
        size_t more = c < 0x80   ? 0
                      : c < 0xC2 ? 9
                      : c < 0xE0 ? 1
                      : c < 0xF0 ? 2
                      : c < 0xF5 ? 3
                                 : 9;
        if (more == 9 || c == 0 || i + more >= n + (more == 0)) return i;
        for (size_t k = 1; k <= more; k++)
            if ((p[i + k] & 0xC0) != 0x80) return i;
        if ((c == 0xE0 && p[i + 1] < 0xA0) || (c == 0xED && p[i + 1] > 0x9F) ||
            (c == 0xF0 && p[i + 1] < 0x90) || (c == 0xF4 && p[i + 1] > 0x8F))
            return i;
        i += more + 1;
    }
    return n;
}

static void test_random_bytes(void **state)
{
    struct random r = {7};
    struct bytes out = {0}, again = {0};
    uint8_t raw[200];
    uint64_t repaired;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        const size_t n = random_below(&r, sizeof raw);
        for (size_t i = 0; i < n; i++) {
            const uint32_t kind = random_below(&r, 3);
            raw[i] = (uint8_t)(kind == 0   ? random_below(&r, 256)
                               : kind == 1 ? 'a' + random_below(&r, 26)
                                           : 0x80 + random_below(&r, 0x78));
        }
        assert_int_equal(text_read(raw, n, TEXT_UTF8, 0, &out, &repaired), FECIT_OK);
        assert_int_equal(bad_place(out.data, out.size), out.size);
        assert_true(repaired > 0 || (out.size == n && !memcmp(out.data, raw, n)));
        /* What has been repaired needs no repair. */
        assert_int_equal(text_read(out.data, out.size, TEXT_UTF8, 0, &again, &repaired),
                         FECIT_OK);
        assert_int_equal(repaired, 0);
        assert_int_equal(again.size, out.size);
    }
    bytes_clear(&out);
    bytes_clear(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_repairs),
        cmocka_unit_test(test_utf16),
        cmocka_unit_test(test_random_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_text.c -- bytes in any state become valid UTF-8, and every repair is counted. */
#include "text.h"
#include "base/utf8.h"
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

static enum text_encoding guess(const char *raw, size_t size, size_t *bom)
{
    *bom = 99;
    return text_encoding_of((const uint8_t *)raw, size, bom);
}
#define GUESS(literal) guess(literal, sizeof literal - 1, &bom)

static void test_encoding(void **state)
{
    size_t bom;

    (void)state;
    assert_int_equal(GUESS(""), TEXT_UTF8);
    assert_int_equal(bom, 0);
    assert_int_equal(GUESS("a"), TEXT_UTF8);
    assert_int_equal(GUESS("\xFF"), TEXT_UTF8);
    assert_int_equal(GUESS("\xEF\xBB\xBF"), TEXT_UTF8);
    assert_int_equal(bom, 3);
    assert_int_equal(GUESS("\xFF\xFE"), TEXT_UTF16LE);
    assert_int_equal(bom, 2);
    assert_int_equal(GUESS("\xFE\xFF"), TEXT_UTF16BE);
    assert_int_equal(bom, 2);
    /* Chinese: U+4E00, whose low byte is NUL, a comma, a full stop, a newline. */
    assert_int_equal(GUESS("\x00\x4E\x2A\x4E\x34\x6C\x0C\xFF\x93\x5E\x02\x30\n\0"),
                     TEXT_UTF16LE);
    assert_int_equal(GUESS("\x4E\x00\x4E\x2A\x6C\x34\xFF\x0C\x5E\x93\x30\x02\0\n"),
                     TEXT_UTF16BE);
    /* Russian with a space, Arabic with a space */
    assert_int_equal(GUESS("\x14\x04\x30\x04 \0\x34\x04\x30\x04"), TEXT_UTF16LE);
    assert_int_equal(GUESS("\x06\x28\x06\x2D\0 \x06\x31\x06\x45"), TEXT_UTF16BE);
    /* 8-bit Cyrillic, Latin-1, binary: not UTF-16. */
    assert_int_equal(GUESS("\xC4\xE0 \xE8 \xED\xE5\xF2, \xEA\xF2\xEE."), TEXT_UTF8);
    assert_int_equal(GUESS("caf\xE9 au lait, tr\xE8s chaud"), TEXT_UTF8);
    assert_int_equal(GUESS("\0\1\2\3\0\0\0\4\0\0\0\0\1\1\1\1"), TEXT_UTF8);
    assert_int_equal(GUESS("plain text with a stray \0 in it, no more"), TEXT_UTF8);
}

/* The look of 4 KiB ends inside a code point: still UTF-8. */
static void test_look_cuts(void **state)
{
    char raw[5000];
    size_t bom;

    (void)state;
    for (size_t shift = 0; shift < 8; shift++) {
        memset(raw, 'a', sizeof raw);
        for (size_t i = 4060 + shift; i + 4 <= 4990; i += 4)
            memcpy(raw + i, "\xF0\x9F\x99\x82", 4);
        assert_int_equal(guess(raw, sizeof raw, &bom), TEXT_UTF8);
        for (size_t i = 4060 + shift; i + 3 <= 4990; i += 3)
            memcpy(raw + i, "\xE6\xB0\xB4", 3);
        raw[4099] = raw[4100] = raw[4101] = 'b';
        assert_int_equal(guess(raw, sizeof raw, &bom), TEXT_UTF8);
    }
}

/* UTF-16 in both orders against UTF-8 of the same text, guessed and told. */
static void test_utf16_round(void **state)
{
    static const char text[] =
        "Das Tor stand offen. Ворота открыты. 门开着。🙂\n";
    char raw[2][400];
    size_t n = 0;

    (void)state;
    for (const char *at = text; *at;) {
        int32_t c = utf8_next(&at, text + sizeof text - 1);
        uint16_t units[2] = {(uint16_t)c, 0};
        size_t count = 1;
        if (c > 0xFFFF) {
            units[0] = (uint16_t)(0xD7C0 + (c >> 10));
            units[1] = (uint16_t)(0xDC00 + (c & 0x3FF));
            count = 2;
        }
        for (size_t k = 0; k < count; k++, n += 2) {
            raw[0][n] = raw[1][n + 1] = (char)(units[k] & 255);
            raw[0][n + 1] = raw[1][n] = (char)(units[k] >> 8);
        }
    }
    check(raw[0], n, TEXT_UTF16LE, 1, text, 0);
    check(raw[1], n, TEXT_UTF16BE, 1, text, 0);
    check(raw[0], n, TEXT_AUTO, 1, text, 0);
    check(raw[1], n, TEXT_AUTO, 1, text, 0);
    check(raw[0], n, TEXT_UTF16LE, 0, text, 0);
}

/* A large text with one bad byte, wherever it is, loses nothing else. */
static void test_one_bad_byte(void **state)
{
    enum { N = 3000 };
    char raw[N], *want = malloc(N + 3);

    (void)state;
    for (size_t at = 0; at < N; at += 7) {
        memset(raw, 'k', N);
        raw[at] = '\x80';
        memset(want, 'k', N + 2);
        memcpy(want + at, R, 3);
        want[N + 2] = 0;
        check(raw, N, TEXT_UTF8, 1, want, 1);
        raw[at] = 0;
        check(raw, N, TEXT_UTF8, 1, want, 1);
    }
    free(want);
}

static void test_out_of_memory(void **state)
{
    struct bytes out = {0};
    uint64_t repaired;

    (void)state;
    mem_fail_at(1);
    assert_int_equal(
        text_read((const uint8_t *)"a\xFF", 2, TEXT_UTF8, 1, &out, &repaired),
        FECIT_E_MEMORY);
    mem_fail_at(1);
    assert_int_equal(
        text_read((const uint8_t *)"a\0b\0", 4, TEXT_UTF16LE, 1, &out, &repaired),
        FECIT_E_MEMORY);
    assert_int_equal(
        text_read((const uint8_t *)"a\xFF", 2, TEXT_UTF8, 1, &out, &repaired),
        FECIT_OK);
    bytes_clear(&out);
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
        /* Any bytes as UTF-16, guessed or told, are UTF-8 afterwards. */
        assert_int_equal(text_read(raw, n, round % 4, round % 2, &out, &repaired),
                         FECIT_OK);
        assert_int_equal(bad_place(out.data, out.size), out.size);
    }
    bytes_clear(&out);
    bytes_clear(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8),         cmocka_unit_test(test_repairs),
        cmocka_unit_test(test_utf16),        cmocka_unit_test(test_encoding),
        cmocka_unit_test(test_look_cuts),    cmocka_unit_test(test_utf16_round),
        cmocka_unit_test(test_one_bad_byte), cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_random_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

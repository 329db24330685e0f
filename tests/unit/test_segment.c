/* test_segment.c -- sentences in many scripts, offsets into the text, wrapped lines, the cut
 * of endless sentences. All texts are our own. */
#include "language.h"
#include "segment.h"
#include "train/random.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct segment *segment;

static int set_up(void **state)
{
    (void)state;
    return segment_new(&segment) == FECIT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    segment_free(segment);
    return 0;
}

/* The sentences, joined by "|". */
static const char *split(const char *text)
{
    static char out[65536];
    struct sentence s;
    size_t n = 0, last = 0;

    assert_int_equal(segment_text(segment, text, strlen(text)), FECIT_OK);
    while (segment_next(segment, &s) == FECIT_OK) {
        assert_true(s.start >= last && s.end > s.start);
        last = s.end;
        if (n) out[n++] = '|';
        memcpy(out + n, text + s.start, s.end - s.start);
        n += s.end - s.start;
    }
    out[n] = 0;
    return out;
}

static void test_scripts(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {" \t\n \xE2\x80\x8F\xC2\xA0", ""},
        {"One. Two! Three?", "One.|Two!|Three?"},
        {"  Trimmed.   \n", "Trimmed."},
        {"The bill cost 3.5 million. It passed.",
         "The bill cost 3.5 million.|It passed."},
        {"\"Stop,\" he said. \"Now.\" She left.",
         "\"Stop,\" he said.|\"Now.\"|She left."},
        {"قالت الوزارة إن السد سليم. هل وصل الوفد؟ نعم.",
         "قالت الوزارة إن السد سليم.|هل وصل الوفد؟|نعم."},
        {"وزیر گفت سد سالم است. آیا هیئت رسید؟",
         "وزیر گفت سد سالم است.|آیا هیئت رسید؟"},
        {"大坝完好。代表团到了吗?到了。", "大坝完好。|代表团到了吗?|到了。"},
        {"बाँध सुरक्षित है। दल पहुँच गया।", "बाँध सुरक्षित है।|दल पहुँच गया।"},
        {"Плотина цела. Делегация прибыла.", "Плотина цела.|Делегация прибыла."},
        {"First line\r\nSecond line\r\n", "First line|Second line"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(split(cases[i][0]), cases[i][1]);
}

static void test_wrapped_lines(void **state)
{
    (void)state;
    /* Lines at a margin are one paragraph; headline, list and blank line still break. */
    assert_string_equal(
        split("SHORT HEADLINE\n\n"
              "The harbour master said on Friday that the cranes had been idle for\n"
              "nine hours and that the grain ships had waited in the roads until the\n"
              "evening. Nobody was hurt.\n\nNext paragraph"),
        "SHORT HEADLINE|The harbour master said on Friday that the cranes had been "
        "idle for\n"
        "nine hours and that the grain ships had waited in the roads until the\n"
        "evening.|Nobody was hurt.|Next paragraph");
    assert_string_equal(
        split("- apples from the valley and the hills beyond the old bridge\n"
              "- pears from the valley and the hills beyond the old bridge"),
        "- apples from the valley and the hills beyond the old bridge|"
        "- pears from the valley and the hills beyond the old bridge");
    assert_string_equal(split("Rain\nWind\nSun"), "Rain|Wind|Sun");
}

static void test_endless_sentence(void **state)
{
    enum { N = 5 << 20 };
    char *text = malloc(N + 1);
    struct sentence s;
    size_t kept = 0, real = 0;

    (void)state;
    for (size_t i = 0; i < N; i++)
        text[i] = i % 7 == 6 ? ' ' : 'w';
    text[N] = 0;
    assert_int_equal(segment_text(segment, text, N), FECIT_OK);
    while (segment_next(segment, &s) == FECIT_OK) {
        assert_true(s.end - s.start <= SEGMENT_MAX);
        for (size_t i = s.start; i < s.end; i++)
            kept += text[i] != ' ';
    }
    for (size_t i = 0; i < N; i++)
        real += text[i] != ' ';
    assert_int_equal(kept, real); /* only white space is lost */
    for (size_t i = 0; i + 3 <= 30000;
         i += 3) /* no space at all: cut between characters */
        memcpy(text + i, "\xE6\xB0\xB4", 3);
    assert_int_equal(segment_text(segment, text, 30000), FECIT_OK);
    kept = 0;
    while (segment_next(segment, &s) == FECIT_OK) {
        assert_true((text[s.start] & 0xC0) != 0x80);
        assert_int_equal((s.end - s.start) % 3, 0);
        kept += s.end - s.start;
    }
    assert_int_equal(kept, 30000);
    free(text);
}

static void test_random_text(void **state)
{
    static const char *const bits[] = {
        "a",    "B", " ", ".",  "\n", "\r\n",     "،",  "؟", "水", "。",
        "🙂", "1", "-", "\"", "ة",  "\xCC\x81", "\t", "!", "ไทย"};
    struct random r = {3};
    char text[2000];

    (void)state;
    for (int round = 0; round < 3000; round++) {
        size_t n = 0, last = 0;
        struct sentence s;
        const uint32_t pieces = random_below(&r, 300);
        for (uint32_t i = 0; i < pieces; i++) {
            const char *bit = bits[random_below(&r, sizeof bits / sizeof *bits)];
            memcpy(text + n, bit, strlen(bit));
            n += strlen(bit);
        }
        assert_int_equal(segment_text(segment, text, n), FECIT_OK);
        while (segment_next(segment, &s) == FECIT_OK) {
            assert_true(s.start >= last && s.end > s.start && s.end <= n);
            assert_true((text[s.start] & 0xC0) != 0x80);
            assert_true(s.end == n || (text[s.end] & 0xC0) != 0x80);
            assert_false(isspace((unsigned char)text[s.start]));
            assert_false(isspace((unsigned char)text[s.end - 1]));
            for (size_t i = last; i < s.start; i++) /* between sentences only space */
                assert_true(isspace((unsigned char)text[i]));
            last = s.end;
        }
    }
}

static void test_language(void **state)
{
    static const char en[] =
        "The harbour master said that the cranes had been idle for hours.";
    static const char ar[] =
        "قال مدير الميناء إن الرافعات توقفت عن العمل تسع ساعات كاملة.";
    static const char he[] = "מנהל הנמל אמר כי העגורנים עמדו תשע שעות ללא תנועה.";

    (void)state;
    assert_string_equal(language_of(en, strlen(en)), "en");
    assert_string_equal(language_of(ar, strlen(ar)), "ar");
    assert_string_equal(language_of(he, strlen(he)), "he");
    assert_string_equal(language_of("", 0), "und");
    assert_string_equal(language_of("12345", 5), "und");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),          cmocka_unit_test(test_wrapped_lines),
        cmocka_unit_test(test_endless_sentence), cmocka_unit_test(test_random_text),
        cmocka_unit_test(test_language),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* test_segment.c -- sentences in many scripts, offsets into the text, wrapped lines, the cut
 * of endless sentences. All texts are our own. */
#include "segment.h"
#include "segment_rules.h"
#include "train/random.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ubrk.h>
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
        {"เครนหยุดทำงาน เรือรออยู่", "เครนหยุดทำงาน เรือรออยู่"}, /* Thai: spaces only */
        {"سد شکست! چرا؟ «کسی خبر ندارد.» او رفت.",
         "سد شکست!|چرا؟|«کسی خبر ندارد.»|او رفت."},
        {"پل بند ہے۔ راستہ کھلا ہے۔", "پل بند ہے۔|راستہ کھلا ہے۔"},
        {"閘門已關閉。「為什麼?」她問。", "閘門已關閉。|「為什麼?」|她問。"},
        {"Wait... what? It rained… and then stopped.",
         "Wait... what?|It rained… and then stopped."},
        {"It grew 0.5% vs. 2.1% in 2019. Then it fell.",
         "It grew 0.5% vs. 2.1% in 2019.|Then it fell."},
        {"See www.example.org or mail a.b@c.org. Thanks.",
         "See www.example.org or mail a.b@c.org.|Thanks."},
        {"One.\xE2\x80\xA9Two\xC2\x85Three", "One.|Two|Three"},
        {"\xEF\xBB\xBF  Marked. \xE2\x80\x8FNext.", "Marked.|Next."},
        {".", "."},
        {"...\n!!!\n", "...|!!!"},
        {"\n\n\n", ""},
        {"No end", "No end"},
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
    /* The same with CRLF, and a last line without an end. */
    assert_string_equal(
        split(
            "The harbour master said on Friday that the cranes had been idle for\r\n"
            "nine hours and that the grain ships had waited in the roads until the\r\n"
            "evening. Nobody was hurt."),
        "The harbour master said on Friday that the cranes had been idle for\r\n"
        "nine hours and that the grain ships had waited in the roads until the\r\n"
        "evening.|Nobody was hurt.");
    /* A line of spaces is blank; a deeper indent begins a paragraph. */
    assert_string_equal(
        split("the first of two paragraphs that a line of spaces keeps apart, long\n"
              "  \t\n"
              "enough to wrap"),
        "the first of two paragraphs that a line of spaces keeps apart, long|"
        "enough to wrap");
    assert_string_equal(
        split("the first of two paragraphs that only an indent keeps apart, both\n"
              "   longish"),
        "the first of two paragraphs that only an indent keeps apart, both|longish");
}

/* What looks wrapped and is not. */
static void test_lines_that_end(void **state)
{
    (void)state;
    /* Headlines of one length: none goes on with a small letter. */
    assert_string_equal(
        split("Ministers meet in the capital over grain and fuel prices again\n"
              "Storm closes the northern ports for a third day in this winter\n"
              "Teachers call off the strike after an offer from the two towns"),
        "Ministers meet in the capital over grain and fuel prices again|"
        "Storm closes the northern ports for a third day in this winter|"
        "Teachers call off the strike after an offer from the two towns");
    /* A line well short of the margin ends what it says. */
    assert_string_equal(
        split("the committee will now hear the people who live by the old canal\n"
              "and then it will vote, its old chair said\n"
              "rain had kept many of them from the hall, which was half empty at"),
        "the committee will now hear the people who live by the old canal\n"
        "and then it will vote, its old chair said|"
        "rain had kept many of them from the hall, which was half empty at");
    /* Numbered and lettered lists, quotations, headings. */
    assert_string_equal(
        split("1. apples from the valley and the hills beyond the old bridge\n"
              "2. pears from the valley and the hills beyond the old bridge"),
        "1. apples from the valley and the hills beyond the old bridge|"
        "2. pears from the valley and the hills beyond the old bridge");
    assert_string_equal(
        split("> he had said that nobody would come to the quay that evening\n"
              "> and nobody had come to the quay on that cold evening in May"),
        "> he had said that nobody would come to the quay that evening|"
        "> and nobody had come to the quay on that cold evening in May");
    /* Lines wider than any margin are paragraphs. */
    assert_string_equal(
        split("the barges lay along the northern wall for the whole of the winter and "
              "nobody in the town could say who had paid for them\n"
              "the barges lay along the southern wall for the whole of the summer and "
              "nobody in the town could say who had paid for that"),
        "the barges lay along the northern wall for the whole of the winter and nobody "
        "in the town could say who had paid for them|the barges lay along the southern "
        "wall for the whole of the summer and nobody in the town could say who had "
        "paid "
        "for that");
}

/* Scripts without case, and wide characters. */
static void test_wrapped_scripts(void **state)
{
    (void)state;
    assert_string_equal(
        split("قال مدير الميناء يوم الجمعة إن الرافعات توقفت عن العمل تسع ساعات وإن\n"
              "سفن الحبوب انتظرت في عرض البحر حتى المساء. لم يصب أحد بأذى في الحادث"),
        "قال مدير الميناء يوم الجمعة إن الرافعات توقفت عن العمل تسع ساعات وإن\n"
        "سفن الحبوب انتظرت في عرض البحر حتى المساء.|لم يصب أحد بأذى في الحادث");
    assert_string_equal(
        split("港口负责人星期五表示起重机已经停了九个小时而粮船一直在锚地等\n"
              "候到晚上。没有人受伤。"),
        "港口负责人星期五表示起重机已经停了九个小时而粮船一直在锚地等\n"
        "候到晚上。|没有人受伤。");
}

/* The same text twice, another in between: the same sentences. */
static void test_again(void **state)
{
    char first[4096];
    const char *text =
        "The barges lay along the wall for the whole of a long winter and\n"
        "nobody could say who had paid for them. Mr. Ito shrugged.";

    (void)state;
    strcpy(first, split(text));
    split("Ein anderer Text. Kurz.");
    assert_string_equal(split(text), first);
    split("");
    assert_string_equal(split(text), first);
}

static void test_out_of_memory(void **state)
{
    const char *text =
        "the barges lay along the wall for the whole of that long winter and\n"
        "nobody came";
    struct segment *s = NULL;

    (void)state;
    for (long n = 1; n < 3; n++) {
        mem_fail_at(n);
        assert_int_equal(segment_new(&s), FECIT_E_MEMORY);
        assert_null(s);
    }
    mem_fail_at(0);
    assert_int_equal(segment_new(&s), FECIT_OK);
    mem_fail_at(1);
    assert_int_equal(segment_text(s, text, strlen(text)), FECIT_E_MEMORY);
    assert_int_equal(segment_text(s, text, strlen(text)), FECIT_OK);
    segment_free(s);
    segment_free(NULL);
}

/* Ends that the rules see and a reader does not. */
static void test_joins(void **state)
{
    static const char *const cases[][2] = {
        {"The U.S. Senate met. It rained.", "The U.S. Senate met.|It rained."},
        {"He lives in the U.S. The rest moved.",
         "He lives in the U.S.|The rest moved."},
        {"She flew to D.C. Nobody noticed.", "She flew to D.C.|Nobody noticed."},
        {"Dr. Ito and Mr. O. K. Lind spoke. Prof. Dr. Kaya listened.",
         "Dr. Ito and Mr. O. K. Lind spoke.|Prof. Dr. Kaya listened."},
        {"Gen. Aoki, (Lt. Col. Bo) and “Capt. Ree” left.",
         "Gen. Aoki, (Lt. Col. Bo) and “Capt. Ree” left."},
        {"On Jan. 3 flight No. 7 left. On Jan. The",
         "On Jan. 3 flight No. 7 left.|On Jan.|The"},
        {"No. 5 people came.", "No. 5 people came."},
        {"He said no. She left.", "He said no.|She left."},
        {"Am 3. Oktober fiel der Kurs. Platz 3. Danach Ruhe.",
         "Am 3. Oktober fiel der Kurs.|Platz 3.|Danach Ruhe."},
        {"А. С. Лисин и В. Орлов встретились. Он уехал.",
         "А. С. Лисин и В. Орлов встретились.|Он уехал."},
        {"\"Stop!\" he said. \"Why?\" She left.",
         "\"Stop!\" he said.|\"Why?\"|She left."},
        {"Yahoo! shares fell. Then I. He", "Yahoo! shares fell.|Then I.|He"},
        {"Mr.\nSmith", "Mr.|Smith"}, /* a line that ends is an end */
        {"Mr. ", "Mr."},
        {"U.S. ", "U.S."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(split(cases[i][0]), cases[i][1]);
}

/* One pass of our rules and one of ICU's iterator over the same text. */
static void against_icu(UBreakIterator *icu, UText **utext,
                        const struct segment_rules *rules, const uint8_t *text,
                        size_t size)
{
    UErrorCode code = U_ZERO_ERROR;
    size_t at = 0;

    *utext = utext_openUTF8(*utext, (const char *)text, (int64_t)size, &code);
    ubrk_setUText(icu, *utext, &code);
    assert_int_equal(code, U_ZERO_ERROR);
    ubrk_first(icu);
    while (at < size) {
        at = segment_rules_next(rules, text, size, at);
        assert_int_equal(at, ubrk_next(icu));
    }
    assert_int_equal(ubrk_next(icu), UBRK_DONE);
}

/* The rules are ICU's: random strings of characters of every class, and of any. */
static void test_rules_are_icus(void **state)
{
    static const char *const bits[] = {"a",
                                       "z",
                                       "B",
                                       "Q",
                                       "é",
                                       "É",
                                       "ǅ",
                                       "ة",
                                       "水",
                                       "ไ",
                                       " ",
                                       "\t",
                                       "\xC2\xA0",
                                       "\xE3\x80\x80",
                                       ".",
                                       ".",
                                       ".",
                                       "!",
                                       "?",
                                       "؟",
                                       "。",
                                       "।",
                                       "…",
                                       "\xEF\xBC\x8E",
                                       "\xE2\x80\xA4",
                                       "\xF0\x91\x81\x87",
                                       "\n",
                                       "\r",
                                       "\r\n",
                                       "\xC2\x85",
                                       "\xE2\x80\xA8",
                                       "\xE2\x80\xA9",
                                       "1",
                                       "٣",
                                       "-",
                                       ",",
                                       ":",
                                       "،",
                                       "\"",
                                       ")",
                                       "(",
                                       "”",
                                       "»",
                                       "\xCC\x81",
                                       "\xC2\xAD",
                                       "\xE2\x80\x8D",
                                       "\xF3\xA0\x80\x81",
                                       "🙂",
                                       "@"};
    struct random r = {17};
    struct segment_rules *rules = NULL;
    UErrorCode code = U_ZERO_ERROR;
    UBreakIterator *icu = ubrk_open(UBRK_SENTENCE, "", NULL, 0, &code);
    UText *utext = NULL;
    uint8_t text[256];

    (void)state;
    assert_int_equal(segment_rules_new(&rules), FECIT_OK);
    for (int round = 0; round < 60000; round++) {
        const uint32_t pieces = random_below(&r, 40);
        size_t n = 0;
        for (uint32_t i = 0; i < pieces; i++) {
            const char *bit = bits[random_below(&r, sizeof bits / sizeof *bits)];
            uint32_t c = random_below(&r, 0x30000);
            int32_t at = (int32_t)n;
            if (c >= 0xD800 && c < 0xE000) c = 'x';
            if (round % 3 == 0 && i % 2) {
                U8_APPEND_UNSAFE(text, at, c);
                n = (size_t)at;
            } else {
                memcpy(text + n, bit, strlen(bit));
                n += strlen(bit);
            }
        }
        against_icu(icu, &utext, rules, text, n);
    }
    utext_close(utext);
    ubrk_close(icu);
    segment_rules_free(rules);
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
        for (size_t i = last; i < n; i++) /* nor after them */
            assert_true(isspace((unsigned char)text[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_wrapped_lines),
        cmocka_unit_test(test_lines_that_end),
        cmocka_unit_test(test_wrapped_scripts),
        cmocka_unit_test(test_joins),
        cmocka_unit_test(test_rules_are_icus),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_endless_sentence),
        cmocka_unit_test(test_random_text),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

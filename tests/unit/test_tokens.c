/* test_tokens.c -- ids equal those of models/tokenise.py, whatever the cache remembers;
 * offsets lead back into the sentence. */
#include "tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct vocabulary *vocabulary;

static int set_up(void **state)
{
    const char *models = getenv("FECIT_MODEL");
    char path[512];

    (void)state;
    snprintf(path, sizeof path, "%s/vocabulary.safetensors",
             models ? models : "models");
    return vocabulary_load(path, &vocabulary) == FECIT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    vocabulary_free(vocabulary);
    return 0;
}

static struct tokens *tokens_of(enum tokens_split split, bool fold, bool no_cache)
{
    const struct tokens_options options = {split, fold, 1 << 20, no_cache};
    struct tokens *t = NULL;

    assert_int_equal(tokens_new(vocabulary, &options, &t), FECIT_OK);
    return t;
}

static void push(struct tokens *t, const char *text, size_t size,
                 struct token_list *out)
{
    out->count = 0;
    assert_int_equal(tokens_push(t, text, size, out, NULL), FECIT_OK);
}

static void assert_same(const struct token_list *a, const struct token_list *b)
{
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->ids, b->ids, a->count * sizeof *a->ids);
    if (!a->want_offsets || !b->want_offsets) return;
    assert_memory_equal(a->starts, b->starts, a->count * sizeof *a->starts);
    assert_memory_equal(a->ends, b->ends, a->count * sizeof *a->ends);
}

/* ---- golden ids ---- */

static size_t unescape(char *text)
{
    char *to = text;

    for (const char *p = text; *p && *p != '\n'; p++) {
        const bool escape = *p == '\\' && (p[1] == 't' || p[1] == 'n');
        *to++ = escape ? (p[1] == 't' ? '\t' : '\n') : *p;
        p += escape;
    }
    return (size_t)(to - text);
}

static void golden_row(struct tokens *t, char *ids, const char *text, size_t size)
{
    struct token_list list = {0};
    size_t n = 0;

    push(t, text, size, &list);
    for (char *id = strtok(ids, " "); id; id = strtok(NULL, " "), n++)
        if (n >= list.count || list.ids[n] != strtoul(id, NULL, 10))
            fail_msg("piece %zu of '%.*s' must be %s, is %ld", n, (int)size, text, id,
                     n < list.count ? (long)list.ids[n] : -1);
    assert_int_equal(list.count, n);
    token_list_clear(&list);
}

static void golden_ids(void **state)
{
    struct tokens *plain = tokens_of(TOKENS_WHITESPACE, false, false);
    struct tokens *fold = tokens_of(TOKENS_WHITESPACE, true, false);
    static char line[65536];
    FILE *f = fopen("tests/golden/ids.tsv", "r");
    int rows = 0;

    (void)state;
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        char *ids = strchr(line, '\t'), *text = ids ? strchr(ids + 1, '\t') : NULL;
        assert_non_null(text);
        *ids++ = *text++ = '\0';
        golden_row(strcmp(line, "fold") ? plain : fold, ids, text, unescape(text));
        rows++;
    }
    assert_true(rows > 60);
    fclose(f);
    tokens_free(plain);
    tokens_free(fold);
}

/* ---- random text ---- */

static uint32_t seed;

static uint32_t dice(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)seed * n >> 32);
}

static size_t push_code(char *to, uint32_t code)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xc0 | code >> 6);
        to[1] = (char)(0x80 | (code & 63));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (char)(0xe0 | code >> 12);
        to[1] = (char)(0x80 | (code >> 6 & 63));
        to[2] = (char)(0x80 | (code & 63));
        return 3;
    }
    to[0] = (char)(0xf0 | code >> 18);
    to[1] = (char)(0x80 | (code >> 12 & 63));
    to[2] = (char)(0x80 | (code >> 6 & 63));
    to[3] = (char)(0x80 | (code & 63));
    return 4;
}

/* Words of few code points of one block, so that the cache meets them again. */
static size_t random_text(char *to, size_t room)
{
    static const struct {
        uint32_t first, count;
    } blocks[] = {{'a', 4},      {0x20, 95},    {0, 0x250},      {0x430, 6},
                  {0x600, 256},  {0x627, 8},    {0x5d0, 8},      {0x904, 100},
                  {0xe01, 80},   {0x3041, 90},  {0x4e00, 40},    {0xac00, 60},
                  {0x2000, 112}, {0xfb50, 688}, {0xfe70, 144},   {0x300, 112},
                  {0xff00, 240}, {0xd000, 600}, {0x1f300, 1000}, {0xe0000, 256}};
    const size_t words = dice(12);
    size_t n = 0;

    for (size_t w = 0; w < words; w++) {
        const uint32_t block = dice(sizeof blocks / sizeof *blocks);
        const uint32_t letters = dice(4) ? 1 + dice(4) : 1 + dice(40);
        for (uint32_t i = 0; i < letters && n + 5 < room; i++)
            n += push_code(to + n, blocks[block].first + dice(blocks[block].count));
        if (n + 5 < room && dice(4)) to[n++] = ' ';
    }
    return n;
}

static void check_offsets(const char *text, size_t size, const struct token_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        assert_true(l->starts[i] <= l->ends[i] && l->ends[i] <= size);
        if (i)
            assert_true(l->starts[i] >= l->starts[i - 1] &&
                        l->ends[i] >= l->ends[i - 1]);
        assert_true(l->starts[i] == size || (text[l->starts[i]] & 0xc0) != 0x80);
        assert_true(l->ends[i] == size || (text[l->ends[i]] & 0xc0) != 0x80);
    }
}

static void the_cache_never_shows(void **state)
{
    char text[2048];
    struct token_list a = {.want_offsets = true}, b = {.want_offsets = true}, c = {0};

    (void)state;
    for (int mode = 0; mode < 4; mode++) {
        struct tokens *cached = tokens_of(mode & 1, mode & 2, false);
        struct tokens *plain = tokens_of(mode & 1, mode & 2, true);
        seed = (uint32_t)mode;
        for (int i = 0; i < 4000; i++) {
            const size_t size = random_text(text, sizeof text);
            push(cached, text, size, &a);
            push(plain, text, size, &b);
            push(cached, text, size, &c);
            assert_same(&a, &b);
            assert_same(&a, &c);
            check_offsets(text, size, &a);
        }
        tokens_free(cached);
        tokens_free(plain);
    }
    token_list_clear(&a);
    token_list_clear(&b);
    token_list_clear(&c);
}

/* Not the caller's promise, but nothing may break. */
static void any_bytes(void **state)
{
    struct token_list l = {.want_offsets = true};
    char text[300];

    (void)state;
    for (int split = 0; split < 2; split++) {
        struct tokens *t = tokens_of(split, true, false);
        seed = 7;
        for (int i = 0; i < 3000; i++) {
            const size_t size = dice(sizeof text);
            for (size_t j = 0; j < size; j++)
                text[j] = (char)dice(256);
            push(t, text, size, &l);
            for (size_t j = 0; j < l.count; j++)
                assert_true(l.ids[j] < vocabulary->n_pieces && l.ends[j] <= size);
        }
        tokens_free(t);
    }
    token_list_clear(&l);
}

/* ---- what the header promises ---- */

static void white_space_at_the_ends(void **state)
{
    static const char *const nothing[] = {"", " ", "\t\n  ", "\xc2\xa0\xe3\x80\x80",
                                          "\x01"};
    struct tokens *t = tokens_of(TOKENS_WHITESPACE, false, false);
    struct token_list a = {0}, b = {0};

    (void)state;
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        push(t, nothing[i], strlen(nothing[i]), &a);
        assert_int_equal(a.count, 0);
    }
    push(t, "one two", 7, &a);
    push(t, " \n one \t  two \xc2\xa0", 15, &b);
    assert_same(&a, &b);
    token_list_clear(&a);
    token_list_clear(&b);
    tokens_free(t);
}

static void sentences_follow_each_other(void **state)
{
    struct tokens *t = tokens_of(TOKENS_WHITESPACE, false, false);
    struct token_list l = {0};
    size_t first;

    (void)state;
    push(t, "Paris blamed Moscow.", 20, &l);
    first = l.count;
    assert_int_equal(tokens_push(t, "Paris blamed Moscow.", 20, &l, NULL), FECIT_OK);
    assert_int_equal(l.count, 2 * first);
    assert_memory_equal(l.ids, l.ids + first, first * sizeof *l.ids);
    token_list_clear(&l);
    tokens_free(t);
}

static void cut_after_max_pieces(void **state)
{
    struct token_list whole = {0}, part = {0};
    const char *text =
        "Berlin summoned the ambassador over unprecedentedly destructive malware.";
    bool cut = true;

    (void)state;
    for (uint32_t most = 1; most < 40; most++) {
        const struct tokens_options options = {.max_pieces = most};
        struct tokens *t = NULL, *free_of = tokens_of(TOKENS_WHITESPACE, false, false);
        push(free_of, text, strlen(text), &whole);
        assert_int_equal(tokens_new(vocabulary, &options, &t), FECIT_OK);
        part.count = 0;
        assert_int_equal(tokens_push(t, text, strlen(text), &part, &cut), FECIT_OK);
        assert_int_equal(part.count, whole.count < most ? whole.count : most);
        assert_int_equal(cut, whole.count > most);
        assert_memory_equal(part.ids, whole.ids, part.count * sizeof *part.ids);
        tokens_free(t);
        tokens_free(free_of);
    }
    token_list_clear(&whole);
    token_list_clear(&part);
}

/* In plain words a piece is the very text its offsets name. */
static void offsets_name_the_text(void **state)
{
    const char *text = "  Analysts   at Lisbon's bureau\tdoubt   it, mostly. ";
    struct token_list l = {.want_offsets = true};

    (void)state;
    for (int split = 0; split < 2; split++) {
        struct tokens *t = tokens_of(split, false, false);
        push(t, text, strlen(text), &l);
        assert_true(l.count > 8);
        for (size_t i = 0; i < l.count; i++) {
            const uint32_t at = vocabulary->piece_offsets[l.ids[i]];
            uint32_t size = vocabulary->piece_offsets[l.ids[i] + 1] - at;
            const uint8_t *piece = vocabulary->piece_bytes + at;
            const uint32_t marked = size >= 3 && piece[0] == 0xe2 ? 3 : 0;
            assert_int_equal(l.ends[i] - l.starts[i], size - marked);
            assert_memory_equal(text + l.starts[i], piece + marked, size - marked);
        }
        tokens_free(t);
    }
    token_list_clear(&l);
}

/* With vowel signs and without: the same pieces; the signs lie in the spans. */
static void folded_signs_stay_in_the_spans(void **state)
{
    const char *bare = "قال", *signs = "قَالَ", *stretched = "قـــال";
    struct tokens *t = tokens_of(TOKENS_WHITESPACE, true, false);
    struct token_list a = {.want_offsets = true}, b = {.want_offsets = true};

    (void)state;
    push(t, bare, strlen(bare), &a);
    push(t, signs, strlen(signs), &b);
    assert_int_equal(a.count, b.count);
    assert_memory_equal(a.ids, b.ids, a.count * sizeof *a.ids);
    assert_int_equal(b.starts[0], 0);
    assert_int_equal(b.ends[b.count - 1], strlen(signs));
    push(t, stretched, strlen(stretched), &b);
    assert_int_equal(a.count, b.count);
    assert_memory_equal(a.ids, b.ids, a.count * sizeof *a.ids);
    token_list_clear(&a);
    token_list_clear(&b);
    tokens_free(t);
}

/* Letters with their marks apart (NFD) and in one: the same pieces, and spans that hold
 * the mark. */
static void marks_join_their_letter(void **state)
{
    static const struct {
        const char *one, *apart;
    } texts[] = {
        {"L'État a nié", "L'E\u0301tat a nie\u0301"},
        {"Việt Nam phủ nhận", "Vie\u0323\u0302t Nam phu\u0309 nha\u0323\u0302n"},
        {"Российский йод", "Российскии\u0306 и\u0306од"},
        {"북한", "\u1107\u116e\u11a8\u1112\u1161\u11ab"},
        {"ガザ", "カ\u3099サ\u3099"},
        {"آب", "ا\u0653ب"},
        {"Ñandú", "N\u0303andu\u0301"},
    };
    struct token_list a = {.want_offsets = true}, b = {.want_offsets = true};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct tokens *t = tokens_of(TOKENS_WHITESPACE, i % 2, false);
        push(t, texts[i].one, strlen(texts[i].one), &a);
        push(t, texts[i].apart, strlen(texts[i].apart), &b);
        assert_int_equal(a.count, b.count);
        assert_memory_equal(a.ids, b.ids, a.count * sizeof *a.ids);
        assert_int_equal(b.ends[b.count - 1], strlen(texts[i].apart));
        check_offsets(texts[i].apart, strlen(texts[i].apart), &b);
        tokens_free(t);
    }
    token_list_clear(&a);
    token_list_clear(&b);
}

/* Both kinds of pre-token say the same text, ICU words in at least as many pieces. */
static void icu_words_only_cut(void **state)
{
    static const char *const texts[] = {
        "The U.S.-led group didn't say who'd paid (or why).",
        "东京电力公司表示，攻击来自国外。", "รัฐบาลปฏิเสธว่าไม่ได้อยู่เบื้องหลัง",
        "Η κυβέρνηση, λένε, «δεν γνώριζε»."};
    struct tokens *space = tokens_of(TOKENS_WHITESPACE, false, false);
    struct tokens *words = tokens_of(TOKENS_ICU_WORDS, false, false);
    struct token_list l[2] = {{0}, {0}};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct bytes said[2] = {{0}, {0}};
        push(space, texts[i], strlen(texts[i]), &l[0]);
        push(words, texts[i], strlen(texts[i]), &l[1]);
        for (int k = 0; k < 2; k++)
            for (size_t j = 0; j < l[k].count; j++) {
                const uint32_t at = vocabulary->piece_offsets[l[k].ids[j]];
                bytes_push(&said[k], vocabulary->piece_bytes + at,
                           vocabulary->piece_offsets[l[k].ids[j] + 1] - at);
            }
        assert_true(l[1].count >= l[0].count);
        assert_int_equal(said[0].size, said[1].size);
        assert_memory_equal(said[0].data, said[1].data, said[0].size);
        bytes_clear(&said[0]);
        bytes_clear(&said[1]);
    }
    token_list_clear(&l[0]);
    token_list_clear(&l[1]);
    tokens_free(space);
    tokens_free(words);
}

static void a_word_of_a_megabyte(void **state)
{
    enum { SIZE = 1 << 20 };
    struct tokens *t = tokens_of(TOKENS_WHITESPACE, false, false);
    struct token_list l = {0};
    char *text = malloc(SIZE);

    (void)state;
    memset(text, 'q', SIZE);
    push(t, text, SIZE, &l);
    assert_true(l.count > 1000);
    assert_int_equal(tokens_push(t, text, (size_t)1 << 26, &l, NULL), FECIT_E_INPUT);
    free(text);
    token_list_clear(&l);
    tokens_free(t);
}

/* Every allocation fails once; what is left behind is whole and can be freed. */
static void short_memory(void **state)
{
    const struct tokens_options options = {.split = TOKENS_ICU_WORDS};
    enum fecit_status st = FECIT_E_MEMORY;
    long n = 0;

    (void)state;
    while (st == FECIT_E_MEMORY) {
        struct token_list l = {.want_offsets = true};
        struct tokens *t = NULL;
        mem_fail_at(++n);
        st = tokens_new(vocabulary, &options, &t);
        if (st == FECIT_OK)
            st = tokens_push(t, "Sofia denied it; Skopje did not.", 32, &l, NULL);
        mem_fail_at(0);
        assert_int_equal(l.count > 0, st == FECIT_OK);
        token_list_clear(&l);
        tokens_free(t);
    }
    assert_int_equal(st, FECIT_OK);
    assert_true(n > 20);
    tokens_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_ids),
        cmocka_unit_test(the_cache_never_shows),
        cmocka_unit_test(any_bytes),
        cmocka_unit_test(white_space_at_the_ends),
        cmocka_unit_test(sentences_follow_each_other),
        cmocka_unit_test(cut_after_max_pieces),
        cmocka_unit_test(offsets_name_the_text),
        cmocka_unit_test(folded_signs_stay_in_the_spans),
        cmocka_unit_test(marks_join_their_letter),
        cmocka_unit_test(icu_words_only_cut),
        cmocka_unit_test(a_word_of_a_megabyte),
        cmocka_unit_test(short_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

#include "clean.h"

#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/unorm2.h>

/* What the code points of one block of 256 become. */
struct page {
    uint16_t entry[256]; /* 0 = itself, else 1 + index into `entries` */
};

struct entry {
    uint32_t at;
    uint8_t size; /* of the replacement; 0 = dropped */
    uint8_t
        joins; /* dropped, and part of the letter before it (an Arabic vowel sign) */
};

struct clean_table {
    bool fold_arabic;
    UBreakIterator *breaks; /* NULL: no ICU words */
    UText utext;
    const UNormalizer2 *composer; /* ICU's own, of the whole process */

    uint16_t *page_of;  /* [0x1100] code point / 256 -> page, 0 = nothing is replaced */
    struct page *pages; /* [n_pages] */
    struct entry *entries; /* [n_entries] */
    struct bytes replacements;
    size_t n_pages, pages_capacity, n_entries, entries_capacity;
    size_t bytes_capacity, begins_capacity, ends_capacity, cuts_capacity;
};

/* ---- the normalisation table, folding included ---- */

/* Tatweel and the vowel signs. */
static bool is_vowel_sign(uint32_t code)
{
    return code == 0x640 || (code >= 0x64b && code <= 0x65f) || code == 0x670;
}

static bool is_bidi_control(uint32_t code)
{
    return code == 0x61c || code == 0x200e || code == 0x200f ||
           (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* Presentation forms of vowel signs, which the table takes apart into a space and a
 * sign. */
static bool is_vowel_form(uint32_t code)
{
    return (code >= 0xfe70 && code <= 0xfe7f) || (code >= 0xfc5e && code <= 0xfc63) ||
           (code >= 0xfcf2 && code <= 0xfcf4);
}

static enum fecit_status push_entry(struct clean_table *t, uint32_t code,
                                    const uint8_t *bytes, uint32_t size)
{
    enum fecit_status st = FECIT_OK;
    struct entry e = {(uint32_t)t->replacements.size, 0, 0};
    uint32_t c, n;
    void *p;

    e.joins = t->fold_arabic && (is_vowel_sign(code) || is_vowel_form(code));
    if (t->fold_arabic && (e.joins || is_bidi_control(code))) size = 0;
    for (uint32_t i = 0; i < size; i += n) {
        n = next_code(bytes + i, size - i, &c);
        if (t->fold_arabic && is_vowel_sign(c)) continue;
        TRY(bytes_push(&t->replacements, bytes + i, n));
    }
    if (t->replacements.size - e.at > UINT8_MAX || t->n_entries >= UINT16_MAX ||
        (code >= ' ' && code < 0x7f))
        FAIL(FECIT_E_MODEL,
             "vocabulary: cannot replace U+%04X: the text or the table is too "
             "long, or it is plain ASCII",
             (unsigned)code);
    e.size = (uint8_t)(t->replacements.size - e.at);
    TRY_MEM(p = mem_grow(t->entries, &t->entries_capacity, t->n_entries + 1, sizeof e));
    t->entries = p;
    t->entries[t->n_entries++] = e;
    if (!t->page_of[code >> 8]) {
        TRY_MEM(p = mem_grow(t->pages, &t->pages_capacity, t->n_pages + 1,
                             sizeof *t->pages));
        t->pages = p;
        t->pages[t->n_pages] = (struct page){0};
        t->page_of[code >> 8] = (uint16_t)t->n_pages++;
    }
    t->pages[t->page_of[code >> 8]].entry[code & 255] = (uint16_t)t->n_entries;
done:
    return st;
}

static enum fecit_status build_table(struct clean_table *t, const struct vocabulary *v)
{
    enum fecit_status st = FECIT_OK;
    void *p;

    TRY_MEM(t->page_of = mem_new(0x1100, sizeof *t->page_of));
    TRY_MEM(p = mem_grow(t->pages, &t->pages_capacity, 1, sizeof *t->pages));
    t->pages = p;
    t->pages[0] = (struct page){0};
    t->n_pages = 1;
    for (uint32_t i = 0; i < v->n_normalise; i++)
        TRY(push_entry(t, v->normalise_code[i],
                       v->normalise_bytes + v->normalise_offsets[i],
                       v->normalise_offsets[i + 1] - v->normalise_offsets[i]));
    /* Signs and controls the table does not know; a later entry replaces the earlier.
     */
    for (uint32_t c = 0x600; t->fold_arabic && c < 0x2100; c++)
        if (is_vowel_sign(c) || is_bidi_control(c)) TRY(push_entry(t, c, NULL, 0));
done:
    return st;
}

/* ---- construction ---- */

static enum fecit_status open_icu(struct clean_table *t, bool icu_words)
{
    enum fecit_status st = FECIT_OK;
    UErrorCode error = U_ZERO_ERROR;

    t->composer = unorm2_getNFCInstance(&error);
    if (U_SUCCESS(error) && icu_words)
        t->breaks = ubrk_open(UBRK_WORD, "", NULL, 0, &error);
    if (U_FAILURE(error))
        FAIL(
            FECIT_E_MEMORY,
            "ICU has no word boundaries or no composition: %s; install libicu with its "
            "data",
            u_errorName(error));
done:
    return st;
}

enum fecit_status clean_new(const struct vocabulary *v, bool fold_arabic,
                            bool icu_words, struct clean **out)
{
    enum fecit_status st = FECIT_OK;
    struct clean *c = NULL;

    TRY_MEM(c = mem_new(1, sizeof *c));
    TRY_MEM(c->table = mem_new(1, sizeof *c->table));
    c->table->fold_arabic = fold_arabic;
    c->table->utext = (UText)UTEXT_INITIALIZER;
    TRY(open_icu(c->table, icu_words));
    TRY(build_table(c->table, v));
    *out = c;
    c = NULL;
done:
    clean_free(c);
    return st;
}

void clean_free(struct clean *c)
{
    struct clean_table *t;

    if (!c) return;
    t = c->table;
    if (t) {
        if (t->breaks) ubrk_close(t->breaks);
        utext_close(&t->utext);
        mem_free(t->page_of);
        mem_free(t->pages);
        mem_free(t->entries);
        bytes_clear(&t->replacements);
        mem_free(t);
    }
    mem_free(c->bytes);
    mem_free(c->begins);
    mem_free(c->ends);
    mem_free(c->cuts);
    mem_free(c);
}

/* ---- sentence -> clean ---- */

static enum fecit_status reserve_clean(struct clean *c, size_t need, bool offsets)
{
    enum fecit_status st = FECIT_OK;
    void *p;

    TRY_MEM(p = mem_grow(c->bytes, &c->table->bytes_capacity, need, 1));
    c->bytes = p;
    if (!offsets) goto done;
    TRY_MEM(
        p = mem_grow(c->begins, &c->table->begins_capacity, need, sizeof *c->begins));
    c->begins = p;
    TRY_MEM(p = mem_grow(c->ends, &c->table->ends_capacity, need, sizeof *c->ends));
    c->ends = p;
done:
    return st;
}

/* The replacement of one code point, or NULL when it stays as it is. */
static const struct entry *find_entry(const struct clean_table *t, uint32_t code)
{
    const uint16_t i = t->pages[t->page_of[code >> 8]].entry[code & 255];

    return i ? &t->entries[i - 1] : NULL;
}

/* Bytes that stand for utf8[from..to) onto the end of clean; spaces stay single. */
static void push_clean(struct clean *c, const uint8_t *bytes, uint32_t size,
                       uint32_t from, uint32_t to, bool offsets)
{
    for (uint32_t i = 0; i < size; i++) {
        if (bytes[i] == ' ' && (!c->n || c->bytes[c->n - 1] == ' ')) continue;
        if (offsets) {
            c->begins[c->n] = from;
            c->ends[c->n] = to;
        }
        c->bytes[c->n++] = bytes[i];
    }
}

/* Signs that may become one with the letter before them: of Latin, Greek, Cyrillic; of
 * Arabic; vowels and finals of Hangul; of kana. */
static bool is_second(uint32_t code)
{
    return code - 0x300 < 0x70 || code - 0x653 < 3 || code - 0x1161 < 0x62 ||
           code - 0x3099 < 2;
}

/* A letter whose mark is a code point of its own (text out of PDF files, names of files)
 * reads like the letter in one. Takes the last letter from clean and gives what it and
 * `code` are together, and in *from where it began; 0 when they do not compose. */
static uint32_t compose(struct clean *c, uint32_t code, bool offsets, uint32_t *from)
{
    size_t at = c->n;
    uint32_t letter;
    UChar32 both;

    while (at && c->n - at < 4 && (c->bytes[--at] & 0xc0) == 0x80)
        ;
    if (at == c->n) return 0;
    next_code(c->bytes + at, c->n - at, &letter);
    both = unorm2_composePair(c->table->composer, (UChar32)letter, (UChar32)code);
    if (both < 0) return 0;
    if (offsets) *from = c->begins[at];
    c->n = at;
    return (uint32_t)both;
}

/* `code` of utf8[from..to) as the table says, onto the end of clean. */
static void push_letter(struct clean *c, uint32_t code, uint32_t from, uint32_t to,
                        bool offsets)
{
    const struct entry *e = find_entry(c->table, code);
    uint8_t utf8[U8_MAX_LENGTH];
    uint32_t size = 0;

    if (e) {
        push_clean(c, c->table->replacements.data + e->at, e->size, from, to, offsets);
        return;
    }
    U8_APPEND_UNSAFE(utf8, size, code);
    push_clean(c, utf8, size, from, to, offsets);
}

static enum fecit_status push_cut(struct clean *c)
{
    enum fecit_status st = FECIT_OK;
    void *p;

    TRY_MEM(p = mem_grow(c->cuts, &c->table->cuts_capacity, c->n_cuts + 1,
                         sizeof *c->cuts));
    c->cuts = p;
    c->cuts[c->n_cuts++] = (uint32_t)c->n;
done:
    return st;
}

static enum fecit_status open_breaks(struct clean *c, const char *utf8, size_t size,
                                     uint32_t *next)
{
    enum fecit_status st = FECIT_OK;
    UErrorCode error = U_ZERO_ERROR;

    *next = UINT32_MAX;
    if (!c->table->breaks) goto done;
    utext_openUTF8(&c->table->utext, utf8, (int64_t)size, &error);
    ubrk_setUText(c->table->breaks, &c->table->utext, &error);
    if (U_FAILURE(error))
        FAIL(FECIT_E_MEMORY, "ICU cannot look for words: %s", u_errorName(error));
    *next = (uint32_t)ubrk_first(c->table->breaks);
done:
    return st;
}

enum fecit_status clean_sentence(struct clean *c, const char *utf8, uint32_t size,
                                 bool offsets)
{
    enum fecit_status st;
    const uint8_t *s = (const uint8_t *)utf8;
    uint32_t next_break, code, n;

    c->n = c->n_cuts = 0;
    TRY(open_breaks(c, utf8, size, &next_break));
    TRY(reserve_clean(c, (size_t)size + UINT8_MAX + 1, offsets));
    for (uint32_t i = 0; i < size; i += n) {
        const struct entry *e = NULL;
        while (next_break <= i) { /* UBRK_DONE is UINT32_MAX here */
            if (next_break == i) TRY(push_cut(c));
            next_break = (uint32_t)ubrk_next(c->table->breaks);
        }
        n = 1;
        if (s[i] > ' ' && s[i] < 0x7f) { /* build_table() made sure that these stay */
            if (offsets) {
                c->begins[c->n] = i;
                c->ends[c->n] = i + 1;
            }
            c->bytes[c->n++] = s[i];
            continue;
        }
        if (s[i] >= 0xc2 && s[i] < 0xe0 && i + 1 < size) { /* most other alphabets */
            n = 2;
            code = (uint32_t)(s[i] & 0x1f) << 6 | (s[i + 1] & 0x3f);
        } else {
            n = next_code(s + i, size - i, &code);
        }
        if (is_second(code)) {
            uint32_t from = 0;
            const uint32_t both = compose(c, code, offsets, &from);
            if (both) {
                push_letter(c, both, from, i + n, offsets);
                TRY(reserve_clean(c, c->n + (size - i) + UINT8_MAX + 1, offsets));
                continue;
            }
        }
        e = find_entry(c->table, code);
        if (!e && n == 2) {
            for (uint32_t k = 0; k < 2; k++) {
                if (offsets) {
                    c->begins[c->n] = i;
                    c->ends[c->n] = i + 2;
                }
                c->bytes[c->n++] = s[i + k];
            }
            continue;
        }
        if (!e) {
            push_clean(c, s + i, n, i, i + n, offsets);
            continue;
        }
        push_clean(c, c->table->replacements.data + e->at, e->size, i, i + n, offsets);
        if (e->joins && !e->size && offsets && c->n && c->bytes[c->n - 1] != ' ')
            c->ends[c->n - 1] = i + n;
        TRY(reserve_clean(c, c->n + (size - i) + UINT8_MAX + 1, offsets));
    }
    if (c->n && c->bytes[c->n - 1] == ' ') c->n--;
done:
    return st;
}

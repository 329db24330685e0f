/* The way of a sentence, all in the buffers of struct tokens:
 *   utf8  -- clean() ------->  clean: every code point replaced as the table says,
 * spaces single; cuts: where ICU sees word boundaries (if asked) clean -- push_words()
 * -->  words: between spaces, and between cuts word  -- push_word() --->  pieces, from
 * the cache or from segment_word() A word that follows a space or begins the sentence
 * carries the mark U+2581 as a flag, not as bytes: its segmentation starts one step
 * down the trie. */
#include "tokens.h"

#include "base/words.h"

#include <math.h>
#include <string.h>
#include <unicode/ubrk.h>

#define MOST_PIECES_DEFAULT 512
#define LONGEST_SENTENCE    (64 << 20)
#define CACHE_LOG2          16 /* 65,536 words of 64 bytes: 4 MB a thread */

static const uint8_t mark[3] = {0xe2, 0x96, 0x81}; /* U+2581 */

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

/* The best way to reach one byte of a word. */
struct step {
    double score;
    uint32_t from; /* where its last piece begins, in bytes */
    uint32_t id;
};

struct tokens {
    const struct vocabulary *vocabulary;
    struct tokens_options options;
    uint32_t mark_node;  /* the trie after the mark */
    struct words *words; /* NULL: no cache */
    UBreakIterator *breaks;
    UText utext;

    uint16_t *page_of;  /* [0x1100] code point / 256 -> page, 0 = nothing is replaced */
    struct page *pages; /* [n_pages] */
    struct entry *entries; /* [n_entries] */
    struct bytes replacements;
    size_t n_pages, pages_capacity, n_entries, entries_capacity;

    uint8_t *clean; /* [n_clean], readable for 256 bytes more */
    size_t n_clean, clean_capacity;
    uint32_t *begins, *ends; /* [n_clean] bytes in the sentence; filled when wanted */
    size_t begins_capacity, ends_capacity;
    uint32_t *cuts; /* [n_cuts] ascending positions in clean; ICU words only */
    size_t n_cuts, cuts_capacity;
    struct step *steps; /* [word bytes + 2] */
    size_t steps_capacity;
    uint32_t *word_ids, *word_ends; /* [word bytes + 1] the last segment_word() */
    size_t word_ids_capacity, word_ends_capacity;
};

void token_list_clear(struct token_list *l)
{
    mem_free(l->ids);
    mem_free(l->starts);
    mem_free(l->ends);
    *l = (struct token_list){.want_offsets = l->want_offsets};
}

static enum fecit_status token_list_reserve(struct token_list *l, size_t need)
{
    enum fecit_status st = FECIT_OK;
    size_t capacity = l->capacity;
    void *p;

    if (need <= l->capacity) goto done;
    TRY_MEM(p = mem_grow(l->ids, &capacity, need, sizeof *l->ids));
    l->ids = p;
    if (l->want_offsets) {
        size_t same = l->capacity;
        TRY_MEM(p = mem_grow(l->starts, &same, need, sizeof *l->starts));
        l->starts = p;
        same = l->capacity;
        TRY_MEM(p = mem_grow(l->ends, &same, need, sizeof *l->ends));
        l->ends = p;
    }
    l->capacity = capacity;
done:
    return st;
}

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

/* One code point of valid UTF-8; a byte that begins none gives U+FFFD and counts as
 * one. */
static uint32_t next_code(const uint8_t *s, size_t left, uint32_t *code)
{
    const uint8_t c = s[0];
    uint32_t n = c < 0x80   ? 1
                 : c < 0xc2 ? 0
                 : c < 0xe0 ? 2
                 : c < 0xf0 ? 3
                 : c < 0xf5 ? 4
                            : 0;

    *code = n == 1 ? c : n ? c & (0x7fu >> n) : 0;
    if (n > left) n = 0;
    for (uint32_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) n = 0;
        *code = *code << 6 | (s[i] & 0x3f);
    }
    if (!n || *code > 0x10ffff) {
        *code = 0xfffd;
        n = 1;
    }
    return n;
}

static enum fecit_status push_entry(struct tokens *t, uint32_t code,
                                    const uint8_t *bytes, uint32_t size)
{
    enum fecit_status st = FECIT_OK;
    struct entry e = {(uint32_t)t->replacements.size, 0, 0};
    uint32_t c, n;
    void *p;

    e.joins = t->options.fold_arabic && (is_vowel_sign(code) || is_vowel_form(code));
    if (t->options.fold_arabic && (e.joins || is_bidi_control(code))) size = 0;
    for (uint32_t i = 0; i < size; i += n) {
        n = next_code(bytes + i, size - i, &c);
        if (t->options.fold_arabic && is_vowel_sign(c)) continue;
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

static enum fecit_status build_table(struct tokens *t)
{
    enum fecit_status st = FECIT_OK;
    const struct vocabulary *v = t->vocabulary;
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
    for (uint32_t c = 0x600; t->options.fold_arabic && c < 0x2100; c++)
        if (is_vowel_sign(c) || is_bidi_control(c)) TRY(push_entry(t, c, NULL, 0));
done:
    return st;
}

/* ---- construction ---- */

enum fecit_status tokens_new(const struct vocabulary *v,
                             const struct tokens_options *options, struct tokens **out)
{
    enum fecit_status st = FECIT_OK;
    struct tokens *t = NULL;

    TRY_MEM(t = mem_new(1, sizeof *t));
    t->vocabulary = v;
    t->options = *options;
    if (!t->options.max_pieces) t->options.max_pieces = MOST_PIECES_DEFAULT;
    t->mark_node = TRIE_ROOT;
    for (int i = 0; i < 3 && t->mark_node; i++)
        t->mark_node = trie_next(v->trie, t->mark_node, mark[i]);
    t->utext = (UText)UTEXT_INITIALIZER;
    TRY(build_table(t));
    if (!options->no_cache) TRY(words_new(CACHE_LOG2, &t->words));
    if (options->split == TOKENS_ICU_WORDS) {
        UErrorCode error = U_ZERO_ERROR;
        t->breaks = ubrk_open(UBRK_WORD, "", NULL, 0, &error);
        if (U_FAILURE(error))
            FAIL(FECIT_E_MEMORY,
                 "ICU has no word boundaries: %s; install libicu with its data",
                 u_errorName(error));
    }
    *out = t;
    t = NULL;
done:
    tokens_free(t);
    return st;
}

void tokens_free(struct tokens *t)
{
    if (!t) return;
    if (t->breaks) ubrk_close(t->breaks);
    utext_close(&t->utext);
    words_free(t->words);
    mem_free(t->page_of);
    mem_free(t->pages);
    mem_free(t->entries);
    bytes_clear(&t->replacements);
    mem_free(t->clean);
    mem_free(t->begins);
    mem_free(t->ends);
    mem_free(t->cuts);
    mem_free(t->steps);
    mem_free(t->word_ids);
    mem_free(t->word_ends);
    mem_free(t);
}

/* ---- sentence -> clean ---- */

static enum fecit_status reserve_clean(struct tokens *t, size_t need, bool offsets)
{
    enum fecit_status st = FECIT_OK;
    void *p;

    TRY_MEM(p = mem_grow(t->clean, &t->clean_capacity, need, 1));
    t->clean = p;
    if (!offsets) goto done;
    TRY_MEM(p = mem_grow(t->begins, &t->begins_capacity, need, sizeof *t->begins));
    t->begins = p;
    TRY_MEM(p = mem_grow(t->ends, &t->ends_capacity, need, sizeof *t->ends));
    t->ends = p;
done:
    return st;
}

/* The replacement of one code point, or NULL when it stays as it is. */
static const struct entry *find_entry(const struct tokens *t, uint32_t code)
{
    const uint16_t i = t->pages[t->page_of[code >> 8]].entry[code & 255];

    return i ? &t->entries[i - 1] : NULL;
}

/* Bytes that stand for utf8[from..to) onto the end of clean; spaces stay single. */
static void push_clean(struct tokens *t, const uint8_t *bytes, uint32_t size,
                       uint32_t from, uint32_t to, bool offsets)
{
    for (uint32_t i = 0; i < size; i++) {
        if (bytes[i] == ' ' && (!t->n_clean || t->clean[t->n_clean - 1] == ' '))
            continue;
        if (offsets) {
            t->begins[t->n_clean] = from;
            t->ends[t->n_clean] = to;
        }
        t->clean[t->n_clean++] = bytes[i];
    }
}

static enum fecit_status push_cut(struct tokens *t)
{
    enum fecit_status st = FECIT_OK;
    void *p;

    TRY_MEM(p = mem_grow(t->cuts, &t->cuts_capacity, t->n_cuts + 1, sizeof *t->cuts));
    t->cuts = p;
    t->cuts[t->n_cuts++] = (uint32_t)t->n_clean;
done:
    return st;
}

static enum fecit_status open_breaks(struct tokens *t, const char *utf8, size_t size,
                                     uint32_t *next)
{
    enum fecit_status st = FECIT_OK;
    UErrorCode error = U_ZERO_ERROR;

    *next = UINT32_MAX;
    if (!t->breaks) goto done;
    utext_openUTF8(&t->utext, utf8, (int64_t)size, &error);
    ubrk_setUText(t->breaks, &t->utext, &error);
    if (U_FAILURE(error))
        FAIL(FECIT_E_MEMORY, "ICU cannot look for words: %s", u_errorName(error));
    *next = (uint32_t)ubrk_first(t->breaks);
done:
    return st;
}

static enum fecit_status clean(struct tokens *t, const char *utf8, uint32_t size,
                               bool offsets)
{
    enum fecit_status st;
    const uint8_t *s = (const uint8_t *)utf8;
    uint32_t next_break, code, n;

    t->n_clean = t->n_cuts = 0;
    TRY(open_breaks(t, utf8, size, &next_break));
    TRY(reserve_clean(t, (size_t)size + UINT8_MAX + 1, offsets));
    for (uint32_t i = 0; i < size; i += n) {
        const struct entry *e = NULL;
        while (next_break <= i) { /* UBRK_DONE is UINT32_MAX here */
            if (next_break == i) TRY(push_cut(t));
            next_break = (uint32_t)ubrk_next(t->breaks);
        }
        n = 1;
        if (s[i] > ' ' && s[i] < 0x7f) { /* build_table() made sure that these stay */
            if (offsets) {
                t->begins[t->n_clean] = i;
                t->ends[t->n_clean] = i + 1;
            }
            t->clean[t->n_clean++] = s[i];
            continue;
        }
        if (s[i] >= 0xc2 && s[i] < 0xe0 && i + 1 < size) { /* most other alphabets */
            n = 2;
            code = (uint32_t)(s[i] & 0x1f) << 6 | (s[i + 1] & 0x3f);
        } else {
            n = next_code(s + i, size - i, &code);
        }
        e = find_entry(t, code);
        if (!e && n == 2) {
            for (uint32_t k = 0; k < 2; k++) {
                if (offsets) {
                    t->begins[t->n_clean] = i;
                    t->ends[t->n_clean] = i + 2;
                }
                t->clean[t->n_clean++] = s[i + k];
            }
            continue;
        }
        if (!e) {
            push_clean(t, s + i, n, i, i + n, offsets);
            continue;
        }
        push_clean(t, t->replacements.data + e->at, e->size, i, i + n, offsets);
        if (e->joins && !e->size && offsets && t->n_clean &&
            t->clean[t->n_clean - 1] != ' ')
            t->ends[t->n_clean - 1] = i + n;
        TRY(reserve_clean(t, t->n_clean + (size - i) + UINT8_MAX + 1, offsets));
    }
    if (t->n_clean && t->clean[t->n_clean - 1] == ' ') t->n_clean--;
done:
    return st;
}

/* ---- word -> pieces ---- */

static enum fecit_status reserve_word(struct tokens *t, size_t size)
{
    enum fecit_status st = FECIT_OK;
    void *p;

    TRY_MEM(p = mem_grow(t->steps, &t->steps_capacity, size + 2, sizeof *t->steps));
    t->steps = p;
    TRY_MEM(p = mem_grow(t->word_ids, &t->word_ids_capacity, size + 1,
                         sizeof *t->word_ids));
    t->word_ids = p;
    TRY_MEM(p = mem_grow(t->word_ends, &t->word_ends_capacity, size + 1,
                         sizeof *t->word_ends));
    t->word_ends = p;
done:
    return st;
}

/* `piece` may lead from byte `from` to `to`. Sums of 32-bit scores are exact in a
 * double, so equal is equal on every machine; of two equal ways the one that came first
 * stays: its last piece is longer. */
static inline void relax(struct step *to, double here, uint32_t from,
                         const struct trie_node *piece)
{
    const double score = here + (double)piece->weight;

    if (piece->value && score > to->score)
        *to = (struct step){score, from, piece->value - 1};
}

/* The best pieces of word [size] into t->word_ids, word_ends [*n]. steps[1 + i] is the
 * way to byte i; steps[0] stands before the mark, if there is one. */
static enum fecit_status segment_word(struct tokens *t, const uint8_t *word,
                                      uint32_t size, bool marked, uint32_t *n)
{
    enum fecit_status st;
    const struct trie *trie = t->vocabulary->trie;
    const struct vocabulary *v = t->vocabulary;
    const struct trie_node unk = {.value = v->unk + 1, .weight = v->scores[v->unk]};
    const uint32_t first = marked ? 0 : 1, last = size + 1;
    struct step *steps;
    uint32_t count = 0, code;

    TRY(reserve_word(t, size));
    steps = t->steps;
    for (uint32_t i = 0; i <= last; i++)
        steps[i].score = -HUGE_VAL;
    steps[first].score = 0;
    for (uint32_t i = first; i < last; i++) {
        const double here = steps[i].score;
        uint32_t at = i ? TRIE_ROOT : t->mark_node;
        if (here == -HUGE_VAL) continue; /* inside a code point */
        if (!i && at) relax(&steps[1], here, 0, &trie->nodes[at]);
        for (uint32_t j = i ? i : 1;
             j < last && (at = trie_next(trie, at, word[j - 1])); j++)
            relax(&steps[j + 1], here, i, &trie->nodes[at]);
        relax(&steps[i ? i + next_code(word + i - 1, last - i, &code) : 1], here, i,
              &unk);
    }
    for (uint32_t i = last; i > first; i = steps[i].from)
        count++;
    *n = count;
    for (uint32_t i = last; i > first; i = steps[i].from) {
        t->word_ids[--count] = steps[i].id;
        t->word_ends[count] = i - 1;
    }
done:
    return st;
}

/* ---- clean -> pieces ---- */

struct target { /* where one sentence's pieces go */
    struct token_list *list;
    size_t most; /* list->count never passes it */
    bool full;   /* there was more */
};

/* One piece that ends at `end` of the word at clean[word]; the one before ended at
 * `begin`. */
static inline void push_piece(const struct tokens *t, struct target *to, uint32_t word,
                              uint32_t begin, uint32_t end, uint32_t id)
{
    struct token_list *l = to->list;

    l->ids[l->count] = id;
    if (l->want_offsets) {
        l->starts[l->count] = t->begins[word + begin];
        l->ends[l->count] = end > begin ? t->ends[word + end - 1] : l->starts[l->count];
    }
    l->count++;
}

static enum fecit_status push_word(struct tokens *t, uint32_t at, uint32_t size,
                                   bool marked, struct target *to)
{
    enum fecit_status st = FECIT_OK;
    const uint8_t *bytes = t->clean + at;
    struct word *kept = NULL;
    int found = 0;
    uint32_t n, begin = 0;

    if (t->words && size <= WORDS_BYTES)
        kept = words_find(t->words, bytes, size, marked, &found);
    if (found) {
        n = kept->n_ids;
    } else {
        TRY(segment_word(t, bytes, size, marked, &n));
        if (kept && n <= WORDS_PARTS) {
            kept->n_ids = (uint8_t)n;
            for (uint32_t i = 0; i < n; i++) {
                kept->ids[i] = t->word_ids[i];
                kept->ends[i] = (uint8_t)t->word_ends[i];
            }
        }
    }
    if (n > to->most - to->list->count) {
        n = (uint32_t)(to->most - to->list->count);
        to->full = true;
    }
    TRY(token_list_reserve(to->list, to->list->count + n));
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t end = found ? kept->ends[i] : t->word_ends[i];
        push_piece(t, to, at, begin, end, found ? kept->ids[i] : t->word_ids[i]);
        begin = end;
    }
done:
    return st;
}

static enum fecit_status push_words(struct tokens *t, struct target *to)
{
    enum fecit_status st = FECIT_OK;
    const uint32_t n = (uint32_t)t->n_clean;
    size_t cut = 0;

    for (uint32_t begin = 0, end; begin < n && !to->full; begin = end) {
        bool marked = !begin;
        const uint8_t *space;
        if (t->clean[begin] == ' ') {
            begin++;
            marked = true;
        }
        space = memchr(t->clean + begin, ' ', n - begin);
        end = space ? (uint32_t)(space - t->clean) : n;
        while (cut < t->n_cuts && t->cuts[cut] <= begin)
            cut++;
        if (cut < t->n_cuts && t->cuts[cut] < end) end = t->cuts[cut];
        TRY(push_word(t, begin, end - begin, marked, to));
    }
done:
    return st;
}

enum fecit_status tokens_push(struct tokens *t, const char *utf8, size_t size,
                              struct token_list *out, bool *cut)
{
    enum fecit_status st;
    const size_t begin = out->count;
    struct target to = {out, begin + t->options.max_pieces, false};

    if (size >= LONGEST_SENTENCE)
        FAIL(FECIT_E_INPUT, "a sentence of %zu bytes; fewer than %d are fine", size,
             LONGEST_SENTENCE);
    TRY(clean(t, utf8, (uint32_t)size, out->want_offsets));
    TRY(push_words(t, &to));
    if (cut) *cut = to.full;
done:
    if (st != FECIT_OK) out->count = begin;
    return st;
}

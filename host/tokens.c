/* The way of a sentence, all in the buffers of struct tokens:
 *   utf8  -- clean_sentence() -->  clean (clean.h)
 *   clean -- push_words() ------>  words: between spaces, and between cuts
 *   word  -- push_word() ------->  pieces, from the cache or from segment_word()
 * A word that follows a space or begins the sentence carries the mark U+2581 as a flag,
 * not as bytes: its segmentation starts one step down the trie. */
#include "tokens.h"

#include "base/words.h"
#include "clean.h"

#include <math.h>
#include <string.h>

#define MOST_PIECES_DEFAULT 512
#define LONGEST_SENTENCE    (64 << 20)
#define CACHE_LOG2          16 /* 65,536 words of 64 bytes: 4 MB a thread */

static const uint8_t mark[3] = {0xe2, 0x96, 0x81}; /* U+2581 */

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
    struct clean *clean;
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
    TRY(clean_new(v, options->fold_arabic, options->split == TOKENS_ICU_WORDS,
                  &t->clean));
    if (!options->no_cache) TRY(words_new(CACHE_LOG2, &t->words));
    *out = t;
    t = NULL;
done:
    tokens_free(t);
    return st;
}

void tokens_free(struct tokens *t)
{
    if (!t) return;
    words_free(t->words);
    clean_free(t->clean);
    mem_free(t->steps);
    mem_free(t->word_ids);
    mem_free(t->word_ends);
    mem_free(t);
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
        l->starts[l->count] = t->clean->begins[word + begin];
        l->ends[l->count] =
            end > begin ? t->clean->ends[word + end - 1] : l->starts[l->count];
    }
    l->count++;
}

static enum fecit_status push_word(struct tokens *t, uint32_t at, uint32_t size,
                                   bool marked, struct target *to)
{
    enum fecit_status st = FECIT_OK;
    const uint8_t *bytes = t->clean->bytes + at;
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
    const uint32_t n = (uint32_t)t->clean->n;
    size_t cut = 0;

    for (uint32_t begin = 0, end; begin < n && !to->full; begin = end) {
        bool marked = !begin;
        const uint8_t *space;
        if (t->clean->bytes[begin] == ' ') {
            begin++;
            marked = true;
        }
        space = memchr(t->clean->bytes + begin, ' ', n - begin);
        end = space ? (uint32_t)(space - t->clean->bytes) : n;
        while (cut < t->clean->n_cuts && t->clean->cuts[cut] <= begin)
            cut++;
        if (cut < t->clean->n_cuts && t->clean->cuts[cut] < end)
            end = t->clean->cuts[cut];
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
    TRY(clean_sentence(t->clean, utf8, (uint32_t)size, out->want_offsets));
    TRY(push_words(t, &to));
    if (cut) *cut = to.full;
done:
    if (st != FECIT_OK) out->count = begin;
    return st;
}

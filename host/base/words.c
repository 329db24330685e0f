#include "words.h"

#include <string.h>

#define LINE   64
#define ONES_8 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff

_Static_assert(sizeof(struct word) == LINE, "a word fills one cache line");

struct words {
    struct word *places; /* [mask + 1], on a cache line */
    uint32_t mask;
    uint32_t next; /* which of a full group is forgotten next */
    void *owned;
};

enum fecit_status words_new(uint32_t log2, struct words **out)
{
    enum fecit_status st = FECIT_OK;
    const size_t n = (size_t)1 << log2;
    struct words *w = NULL;

    TRY_MEM(w = mem_new(1, sizeof *w));
    TRY_MEM(w->owned = mem_new(n + 1, sizeof *w->places));
    w->places =
        (struct word *)(((uintptr_t)w->owned + LINE - 1) & ~(uintptr_t)(LINE - 1));
    w->mask = (uint32_t)n - 1;
    *out = w;
    w = NULL;
done:
    words_free(w);
    return st;
}

void words_free(struct words *w)
{
    if (w) mem_free(w->owned);
    mem_free(w);
}

/* The first `size` of the 32 bytes, zeros, kind, size: a key is four numbers. */
static inline void make_key(const uint8_t *bytes, uint32_t size, uint8_t kind,
                            uint64_t key[4])
{
    static const uint8_t ones[64] = {ONES_8, ONES_8, ONES_8, ONES_8}; /* then zeros */
    const uint8_t tail[8] = {0, 0, 0, 0, 0, 0, kind, (uint8_t)size};
    uint64_t mask[4], last;

    memcpy(key, bytes, 32);
    memcpy(mask, ones + 32 - size, sizeof mask);
    memcpy(&last, tail, sizeof last);
    for (int i = 0; i < 4; i++)
        key[i] &= mask[i];
    key[3] |= last;
}

/* For speed only: keys are compared whole. Odd multipliers without pattern. */
static inline uint64_t hash_key(const uint64_t key[4])
{
    const uint64_t a = (key[0] ^ 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
    const uint64_t b = (key[1] ^ 0x94d049bb133111ebu) * 0x9e3779b97f4a7c15u;
    const uint64_t c = (key[2] ^ 0xd6e8feb86659fd93u) * 0x94d049bb133111ebu;
    const uint64_t d = (key[3] ^ 0xbf58476d1ce4e5b9u) * 0xd6e8feb86659fd93u;
    const uint64_t h =
        (a ^ (a >> 32)) + (b ^ b >> 29) * 3 + (c ^ c >> 31) * 5 + (d ^ d >> 27);

    return h ^ h >> 32;
}

struct word *words_find(struct words *w, const uint8_t *bytes, uint32_t size,
                        uint8_t kind, int *found)
{
    uint64_t key[4];
    struct word *group, *place;
    int free_place = -1;

    make_key(bytes, size, kind, key);
    group =
        w->places + ((uint32_t)hash_key(key) & w->mask & ~(uint32_t)(WORDS_GROUP - 1));
    *found = 0;
    for (int i = 0; i < WORDS_GROUP; i++) {
        place = group + i;
        if (!memcmp(place, key, sizeof key)) {
            *found = place->n_ids > 0;
            goto done;
        }
        if (!place->size && free_place < 0) free_place = i;
    }
    if (free_place < 0) free_place = (int)(w->next++ % WORDS_GROUP);
    place = group + free_place;
    memcpy(place, key, sizeof key);
    place->n_ids = 0;
done:
    return place;
}

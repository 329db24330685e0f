#include "words.h"

#include <string.h>

#define LINE 64

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

/* The 32 bytes of a key -> 64 bits. The multiplier is odd and without pattern (the
 * golden ratio's fraction); four rounds of multiply and fold. Speed only: keys are
 * compared whole. */
static uint64_t hash_key(const uint8_t key[32])
{
    uint64_t part[4], h = 0x9e3779b97f4a7c15u;

    memcpy(part, key, sizeof part);
    for (int i = 0; i < 4; i++) {
        h = (h ^ part[i]) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    return h;
}

struct word *words_find(struct words *w, const uint8_t *bytes, uint32_t size,
                        uint8_t kind, int *found)
{
    uint8_t key[32] = {0};
    struct word *group, *place;
    int free_place = -1;

    memcpy(key, bytes, size);
    key[WORDS_BYTES] = kind;
    key[WORDS_BYTES + 1] = (uint8_t)size;
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

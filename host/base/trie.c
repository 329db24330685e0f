#include "trie.h"

#include <stdlib.h>
#include <string.h>

/* While building, a free place keeps its neighbours in the list of free places in
 * `base` (the next one) and `value` (the one before); place 0 is the list's head. */
struct builder {
    struct trie_node *nodes; /* [capacity] */
    uint32_t capacity;
    uint32_t used; /* places beyond this were never taken */
    uint32_t hint; /* where nodes of several children look first: not among old holes,
                    * which only single children fill */
    const struct trie_key *keys;
};

/* A node with many children tries at most so many free places before it goes to the
 * end: keeps building linear; costs a few per cent of unused places. */
#define MOST_TRIES 64

/* Places below hold the list's head and the root only, so that every free place less
 * any byte is a base. */
#define FIRST 256

static int compare_keys(const void *a, const void *b)
{
    const struct trie_key *x = a, *y = b;
    const uint32_t shorter = x->size < y->size ? x->size : y->size;
    const int order = memcmp(x->bytes, y->bytes, shorter);

    if (order) return order;
    return x->size < y->size ? -1 : x->size > y->size;
}

static enum fecit_status grow(struct builder *b, uint32_t need)
{
    enum fecit_status st = FECIT_OK;
    size_t capacity = b->capacity;
    struct trie_node *nodes;

    if (need <= b->capacity) goto done;
    nodes = mem_grow(b->nodes, &capacity, need, sizeof *nodes);
    TRY_MEM(nodes);
    b->nodes = nodes;
    if (capacity > UINT32_MAX / 2)
        FAIL(FECIT_E_INPUT, "trie: more than %u places", UINT32_MAX / 2);
    if (!b->capacity) memset(nodes, 0, FIRST * sizeof *nodes);
    for (uint32_t i = b->capacity ? b->capacity : FIRST; i < capacity; i++) {
        const uint32_t last = nodes[0].value; /* onto the end of the list */
        nodes[i] = (struct trie_node){0, 0, last, 0};
        nodes[last].base = i;
        nodes[0].value = i;
    }
    b->capacity = (uint32_t)capacity;
done:
    return st;
}

static void take(struct builder *b, uint32_t at, uint32_t parent)
{
    struct trie_node *n = b->nodes;

    n[n[at].value].base = n[at].base;
    n[n[at].base].value = n[at].value;
    n[at] = (struct trie_node){0, parent, 0, 0};
    if (at >= b->used) b->used = at + 1;
}

static int fits(const struct builder *b, uint32_t base, const uint8_t *bytes,
                uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (base + bytes[i] < b->capacity && b->nodes[base + bytes[i]].parent) return 0;
    return 1;
}

/* The first free place after `at` that will not be a child. */
static uint32_t next_free(const struct builder *b, uint32_t at, uint32_t base,
                          const uint8_t *bytes, uint32_t n)
{
    uint32_t i = 1;

    at = b->nodes[at].base;
    while (at && i < n && at >= base + bytes[i]) {
        if (at == base + bytes[i]) at = b->nodes[at].base;
        i++;
    }
    return at;
}

/* A base at which all `n` children (ascending bytes) fall on free places. */
static enum fecit_status find_base(struct builder *b, const uint8_t *bytes, uint32_t n,
                                   uint32_t *base)
{
    enum fecit_status st = FECIT_OK;
    uint32_t free_place = b->nodes[0].base;

    if (n > 1 && b->hint && !b->nodes[b->hint].parent) free_place = b->hint;
    *base = b->used; /* fits always */
    for (int tries = 0; tries < MOST_TRIES && free_place; tries++) {
        if (fits(b, free_place - bytes[0], bytes, n)) {
            *base = free_place - bytes[0];
            break;
        }
        free_place = b->nodes[free_place].base;
    }
    if (n > 1)
        b->hint =
            *base == b->used ? b->used : next_free(b, free_place, *base, bytes, n);
    TRY(grow(b, *base + 256)); /* so that trie_next needs no bounds check */
done:
    return st;
}

/* Place the children of node `at`, which stands for the first `depth` bytes of the
 * sorted keys from..to-1, and theirs. Recursion is as deep as the longest key. */
static enum fecit_status place(struct builder *b, uint32_t at, size_t from, size_t to,
                               uint32_t depth)
{
    enum fecit_status st = FECIT_OK;
    uint8_t bytes[256];
    uint32_t n = 0, base;

    if (b->keys[from].size == depth) {
        b->nodes[at].value = b->keys[from].number + 1;
        b->nodes[at].weight = b->keys[from++].weight;
    }
    if (from == to) goto done;
    for (size_t i = from; i < to; i++)
        if (!n || b->keys[i].bytes[depth] != bytes[n - 1])
            bytes[n++] = b->keys[i].bytes[depth];
    TRY(find_base(b, bytes, n, &base));
    b->nodes[at].base = base;
    for (uint32_t i = 0; i < n; i++)
        take(b, base + bytes[i], at);
    for (uint32_t i = 0; i < n; i++) {
        size_t end = from;
        while (end < to && b->keys[end].bytes[depth] == bytes[i])
            end++;
        TRY(place(b, base + bytes[i], from, end, depth + 1));
        from = end;
    }
done:
    return st;
}

enum fecit_status trie_build(struct trie_key *keys, size_t n_keys, struct trie **out)
{
    enum fecit_status st = FECIT_OK;
    struct builder b = {0};
    struct trie *t = NULL;

    qsort(keys, n_keys, sizeof *keys, compare_keys);
    for (size_t i = 0; i < n_keys; i++)
        if (!keys[i].size || (i && !compare_keys(&keys[i - 1], &keys[i])))
            FAIL(FECIT_E_INPUT, "trie: string %u is empty or occurs twice",
                 keys[i].number);
    b.keys = keys;
    TRY_MEM(t = mem_new(1, sizeof *t));
    TRY(grow(&b, 512));
    b.used = FIRST;
    b.nodes[TRIE_ROOT].parent = UINT32_MAX;
    if (n_keys) TRY(place(&b, TRIE_ROOT, 0, n_keys, 0));
    for (uint32_t i = 0; i < b.capacity; i++) /* the list of free places goes away */
        if (!b.nodes[i].parent) b.nodes[i] = (struct trie_node){0};
    t->n_nodes = b.used + 256; /* growing doubled it: give back what was too much */
    TRY_MEM(t->nodes = mem_new(t->n_nodes, sizeof *t->nodes));
    memcpy(t->nodes, b.nodes, b.used * sizeof *t->nodes);
    *out = t;
    t = NULL;
done:
    mem_free(b.nodes);
    trie_free(t);
    return st;
}

void trie_free(struct trie *t)
{
    if (t) mem_free(t->nodes);
    mem_free(t);
}

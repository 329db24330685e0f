/* trie.h -- many byte strings, each with a number and a weight, walked one byte at a
 * time.
 *
 *     uint32_t at = TRIE_ROOT;
 *     for (i = 0; i < size && (at = trie_next(t, at, text[i])); i++)
 *         if (t->nodes[at].value) use(i + 1, t->nodes[at].value - 1);
 *
 * A double array (Aoe 1989): the child of `at` by byte b lies at nodes[at].base + b,
 * and is one when nodes[there].parent is `at`. One memory access a byte, nothing to
 * unpack. */
#ifndef BASE_TRIE_H
#define BASE_TRIE_H

#include "mem.h"

#define TRIE_ROOT 1u /* 0 is "no such node" */

struct trie_node {
    uint32_t base;   /* where the children start, less their byte */
    uint32_t parent; /* 0 = this place is free */
    uint32_t value;  /* number + 1 of the string that ends here, 0 = none */
    float weight; /* of that string: here, so that it costs no second memory access */
};

/* Read only after trie_build(): any number of threads may share one. */
struct trie {
    struct trie_node *nodes; /* [n_nodes]; base + 255 is always inside */
    uint32_t n_nodes;
};

struct trie_key {
    const uint8_t *bytes; /* [size], size > 0 */
    uint32_t size;
    uint32_t number; /* < UINT32_MAX */
    float weight;
};

/* Sorts `keys` in place by their bytes. FECIT_E_INPUT when two are equal or one is
 * empty. Caller owns *out; gives it back with trie_free(). */
enum fecit_status trie_build(struct trie_key *keys, size_t n_keys, struct trie **out);
void trie_free(struct trie *t); /* NULL is fine */

static inline uint32_t trie_next(const struct trie *t, uint32_t at, uint8_t byte)
{
    const uint32_t there = t->nodes[at].base + byte;

    return t->nodes[there].parent == at ? there : 0;
}

#endif

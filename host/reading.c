#include "reading.h"

#include <string.h>

enum fecit_status reading_new(uint32_t sentences, uint32_t pieces, uint32_t bos,
                              uint32_t eos, struct reading **out)
{
    enum fecit_status st = FECIT_OK;
    struct reading *r = mem_new(1, sizeof *r);
    const uint32_t least = READING_MOST + 2;

    TRY_MEM(r);
    r->bos = bos;
    r->eos = eos;
    r->spans_limit = sentences ? sentences : 1;
    r->ids_limit = pieces < least ? least : pieces;
    TRY_MEM(r->ids = mem_new(r->ids_limit, sizeof *r->ids));
    TRY_MEM(r->places = mem_new(r->ids_limit, sizeof *r->places));
    TRY_MEM(r->blocks = mem_new(r->ids_limit, sizeof *r->blocks));
    TRY_MEM(r->tags = mem_new((size_t)r->ids_limit * READING_TAGS, sizeof *r->tags));
    TRY_MEM(r->spans = mem_new(r->spans_limit, sizeof *r->spans));
    TRY_MEM(r->moved = mem_new(r->spans_limit, sizeof *r->moved));
    TRY_MEM(r->heads =
                mem_new((size_t)r->spans_limit * READING_HEADS, sizeof *r->heads));
    *out = r;
    r = NULL;
done:
    reading_free(r);
    return st;
}

void reading_free(struct reading *r)
{
    if (!r) return;
    mem_free(r->ids);
    mem_free(r->places);
    mem_free(r->blocks);
    mem_free(r->tags);
    mem_free(r->spans);
    mem_free(r->moved);
    mem_free(r->heads);
    mem_free(r);
}

bool reading_push(struct reading *r, const uint32_t *ids, uint32_t n)
{
    uint32_t *to = r->ids + r->n_ids;

    if (n > READING_MOST) n = READING_MOST;
    if (r->n_spans == r->spans_limit || n + 2 > r->ids_limit - r->n_ids) return false;
    r->spans[r->n_spans++] = (struct shared_span){r->n_ids, n + 2};
    to[0] = r->bos;
    if (n > 0) memcpy(to + 1, ids, n * sizeof *ids);
    to[n + 1] = r->eos;
    r->n_ids += n + 2;
    return true;
}

void reading_clear(struct reading *r)
{
    r->n_ids = r->n_spans = 0;
}

uint32_t reading_lay(struct reading *r, uint32_t first, uint32_t n)
{
    const uint32_t base = r->spans[first].begin;
    struct shared_block *blocks = r->blocks + base; /* never more than pieces */
    uint32_t n_blocks = 0;

    for (uint32_t s = first; s < first + n; s++) {
        const struct shared_span span = {r->spans[s].begin - base, r->spans[s].count};
        r->moved[s] = span;
        for (uint32_t i = 0; i < span.count; i++)
            r->places[base + span.begin + i] = i;
        for (uint32_t i = 0; i < span.count; i += SHARED_QUERIES) {
            const uint32_t left = span.count - i;
            blocks[n_blocks++] =
                (struct shared_block){span.begin, span.count, span.begin + i,
                                      left < SHARED_QUERIES ? left : SHARED_QUERIES};
        }
    }
    return n_blocks;
}

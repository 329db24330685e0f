#include "batch.h"

#include <string.h>

enum fecit_status batch_new(uint32_t sentences, struct batch **out)
{
    enum fecit_status st = FECIT_OK;
    struct batch *b = mem_new(1, sizeof *b);

    TRY_MEM(b);
    b->spans_limit = sentences ? sentences : BATCH_SENTENCES;
    /* 32 ids a sentence is the mean of news; longer sentences make the batch end early. */
    b->ids_limit = b->spans_limit > BATCH_IDS / 32 ? 32 * b->spans_limit : BATCH_IDS;
    TRY_MEM(b->ids = mem_new(b->ids_limit, sizeof *b->ids));
    TRY_MEM(b->spans = mem_new(b->spans_limit, sizeof *b->spans));
    TRY_MEM(b->p = mem_new((size_t)b->spans_limit * SHARED_CLASSES, sizeof *b->p));
    *out = b;
    b = NULL;
done:
    batch_free(b);
    return st;
}

void batch_free(struct batch *b)
{
    if (!b) return;
    mem_free(b->ids);
    mem_free(b->spans);
    mem_free(b->p);
    mem_free(b);
}

bool batch_push(struct batch *b, const uint32_t *ids, uint32_t n)
{
    if (b->n_spans == b->spans_limit || n > b->ids_limit - b->n_ids) return false;
    b->spans[b->n_spans++] = (struct shared_span){b->n_ids, n};
    if (n > 0) memcpy(b->ids + b->n_ids, ids, n * sizeof *ids);
    b->n_ids += n;
    return true;
}

void batch_clear(struct batch *b)
{
    b->n_ids = b->n_spans = 0;
}

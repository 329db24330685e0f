#include "parcel.h"

#include <string.h>
#include <time.h>

#define KEEP_BYTES (2u << 20) /* a buffer that grew beyond this is given back */

uint64_t parcel_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

enum fecit_status parcel_new(struct parcel **out)
{
    enum fecit_status st = FECIT_OK;
    struct parcel *p = mem_new(1, sizeof *p);

    TRY_MEM(p);
    *out = p;
done:
    return st;
}

static void item_clear(struct parcel_item *item)
{
    document_clear(&item->document);
    mem_free(item->why);
    item->why = NULL;
    if (item->text.capacity > KEEP_BYTES) bytes_clear(&item->text);
    item->text.size = 0;
}

void parcel_clear(struct parcel *p)
{
    for (size_t i = 0; i < p->n_items; i++)
        item_clear(&p->items[i]);
    if (p->tokens.capacity * sizeof(uint32_t) > KEEP_BYTES)
        token_list_clear(&p->tokens);
    p->tokens.count = 0;
    p->n_items = p->n_sentences = p->raw_bytes = 0;
}

void parcel_free(struct parcel *p)
{
    if (!p) return;
    parcel_clear(p);
    for (size_t i = 0; i < p->capacity; i++)
        bytes_clear(&p->items[i].text);
    token_list_clear(&p->tokens);
    mem_free(p->items);
    mem_free(p->sentences);
    mem_free(p->spans);
    mem_free(p);
}

enum fecit_status parcel_push(struct parcel *p, struct parcel_item **out)
{
    enum fecit_status st = FECIT_OK;
    const size_t before = p->capacity;
    void *grown = mem_grow(p->items, &p->capacity, p->n_items + 1, sizeof *p->items);
    struct parcel_item *item;

    TRY_MEM(grown);
    p->items = grown;
    /* New items must be empty: their text buffers are freed or used again later. */
    memset(p->items + before, 0, (p->capacity - before) * sizeof *p->items);
    item = &p->items[p->n_items++];
    item->document = (struct document){0};
    item->first = item->count = 0;
    item->repaired = item->line = 0;
    item->lang = "und";
    item->head_size = 0;
    *out = item;
done:
    return st;
}

enum fecit_status parcel_push_reject(struct parcel *p, const struct reject *r)
{
    enum fecit_status st = FECIT_OK;
    struct parcel_item *item;

    TRY(parcel_push(p, &item));
    TRY_MEM(item->why = mem_text(r->why, strlen(r->why)));
    TRY_MEM(item->document.file = mem_text(r->file, strlen(r->file)));
    item->document.offset = r->offset;
    item->line = r->line;
    item->head_size = r->head_size < REJECT_HEAD ? r->head_size : REJECT_HEAD;
    if (item->head_size) memcpy(item->head, r->head, item->head_size);
done:
    return st;
}

static enum fecit_status sentence_push(struct parcel *p, struct sentence where)
{
    enum fecit_status st = FECIT_OK;
    void *grown = mem_grow(p->sentences, &p->sentence_capacity, p->n_sentences + 1,
                           sizeof *p->sentences);

    TRY_MEM(grown);
    p->sentences = grown;
    p->sentences[p->n_sentences++] = where;
done:
    return st;
}

/* Where the sentences of one item's text lie. */
static enum fecit_status sentences_find(struct parcel *p,
                                        const struct parcel_item *item,
                                        struct segment *segment, const char *utf8)
{
    enum fecit_status st = FECIT_OK;
    struct sentence s = {0, item->text.size};

    if (item->document.sentences) return sentence_push(p, s);
    TRY(segment_text(segment, utf8, item->text.size));
    while ((st = segment_next(segment, &s)) == FECIT_OK)
        TRY(sentence_push(p, s));
    if (st == FECIT_END) st = FECIT_OK;
done:
    return st;
}

/* The pieces of the sentences from `first` on, all of one text. */
static enum fecit_status pieces_find(struct parcel *p, uint32_t first,
                                     struct tokens *tokens, const char *utf8)
{
    enum fecit_status st = FECIT_OK;
    void *grown =
        mem_grow(p->spans, &p->span_capacity, p->n_sentences, sizeof *p->spans);

    TRY_MEM(grown);
    p->spans = grown;
    for (size_t i = first; i < p->n_sentences; i++) {
        const struct sentence s = p->sentences[i];
        const size_t begin = p->tokens.count;
        TRY(tokens_push(tokens, utf8 + s.start, s.end - s.start, &p->tokens, NULL));
        p->spans[i] =
            (struct parcel_span){(uint32_t)begin, (uint32_t)(p->tokens.count - begin)};
    }
done:
    return st;
}

/* Sentences and pieces of one item's text. Station by station, so that each one's time is
 * taken once for each document and not once for each sentence. */
static enum fecit_status item_run(struct parcel *p, struct parcel_item *item,
                                  struct parcel_tools *tools)
{
    enum fecit_status st = FECIT_OK;
    struct document *d = &item->document;
    const uint64_t begin = parcel_clock();
    uint64_t texted, segmented;
    const char *utf8;

    TRY(text_read(d->raw.data, d->raw.size, d->encoding, d->part == 0, &item->text,
                  &item->repaired));
    item->repaired += d->repaired;
    bytes_clear(&d->raw);
    utf8 = item->text.data ? (const char *)item->text.data : "";
    item->lang = d->lang ? d->lang : language_of(utf8, item->text.size);
    texted = parcel_clock();
    item->first = (uint32_t)p->n_sentences;
    TRY(sentences_find(p, item, tools->segment, utf8));
    item->count = (uint32_t)p->n_sentences - item->first;
    segmented = parcel_clock();
    TRY(pieces_find(p, item->first, tools->tokens, utf8));
    tools->times.text += texted - begin;
    tools->times.segment += segmented - texted;
    tools->times.tokens += parcel_clock() - segmented;
done:
    return st;
}

enum fecit_status parcel_run(struct parcel *p, struct parcel_tools *tools)
{
    enum fecit_status st = FECIT_OK;

    for (size_t i = 0; i < p->n_items; i++)
        if (!p->items[i].why) TRY(item_run(p, &p->items[i], tools));
done:
    return st;
}

enum fecit_status parcel_tools_init(struct parcel_tools *t, const struct vocabulary *v,
                                    const struct tokens_options *options)
{
    enum fecit_status st = FECIT_OK;

    *t = (struct parcel_tools){0};
    TRY(segment_new(&t->segment));
    TRY(tokens_new(v, options, &t->tokens));
done:
    if (st != FECIT_OK) parcel_tools_clear(t);
    return st;
}

void parcel_tools_clear(struct parcel_tools *t)
{
    segment_free(t->segment);
    tokens_free(t->tokens);
    *t = (struct parcel_tools){0};
}

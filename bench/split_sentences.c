/* split_sentences.c -- the first half of the peer that `make bench` measures against:
 * JSONL on stdin -> one sentence a line on stdout, by ICU's sentence rules. It uses fecit's
 * own JSONL reader and segmenter, so that the peer does not lose by a slow splitter. With any
 * argument each line begins with the document's id and the sentence's bytes, start and end,
 * separated by tabs (datasets/candidates.py needs them). */
#include "segment.h"
#include "source.h"

#include <stdio.h>

static enum fecit_status ignore(void *self, const struct reject *r)
{
    (void)self;
    fprintf(stderr, "rejected: %s:%llu: %s\n", r->file, (unsigned long long)r->line,
            r->why);
    return FECIT_OK;
}

static void print_line(const char *utf8, size_t size)
{
    for (size_t i = 0; i < size; i++)
        putchar_unlocked(utf8[i] == '\n' || utf8[i] == '\r' ? ' ' : utf8[i]);
    putchar_unlocked('\n');
}

int main(int argc, char **argv)
{
    static const char *const input[] = {"-"};
    const struct source_options options = {.format = SOURCE_JSONL};
    enum fecit_status st;
    struct source *source = NULL;
    struct segment *segment = NULL;
    struct document d = {0};
    struct bytes text = {0};
    struct sentence s;
    uint64_t repaired;

    (void)argv;
    TRY(source_open(input, 1, &options, ignore, NULL, &source));
    TRY(segment_new(&segment));
    while ((st = source_next(source, &d)) == FECIT_OK) {
        TRY(text_read(d.raw.data, d.raw.size, d.encoding, d.part == 0, &text,
                      &repaired));
        TRY(segment_text(segment, (const char *)text.data, text.size));
        while ((st = segment_next(segment, &s)) == FECIT_OK) {
            if (argc > 1)
                printf("%s\t%zu\t%zu\t", d.id, (size_t)s.start, (size_t)s.end);
            print_line((const char *)text.data + s.start, s.end - s.start);
        }
        if (st != FECIT_END) goto done;
    }
done:
    if (st != FECIT_OK && st != FECIT_END) fprintf(stderr, "%s\n", status_text());
    document_clear(&d);
    bytes_clear(&text);
    segment_free(segment);
    source_close(source);
    return st == FECIT_OK || st == FECIT_END ? 0 : 1;
}

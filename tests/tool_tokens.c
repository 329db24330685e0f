/* tool_tokens -- the tokeniser alone, for models/check_tokens.py and for timings.
 *
 *     tool_tokens VOCABULARY [whitespace|words] [fold] [plain] [offsets] [bench=N] <
 * sentences
 *
 * One sentence a line; prints its ids (with `offsets`, id:start:end). `plain` switches
 * the word cache off, `bench=N` prints only the speed (processor time) of the
 * best of N passes over the input. */
#include "tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static enum fecit_status read_all(FILE *in, struct bytes *all)
{
    enum fecit_status st = FECIT_OK;
    char part[65536];
    size_t n;

    while ((n = fread(part, 1, sizeof part, in)) > 0)
        TRY(bytes_push(all, part, n));
done:
    return st;
}

static void print_list(const struct token_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        printf(i ? " %u" : "%u", l->ids[i]);
        if (l->want_offsets) printf(":%u:%u", l->starts[i], l->ends[i]);
    }
    putchar('\n');
}

/* Every line of `all` once. */
static enum fecit_status run_lines(struct tokens *t, const struct bytes *all,
                                   struct token_list *list, int print, size_t *pieces)
{
    enum fecit_status st = FECIT_OK;
    const char *s = (const char *)all->data, *end = s + all->size;

    while (s < end) {
        const char *line = memchr(s, '\n', (size_t)(end - s));
        if (!line) line = end;
        list->count = 0;
        TRY(tokens_push(t, s, (size_t)(line - s), list, NULL));
        *pieces += list->count;
        if (print) print_list(list);
        s = line + 1;
    }
done:
    return st;
}

int main(int argc, char **argv)
{
    enum fecit_status st = FECIT_OK;
    struct tokens_options options = {.max_pieces = 1 << 30};
    struct vocabulary *v = NULL;
    struct tokens *t = NULL;
    struct token_list list = {0};
    struct bytes all = {0};
    size_t pieces = 0;
    int passes = 0;
    double best = 0;

    for (int i = 2; i < argc; i++) {
        if (!strcmp(argv[i], "words")) options.split = TOKENS_ICU_WORDS;
        if (!strcmp(argv[i], "fold")) options.fold_arabic = true;
        if (!strcmp(argv[i], "plain")) options.no_cache = true;
        if (!strcmp(argv[i], "offsets")) list.want_offsets = true;
        if (!strncmp(argv[i], "bench=", 6)) passes = atoi(argv[i] + 6);
    }
    if (argc < 2)
        FAIL(FECIT_E_USAGE, "usage: tool_tokens VOCABULARY [options] < sentences");
    TRY(vocabulary_load(argv[1], &v));
    TRY(tokens_new(v, &options, &t));
    TRY(read_all(stdin, &all));
    if (!passes) TRY(run_lines(t, &all, &list, 1, &pieces));
    for (int i = 0; i < passes; i++) {
        const double begin = seconds();
        pieces = 0;
        TRY(run_lines(t, &all, &list, 0, &pieces));
        if (!i || seconds() - begin < best) best = seconds() - begin;
    }
    if (passes)
        printf("%.1f MB/s, %.2f M pieces/s, %zu pieces\n",
               (double)all.size / best * 1e-6, (double)pieces / best * 1e-6, pieces);
done:
    if (st != FECIT_OK) fprintf(stderr, "tool_tokens: %s\n", status_text());
    bytes_clear(&all);
    token_list_clear(&list);
    tokens_free(t);
    vocabulary_free(v);
    return st == FECIT_OK ? 0 : 1;
}

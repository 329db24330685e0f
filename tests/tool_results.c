/* tool_results.c -- make a results folder without a model: for tests/cli/show.sh, and
 * to time the writer. tool_results FOLDER sample    the three documents of
 * results_sample.h tool_results FOLDER hostile   texts that try to take over the
 * terminal tool_results FOLDER large N   N sentences, one in ten a statement, 20 a
 * document */
#include "results_sample.h"

#include <time.h>

static const char *const hostile[] = {
    "red \033[31malert\033[0m and a title \033]0;gone\007",
    "C1 controls \xc2\x9b"
    "31m, carriage\rreturn, back\b\b\bspace, NUL-free",
    "an override \xe2\x80\xae"
    "desrever\xe2\x80\xac and \xe2\x81\xa9 an end that opens nothing",
    "line\nafter\tline\xe2\x80\xa8"
    "after line",
    "not UTF-8 \xff\xfe and a cut \xe2\x80",
    "\"quotes\" and \\backslashes\\",
};
enum { N_HOSTILE = sizeof hostile / sizeof *hostile };

static enum fecit_status hostile_folder(const char *folder)
{
    enum fecit_status st = FECIT_OK;
    const struct results_options options = {folder, 0, 0, NULL};
    const struct document_row d = {.doc_id = "\033[2Jid",
                                   .file = "f",
                                   .lang = "en",
                                   .bytes = 10000,
                                   .sentences = N_HOSTILE,
                                   .statements = N_HOSTILE};
    struct results *r = NULL;

    TRY(results_open(&options, &r));
    for (uint32_t i = 0; i < N_HOSTILE; i++) {
        const struct row row = {
            .doc_id = d.doc_id,
            .sent = i,
            .start = i * 100,
            .end = i * 100 + strlen(hostile[i]),
            .text = hostile[i],
            .size = strlen(hostile[i]),
            .lang = "en",
            .label = FECIT_ASSERTED,
            .p = .5f + .01f * (float)i,
            .p_class = {.5f - .01f * (float)i, .5f, 0, .01f * (float)i}};
        TRY(results_push_statement(r, &row));
    }
    TRY(results_push_document(r, &d));
    TRY(results_finish(r));
done:
    results_close(r);
    return st;
}

static enum fecit_status large_folder(const char *folder, uint64_t n)
{
    static const char text[] =
        "The interior ministry accused its neighbour of breaking into the mail servers "
        "of "
        "three agencies and said that it would answer in kind before the end of the "
        "month.";
    enum fecit_status st = FECIT_OK;
    const struct results_options options = {folder, 1, 1, "abc"};
    struct results *r = NULL;
    struct document_row d = {.doc_id = "archive/2024/05/17/story-000123",
                             .lang = "en",
                             .file = "archive/2024-05.jsonl",
                             .date = "2024-05-17",
                             .bytes = 4000,
                             .sentences = 20,
                             .statements = 2};
    struct row row = {.doc_id = d.doc_id,
                      .text = text,
                      .size = sizeof text - 1,
                      .lang = "en",
                      .p = .875f,
                      .p_class = {.125f, .5f, .25f, .125f}};

    TRY(results_open(&options, &r));
    for (uint64_t i = 0; i < n; i++) {
        row.doc = i / 20;
        row.sent = i % 20;
        row.start = row.sent * 200;
        row.end = row.start + row.size;
        row.label = i % 10 == 0 ? FECIT_ASSERTED : FECIT_NONE;
        if (i % 10 == 0) TRY(results_push_statement(r, &row));
        TRY(results_push_sentence(r, &row));
        d.doc = row.doc;
        d.offset = i * 250;
        if (i % 20 == 19) TRY(results_push_document(r, &d));
    }
    TRY(results_finish(r));
    TRY(sample_run_save(r, 1, 1)); /* its counts are the sample's: not to be verified */
done:
    results_close(r);
    return st;
}

int main(int argc, char **argv)
{
    enum fecit_status st = FECIT_E_USAGE;
    struct timespec a, b;

    clock_gettime(CLOCK_MONOTONIC, &a);
    if (argc == 3 && !strcmp(argv[2], "sample")) st = sample_folder(argv[1], 1, 0);
    if (argc == 3 && !strcmp(argv[2], "hostile")) st = hostile_folder(argv[1]);
    if (argc == 4 && !strcmp(argv[2], "large"))
        st = large_folder(argv[1], strtoull(argv[3], NULL, 10));
    clock_gettime(CLOCK_MONOTONIC, &b);
    if (st != FECIT_OK) {
        fprintf(stderr, "tool_results: %s\n",
                st == FECIT_E_USAGE ? "FOLDER sample|hostile|large N" : status_text());
        return 1;
    }
    printf("%.3f s\n",
           (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec));
    return 0;
}

/* cmd_verify.c -- fecit verify: are these results whole? */
#include "../verify.h"
#include "args.h"

#include <getopt.h>

static const char help[] =
    "fecit verify [options] OUT...\n"
    "\n"
    "Reads result folders from end to end and checks that nothing is missing, cut or\n"
    "damaged: run.json says the run is complete, every file is there with the row "
    "count\n"
    "and checksum of its footer, rows come in order, every statement lies in a "
    "document,\n"
    "each document has as many rows as it says, and texts, places, scores and hashes "
    "agree.\n"
    "\n"
    "One line for each whole folder goes to standard output, one for each problem to\n"
    "standard error.\n"
    "\n"
    "  -q, --quiet   nothing for whole folders\n"
    "  -h, --help\n"
    "\n"
    "Examples\n"
    "  fecit verify results\n"
    "  fecit verify night/*/ && rsync -a night/ store:/archive/night/\n"
    "\n"
    "Exit codes: 0 all whole, 1 usage, 2 a folder is damaged, unfinished or not "
    "there.\n";

static const struct option long_options[] = {
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void on_problem(void *self, const char *problem)
{
    (void)self;
    fprintf(stderr, "fecit verify: %s\n", problem);
}

static void print_whole(const char *folder, const struct verify_counts *c)
{
    printf(
        "%s: whole: %llu documents, %llu sentences%s, %llu statements, %llu rejects; "
        "%llu files, %.1f MB\n",
        folder, (unsigned long long)c->documents, (unsigned long long)c->sentences,
        c->all ? " (all written)" : "", (unsigned long long)c->statements,
        (unsigned long long)c->rejects, (unsigned long long)c->files,
        (double)c->bytes / 1e6);
}

int cmd_verify(int argc, char **argv)
{
    struct verify_counts counts;
    bool quiet = false;
    int code, result = EXIT_DONE;

    optind = 1;
    while ((code = getopt_long(argc, argv, "qh", long_options, NULL)) != -1) {
        if (code == 'h') {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        if (code != 'q') return args_usage("verify", "unknown option");
        quiet = true;
    }
    if (optind == argc) return args_usage("verify", "no result folder named");
    for (int i = optind; i < argc; i++) {
        const enum fecit_status st = verify_folder(argv[i], on_problem, NULL, &counts);
        if (st == FECIT_OK && !quiet) print_whole(argv[i], &counts);
        if (st == FECIT_E_MEMORY) return args_failed("verify", st);
        if (st != FECIT_OK) result = EXIT_INPUT;
    }
    return result;
}

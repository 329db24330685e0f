/* main.c -- command name -> command. */
#include "args.h"

#include <locale.h>
#include <signal.h>
#include <string.h>

static const struct command commands[] = {
    {"score", "find statements in files, folders or stdin: the main job", cmd_score},
    {"show", "print the statements of a result folder as a table", cmd_show},
    {"eval", "measure quality on labelled sentences", cmd_eval},
    {"explain", "show what the model sees in a sentence and what moved it",
     cmd_explain},
    {"train", "fit the sieve to your own labelled sentences", cmd_train},
    {"verify", "check that result folders are whole and undamaged", cmd_verify},
    {"devices", "list the OpenCL devices", cmd_devices},
    {"doctor", "check that this machine computes rightly, and say what is missing",
     cmd_doctor},
    {"bench", "measure the stages on a device; --tune finds its best settings",
     cmd_bench},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *to)
{
    fprintf(to,
            "fecit %s -- finds the sentences in which a state is said to have done "
            "something hostile.\n\nUse: fecit COMMAND [options] ...\n\n",
            fecit_version());
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].what);
    fprintf(to,
            "\nfecit COMMAND --help tells the options of one command.\n"
            "A first run:\n"
            "  fecit score news.jsonl -o results\n"
            "  fecit show results\n\n"
            "Exit codes: 0 done, 1 usage, 2 bad input beyond the allowed rejects,\n"
            "3 model or device refused, 4 output failed, 75 stopped by a signal.\n");
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;

    setlocale(LC_CTYPE, "");
    signal(SIGXFSZ, SIG_IGN); /* a file-size limit is then a write error, exit 4 */
    if (!name) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(name, "--version") || !strcmp(name, "-V") || !strcmp(name, "version")) {
        printf("fecit %s\n", fecit_version());
        return EXIT_DONE;
    }
    if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h")) {
        if (argc > 2 && name[0] == 'h') {
            char *ask[] = {argv[2], "--help", NULL};
            for (size_t i = 0; i < N_COMMANDS; i++)
                if (!strcmp(argv[2], commands[i].name)) return commands[i].run(2, ask);
        }
        print_help(stdout);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (!strcmp(name, commands[i].name)) return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "fecit: there is no command \"%s\"; see fecit --help\n", name);
    return EXIT_USAGE;
}

/* args.h -- what the commands share: options, exit codes, the terminal.
 * Only host/cli prints and exits. Results go to stdout, everything else to stderr. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "../base/mem.h"
#include <stdbool.h>
#include <stdio.h>

enum exit_code {
    EXIT_DONE = 0,
    EXIT_USAGE = 1,
    EXIT_INPUT = 2,   /* bad input beyond the allowed rejects; also memory */
    EXIT_REFUSED = 3, /* model or device refused */
    EXIT_OUTPUT = 4,
    EXIT_STOPPED = 75,
};

struct command {
    const char *name, *what;           /* `what` is one line for `fecit help` */
    int (*run)(int argc, char **argv); /* argv[0] = name */
};

int cmd_score(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_devices(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_bench(int argc, char **argv);

/* Print "fecit COMMAND: text" for the kept status and give its exit code. */
int args_failed(const char *command, enum fecit_status st);
int args_exit_code(enum fecit_status st);

/* "fecit COMMAND: ..., see fecit COMMAND --help" to stderr; returns EXIT_USAGE. */
int args_usage(const char *command, const char *format, ...) STATUS_PRINTF(2, 3);

/* Whole-string numbers within [low, high]; false and a line on stderr otherwise. */
bool args_integer(const char *command, const char *option, const char *text, long low,
                  long high, long *out);
bool args_number(const char *command, const char *option, const char *text, double low,
                 double high, double *out);

/* Whether all that was printed reached stdout: EXIT_DONE, else a message and EXIT_OUTPUT. */
int args_flush(const char *command);

/* Set by SIGINT and SIGTERM after args_catch_signals(). A second signal ends at once. */
void args_catch_signals(void);
bool args_stopped(void);

/* Width of the terminal on `file`, or 0 when it is none. */
int args_terminal_width(FILE *file);

#endif

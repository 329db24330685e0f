#include "args.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;

int args_exit_code(enum fecit_status st)
{
    switch (st) {
    case FECIT_OK:
    case FECIT_END:
        return EXIT_DONE;
    case FECIT_E_USAGE:
        return EXIT_USAGE;
    case FECIT_E_MEMORY:
    case FECIT_E_INPUT:
        return EXIT_INPUT;
    case FECIT_E_MODEL:
    case FECIT_E_DEVICE:
        return EXIT_REFUSED;
    case FECIT_E_OUTPUT:
        return EXIT_OUTPUT;
    case FECIT_E_STOPPED:
        return EXIT_STOPPED;
    }
    return EXIT_INPUT;
}

int args_failed(const char *command, enum fecit_status st)
{
    fprintf(stderr, "fecit %s: %s\n", command, status_text());
    return args_exit_code(st);
}

int args_usage(const char *command, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "fecit %s: ", command);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "; see fecit %s --help\n", command);
    return EXIT_USAGE;
}

bool args_integer(const char *command, const char *option, const char *text, long low,
                  long high, long *out)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end || value < low || value > high) {
        args_usage(command, "%s wants a whole number from %ld to %ld, not \"%s\"",
                   option, low, high, text);
        return false;
    }
    *out = value;
    return true;
}

bool args_number(const char *command, const char *option, const char *text, double low,
                 double high, double *out)
{
    char *end;
    double value;

    errno = 0;
    value = strtod(text, &end);
    if (errno != 0 || end == text || *end || !isfinite(value) || value < low ||
        value > high) {
        args_usage(command, "%s wants a number from %g to %g, not \"%s\"", option, low,
                   high, text);
        return false;
    }
    *out = value;
    return true;
}

static void on_signal(int number)
{
    if (stopped) _exit(128 + number); /* asked twice: do not wait for the device */
    stopped = 1;
}

void args_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool args_stopped(void)
{
    return stopped != 0;
}

int args_terminal_width(FILE *file)
{
    struct winsize size;

    if (!isatty(fileno(file))) return 0;
    if (ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 20)
        return size.ws_col;
    return 80;
}

int args_flush(const char *command)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return EXIT_DONE;
    fprintf(stderr, "fecit %s: cannot write to standard output: %s\n", command,
            strerror(errno));
    return EXIT_OUTPUT;
}

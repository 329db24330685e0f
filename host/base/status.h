/* status.h -- one error idiom: a code in the return, a text kept for the thread.
 *
 *     enum fecit_status st;
 *     TRY(file_read(path, &raw));
 *     TRY_MEM(rows = mem_new(n, sizeof *rows));
 * done:
 *     bytes_clear(&raw);
 *     return st;
 *
 * Every function that can fail has `st`, one label `done`, and one return. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include "../fecit.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define STATUS_PRINTF(a, b) __attribute__((format(printf, a, b)))
#else
#define STATUS_PRINTF(a, b)
#endif

/* Keep a text for this thread and return `code`. The text says where, what was expected,
 * what was found, and the next step. Cut at 1,023 bytes. */
enum fecit_status status_set(enum fecit_status code, const char *format, ...)
    STATUS_PRINTF(2, 3);

/* The text of this thread's last status_set(). Borrows until the next one on this thread. */
const char *status_text(void);

/* Put "prefix: " before the kept text (where the caller knows the place). Returns code. */
enum fecit_status status_prefix(enum fecit_status code, const char *format, ...)
    STATUS_PRINTF(2, 3);

#define TRY(call)                                                                      \
    do {                                                                               \
        st = (call);                                                                   \
        if (st != FECIT_OK) goto done;                                                 \
    } while (0)

/* For mem_*: they set the text themselves. */
#define TRY_MEM(pointer)                                                               \
    do {                                                                               \
        if (!(pointer)) {                                                              \
            st = FECIT_E_MEMORY;                                                       \
            goto done;                                                                 \
        }                                                                              \
    } while (0)

/* For errors found on the spot: FAIL(FECIT_E_INPUT, "%s: ...", path); */
#define FAIL(...)                                                                      \
    do {                                                                               \
        st = status_set(__VA_ARGS__);                                                  \
        goto done;                                                                     \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif

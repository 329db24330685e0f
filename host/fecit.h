/* fecit.h -- find the sentences in which a state is said to have done something hostile.
 *
 * A whole program:
 *
 *     #include <fecit.h>
 *     #include <stdio.h>
 *     #include <string.h>
 *
 *     static int found(void *self, const struct fecit_result *r)
 *     {
 *         (void)self;
 *         if (r->label != FECIT_NONE)
 *             printf("%.3f %.*s\n", r->p, (int)r->size, r->text);
 *         return 0;
 *     }
 *
 *     int main(void)
 *     {
 *         struct fecit *f = NULL;
 *         const char *news = "The ministry blamed Tehran for the breach. Rain is likely.";
 *         if (fecit_open(NULL, NULL, &f) != FECIT_OK ||
 *             fecit_score(f, news, strlen(news), found, NULL) != FECIT_OK)
 *             fprintf(stderr, "%s\n", fecit_error(f));
 *         fecit_close(f);
 *         return 0;
 *     }
 *
 * fecit_open -> fecit_score, as often as you like -> fecit_close.
 * The library never prints and never exits. Several threads may use it at once, each with
 * a handle of its own. */
#ifndef FECIT_H
#define FECIT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What every fallible call returns. Anything but OK and END comes with a text that says
 * where, what was expected, what was found, and what to do: fecit_error(). */
enum fecit_status {
    FECIT_OK = 0,
    FECIT_END,       /* nothing left; not a failure */
    FECIT_E_MEMORY,  /* an allocation failed */
    FECIT_E_USAGE,   /* an option or argument is wrong */
    FECIT_E_INPUT,   /* text, record or file cannot be read */
    FECIT_E_MODEL,   /* model file missing, damaged or of another version */
    FECIT_E_DEVICE,  /* OpenCL refused, or the device computes wrongly */
    FECIT_E_OUTPUT,  /* results cannot be written */
    FECIT_E_STOPPED, /* a signal or a callback asked to stop */
};

/* The class of a sentence (annotation guide, `class`). The order is that of p_class. */
enum fecit_label { FECIT_NONE = 0, FECIT_ASSERTED, FECIT_HEDGED, FECIT_DENIED };
#define FECIT_LABELS 4

/* Who is named as what (annotation guide, Fields). */
enum fecit_role_kind { FECIT_ACCUSED = 0, FECIT_ACCUSER, FECIT_VICTIM, FECIT_GROUP };

struct fecit_role {
    enum fecit_role_kind kind;
    size_t start, end; /* bytes in the text given: whole words, end exclusive */
    const char *text;  /* [size] as written, not NUL-terminated */
    size_t size;
};

/* One scored sentence. What it points to is borrowed for the call only, but act and tie. */
struct fecit_result {
    size_t start, end;      /* bytes in the text given, end exclusive */
    const char *text;       /* [size] the sentence as written, not NUL-terminated */
    size_t size;            /* bytes */
    enum fecit_label label; /* after the model's threshold */
    float p;                /* that it is a statement, 0..1 */
    float p_class[FECIT_LABELS]; /* none, asserted, hedged, denied; sums to 1 */
    /* Of a statement, by the reader; a model without one says nothing. */
    const char *act;                /* "cyber" ..., static; NULL = none */
    const char *tie;                /* "state" ..., static; NULL = none */
    const struct fecit_role *roles; /* [n_roles] by kind, then by place */
    uint32_t n_roles;
};

struct fecit;

/* Zero is a good default for every field. */
struct fecit_options {
    const char
        *device; /* number or part of a name as `fecit devices` lists it; NULL = best */
    double
        recall; /* 0 = .98; else the share of what the reader alone would find that the
                           sieve must let through, 0 < recall < 1, by the model's curve */
    int no_sieve; /* nonzero: the reader reads every sentence */
};

/* Return nonzero to stop; fecit_score then returns FECIT_E_STOPPED. */
typedef int (*fecit_sink)(void *self, const struct fecit_result *result);

/* Load the model in folder `model` (NULL: $FECIT_MODEL, ./models, the installed one), open
 * a device, and check it on the model's known answers.
 * Caller owns *out, also after a failure (so that fecit_error has a text); gives it back
 * with fecit_close(). */
enum fecit_status fecit_open(const char *model, const struct fecit_options *options,
                             struct fecit **out);

/* Split `utf8` [size] into sentences, score each, hand them to `sink` in reading order.
 * Damaged UTF-8 is repaired (U+FFFD), offsets then count the repaired text.
 * Borrows everything for the call. */
enum fecit_status fecit_score(struct fecit *f, const char *utf8, size_t size,
                              fecit_sink sink, void *self);

/* Why the last call on f failed. Borrows from f until the next call on it; f may be NULL. */
const char *fecit_error(const struct fecit *f);

/* NULL is fine. */
void fecit_close(struct fecit *f);

/* "none", "asserted", "hedged", "denied". Static. */
const char *fecit_label_name(enum fecit_label label);

/* "0.1.0". Static. */
const char *fecit_version(void);

#ifdef __cplusplus
}
#endif
#endif

/* examples.h -- labelled JSONL -> pieces and classes, split by document or scenario.
 *
 * A row has "text" and either "class" (a person's label) or, without it, "p_class" (a
 * teacher's four probabilities). A teacher's row only ever trains. */
#ifndef EXAMPLES_H
#define EXAMPLES_H

#include "truth.h"

enum examples_part { EXAMPLES_TRAIN, EXAMPLES_VALIDATION, EXAMPLES_TEST };

struct example {
    uint32_t begin, count; /* its pieces in ids */
    uint32_t label;        /* enum fecit_label; of a teacher's row the likeliest */
    bool soft;             /* a teacher's row */
    float p[FECIT_LABELS]; /* the teacher's probabilities, or 1 at the label */
    float weight;          /* share of the epochs that use it, 0 < weight <= 1 */
    uint32_t language;     /* index into languages */
    enum examples_part part;
    char *text; /* NUL-terminated */
    struct truth truth;
};

#define EXAMPLES_LANGUAGES 64

struct examples {
    struct example *items; /* [n] */
    uint32_t *ids;         /* all pieces end to end */
    size_t n, capacity;
    char languages[EXAMPLES_LANGUAGES][16]; /* [n_languages]; the last one is "other" */
    uint32_t n_languages;
    uint64_t bad, repeated; /* lines refused; texts seen before and left out */
    uint64_t soft;          /* a teacher's rows among the n */
    char first_bad[512];    /* why and where the first one was refused */
    char digest[65]; /* sha256 over label, weight and text of every item, in order */
};

struct examples_options {
    uint64_t seed; /* of the split */
    double
        validation; /* share of documents held out, 0..1; rows that name their `split`
                          (train, validation, test) keep it */
    const char
        *skip_language; /* leave it out of training: labels become test, a teacher's
                                  rows go; or NULL */
};

/* Read JSON lines with "text", "class" or "p_class", and optionally "lang", "scenario",
 * "doc", "split", "weight". A text met before is left out: the first one stays.
 * Lines that are wrong are counted and described; FECIT_E_INPUT when a file cannot be read
 * or no line is right. All rows of one scenario (else document) fall on the same side.
 * Caller owns *out; examples_free(). */
enum fecit_status examples_load(const char *const *paths, uint32_t n_paths,
                                const struct vocabulary *vocabulary,
                                const struct tokens_options *tokens,
                                const struct examples_options *options,
                                struct examples **out);
void examples_free(struct examples *e); /* NULL is fine */

#endif

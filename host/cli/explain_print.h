/* explain_print.h -- what fecit explain found out, as text or JSON. */
#ifndef EXPLAIN_PRINT_H
#define EXPLAIN_PRINT_H

#include "../cascade.h"

/* Neighbouring pieces that are one word, or stand between words. */
struct word {
    uint32_t first, count; /* pieces */
    size_t start, end;     /* bytes */
    bool word;             /* not punctuation */
    float change;          /* of the log-odds of p when it is hidden */
};

struct explained {
    const char *text, *lang;
    size_t size;
    struct verdict verdict;
    float sieve, middle,
        pass[2]; /* p of the steps before; from which on they let through */
    struct word *words;
    uint32_t n_words;
};

struct explaining {
    struct engine engine;
    struct verdict_tools tools;
    const char *lang; /* NULL = guess */
    bool json;
};

/* Sorts the words by how far p falls. */
void explain_print_text(const struct explaining *x, struct explained *e);
enum fecit_status explain_print_json(const struct explaining *x,
                                     const struct explained *e);

#endif

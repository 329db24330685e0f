/* truth.h -- what a labelled row says beyond its class: act, tie, who is who, and with which
 * rows it makes a pair (annotation guide, Fields). */
#ifndef TRUTH_H
#define TRUTH_H

#include "../base/json.h"
#include "../verdict.h"

#define TRUTH_UNKNOWN UINT8_MAX

struct truth {
    bool roles;                 /* the row says who is who, by places in the text */
    struct verdict_span *spans; /* [n_spans] bytes in the text; owned */
    uint32_t n_spans;
    uint8_t act, tie; /* as verdict_act_name() counts them, or TRUTH_UNKNOWN */
    uint64_t pair;    /* hash of the pair's name; 0 = none */
};

/* From a row whose text is utf8 [size]; its places count code points. A role without a place
 * is left out, and one beyond the text makes `roles` false. Caller owns what *out holds;
 * truth_clear(). */
enum fecit_status truth_read(struct json row, const char *utf8, size_t size,
                             struct truth *out);
void truth_clear(struct truth *t); /* an empty one is fine */

/* How spans said fit spans that are true, over many sentences. */
struct truth_score {
    uint64_t truth, said;         /* spans */
    uint64_t exact;               /* said and true with both ends */
    uint64_t truth_met, said_met; /* that touch one of the other side */
};

/* Add the spans of one role in one sentence. */
void truth_count(const struct truth *t, const struct verdict *v, enum verdict_role role,
                 struct truth_score *to);
double truth_exact_f1(const struct truth_score *s);
double truth_touching_f1(const struct truth_score *s);

/* Of pairs (rows of one name, two or more): those of one class, of which `flipped` got more
 * than one; those of a statement and none, of which in `right` all are what they should be,
 * statement or none. */
struct truth_pairs {
    uint64_t same, flipped, mixed, right;
};

/* pairs [n] as in struct truth, 0 = no pair; labels and said [n] enum fecit_label. */
enum fecit_status truth_pairs_count(const uint64_t *pairs, const uint32_t *labels,
                                    const uint32_t *said, size_t n,
                                    struct truth_pairs *out);

#endif

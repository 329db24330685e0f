/* verdict.h -- what the reader's logits say of a sentence: its class, how probable, the act,
 * how the actor is tied to the state, and who is who, as whole words. */
#ifndef VERDICT_H
#define VERDICT_H

#include "model.h"
#include "segment_words.h"

#define VERDICT_SPANS 32 /* of one sentence, at most; later ones are left out */

enum verdict_role { VERDICT_ACCUSED, VERDICT_ACCUSER, VERDICT_VICTIM, VERDICT_GROUP };

struct verdict_span {
    enum verdict_role role;
    uint32_t start, end; /* bytes in the sentence, end exclusive */
};

struct verdict {
    enum fecit_label label;
    float p;                                  /* that it is a statement */
    float p_class[FECIT_LABELS];              /* sums to 1 */
    const char *act, *tie;                    /* static; NULL when it is none */
    struct verdict_span spans[VERDICT_SPANS]; /* [n_spans] by role, then by place */
    uint32_t n_spans;                         /* 0 when it is none */
};

/* One thread's tools. */
struct verdict_tools {
    struct tokens *tokens;
    struct token_list pieces;
    struct segment_words *words;
};

enum fecit_status verdict_tools_init(struct verdict_tools *t, const struct model *m);
void verdict_tools_clear(struct verdict_tools *t); /* an empty one is fine */

/* Class and probabilities from the head's logits [READING_HEADS]; a statement when p reaches
 * the threshold. Fills label, p, p_class. */
void verdict_class(const struct model_calibration *c, const float *heads,
                   float threshold, struct verdict *out);

/* Act, tie and roles, if out->label says it is a statement: the sentence once more
 * (`utf8` [size]) with the logits of its pieces, tags [n_tags][READING_TAGS], the marks'
 * included. */
enum fecit_status verdict_roles(struct verdict_tools *t, const char *utf8, size_t size,
                                const float *heads, const float *tags, uint32_t n_tags,
                                struct verdict *out);

/* "accused", "accuser", "victim", "groups". Static. */
const char *verdict_role_name(enum verdict_role role);

/* "cyber" ...; "state" ... Static. */
const char *verdict_act_name(uint32_t i);
const char *verdict_tie_name(uint32_t i);

#endif

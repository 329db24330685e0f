#include "eval_print.h"

#include <stdio.h>
#include <string.h>

/* The verdicts as evaluate() wants them. */
struct flat {
    float *p;           /* [n][FECIT_LABELS] */
    uint32_t *truth;    /* [n] */
    uint32_t *said;     /* [n] */
    uint32_t *language; /* [n] index into examples->languages */
    uint64_t *pairs;    /* [n] */
};

/* Beside the classes: on true statements that were found. */
struct details {
    struct truth_score roles[READING_ROLES];
    uint64_t with_roles, act, act_right, tie, tie_right;
    struct truth_pairs pairs;
};

static void flat_free(struct flat *f)
{
    mem_free(f->p);
    mem_free(f->truth);
    mem_free(f->said);
    mem_free(f->language);
    mem_free(f->pairs);
}

static enum fecit_status flat_fill(const struct eval_scored *s, struct flat *f)
{
    enum fecit_status st = FECIT_OK;
    const struct examples *e = s->examples;

    TRY_MEM(f->p = mem_new(e->n * FECIT_LABELS, sizeof *f->p));
    TRY_MEM(f->truth = mem_new(e->n, sizeof *f->truth));
    TRY_MEM(f->said = mem_new(e->n, sizeof *f->said));
    TRY_MEM(f->language = mem_new(e->n, sizeof *f->language));
    TRY_MEM(f->pairs = mem_new(e->n, sizeof *f->pairs));
    for (size_t i = 0; i < e->n; i++) {
        memcpy(f->p + i * FECIT_LABELS, s->verdicts[i].p_class,
               sizeof s->verdicts[i].p_class);
        f->truth[i] = e->items[i].label;
        f->said[i] = s->verdicts[i].label;
        f->language[i] = e->items[i].language;
        f->pairs[i] = e->items[i].truth.pair;
    }
done:
    return st;
}

static bool names(const char *said, const char *(*name)(uint32_t), uint8_t truth)
{
    return said && !strcmp(said, name(truth));
}

static enum fecit_status details_fill(const struct eval_scored *s, const struct flat *f,
                                      struct details *d)
{
    const struct examples *e = s->examples;

    for (size_t i = 0; i < e->n; i++) {
        const struct truth *t = &e->items[i].truth;
        const struct verdict *v = &s->verdicts[i];
        if (f->truth[i] == FECIT_NONE || v->label == FECIT_NONE || !s->by_reader[i])
            continue;
        if (t->act != TRUTH_UNKNOWN) {
            d->act++;
            d->act_right += names(v->act, verdict_act_name, t->act);
        }
        if (t->tie != TRUTH_UNKNOWN) {
            d->tie++;
            d->tie_right += names(v->tie, verdict_tie_name, t->tie);
        }
        if (!t->roles) continue;
        d->with_roles++;
        for (int role = 0; role < READING_ROLES; role++)
            truth_count(t, v, (enum verdict_role)role, &d->roles[role]);
    }
    return truth_pairs_count(f->pairs, f->truth, f->said, e->n, &d->pairs);
}

/* ---- as text ------------------------------------------------------------------------ */

static void print_line(const char *name, const struct evaluation *e)
{
    printf("%-6s %6llu %6llu   %.3f  %.3f  %.3f   %.3f  %.3f   %.3f%s\n", name,
           (unsigned long long)e->n, (unsigned long long)e->positive, e->precision,
           e->recall, e->f1, e->auc, e->average_precision, e->macro_f1,
           e->n < 30 ? "   few" : "");
}

static void print_classes(const struct evaluation *e)
{
    printf(
        "\nclass      F1      labelled, of which called none asserted hedged denied\n");
    for (int a = 0; a < FECIT_LABELS; a++) {
        uint64_t n = 0;
        for (int b = 0; b < FECIT_LABELS; b++)
            n += e->confusion[a][b];
        printf("%-9s  %.3f  %6llu", fecit_label_name((enum fecit_label)a),
               e->class_f1[a], (unsigned long long)n);
        for (int b = 0; b < FECIT_LABELS; b++)
            printf("  %6llu", (unsigned long long)e->confusion[a][b]);
        printf("\n");
    }
    printf("\nbest F1 over all thresholds %.3f (at p >= %.3f)\n", e->best_f1,
           e->best_threshold);
}

static void print_calibration(const struct evaluation *e)
{
    printf("\ncalibration error %.3f; p said, sentences, mean p, share of statements\n",
           e->calibration_error);
    for (int b = 0; b < EVALUATION_BINS; b++)
        if (e->bins[b].n > 0)
            printf("  %.1f-%.1f  %7llu   %.3f  %.3f\n", b / (double)EVALUATION_BINS,
                   (b + 1) / (double)EVALUATION_BINS, (unsigned long long)e->bins[b].n,
                   e->bins[b].p, e->bins[b].share);
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static void print_details(const struct details *d)
{
    if (d->act || d->tie)
        printf("\nof the statements found: act %.3f of %llu right, tie %.3f of %llu\n",
               share(d->act_right, d->act), (unsigned long long)d->act,
               share(d->tie_right, d->tie), (unsigned long long)d->tie);
    if (d->with_roles) {
        printf(
            "\nrole       labelled   said   F1 exact  F1 touching   (%llu "
            "statements)\n",
            (unsigned long long)d->with_roles);
        for (int i = 0; i < READING_ROLES; i++)
            printf("%-9s  %8llu  %5llu   %.3f     %.3f\n",
                   verdict_role_name((enum verdict_role)i),
                   (unsigned long long)d->roles[i].truth,
                   (unsigned long long)d->roles[i].said, truth_exact_f1(&d->roles[i]),
                   truth_touching_f1(&d->roles[i]));
    }
    if (d->pairs.same || d->pairs.mixed)
        printf(
            "\npairs that differ in their states: %llu of %llu change class (%.1f %%)\n"
            "pairs of a statement and none: %llu of %llu all right (%.1f %%)\n",
            (unsigned long long)d->pairs.flipped, (unsigned long long)d->pairs.same,
            100 * share(d->pairs.flipped, d->pairs.same),
            (unsigned long long)d->pairs.right, (unsigned long long)d->pairs.mixed,
            100 * share(d->pairs.right, d->pairs.mixed));
}

/* ---- as JSON ------------------------------------------------------------------------ */

static void json_line(const char *name, const struct evaluation *e)
{
    printf(
        "\"%s\": {\"n\": %llu, \"statements\": %llu, \"precision\": %.4f, \"recall\": "
        "%.4f, \"f1\": %.4f, \"auc\": %.4f, \"average_precision\": %.4f, \"best_f1\": "
        "%.4f, \"macro_f1\": %.4f, \"class_f1\": [%.4f, %.4f, %.4f, %.4f], "
        "\"calibration_error\": %.4f, \"confusion\": [",
        name, (unsigned long long)e->n, (unsigned long long)e->positive, e->precision,
        e->recall, e->f1, e->auc, e->average_precision, e->best_f1, e->macro_f1,
        e->class_f1[0], e->class_f1[1], e->class_f1[2], e->class_f1[3],
        e->calibration_error);
    for (int a = 0; a < FECIT_LABELS; a++)
        printf("%s[%llu, %llu, %llu, %llu]", a ? ", " : "",
               (unsigned long long)e->confusion[a][0],
               (unsigned long long)e->confusion[a][1],
               (unsigned long long)e->confusion[a][2],
               (unsigned long long)e->confusion[a][3]);
    printf("]}");
}

static void json_details(const struct evaluation *e, const struct details *d)
{
    printf(", \"reliability\": [");
    for (int b = 0; b < EVALUATION_BINS; b++)
        printf("%s[%llu, %.4f, %.4f]", b ? ", " : "", (unsigned long long)e->bins[b].n,
               e->bins[b].p, e->bins[b].share);
    printf(
        "], \"act\": {\"n\": %llu, \"right\": %llu}, \"tie\": {\"n\": %llu, \"right\": "
        "%llu}, \"roles\": {",
        (unsigned long long)d->act, (unsigned long long)d->act_right,
        (unsigned long long)d->tie, (unsigned long long)d->tie_right);
    for (int i = 0; i < READING_ROLES; i++)
        printf(
            "%s\"%s\": {\"labelled\": %llu, \"said\": %llu, \"f1_exact\": %.4f, "
            "\"f1_touching\": %.4f}",
            i ? ", " : "", verdict_role_name((enum verdict_role)i),
            (unsigned long long)d->roles[i].truth, (unsigned long long)d->roles[i].said,
            truth_exact_f1(&d->roles[i]), truth_touching_f1(&d->roles[i]));
    printf(
        "}, \"pairs\": {\"same\": %llu, \"flipped\": %llu, \"mixed\": %llu, "
        "\"right\": %llu}",
        (unsigned long long)d->pairs.same, (unsigned long long)d->pairs.flipped,
        (unsigned long long)d->pairs.mixed, (unsigned long long)d->pairs.right);
}

/* ---- all ---------------------------------------------------------------------------- */

static enum fecit_status print_languages(const struct eval_scored *s,
                                         const struct flat *f, bool json)
{
    enum fecit_status st = FECIT_OK;
    const struct examples *e = s->examples;
    struct evaluation one;
    bool first = true;

    for (uint32_t i = 0; i < e->n_languages; i++) {
        TRY(evaluate_group_said(f->p, f->said, f->truth, f->language, i, e->n, &one));
        if (one.n == 0) continue;
        if (json && !first) printf(", ");
        first = false;
        if (json)
            json_line(e->languages[i], &one);
        else
            print_line(e->languages[i], &one);
    }
done:
    return st;
}

enum fecit_status eval_print(const struct eval_scored *s, bool json)
{
    enum fecit_status st;
    struct flat f = {0};
    struct details d = {0};
    struct evaluation all;

    TRY(flat_fill(s, &f));
    TRY(evaluate_said(f.p, f.said, f.truth, s->examples->n, &all));
    TRY(details_fill(s, &f, &d));
    if (json) {
        printf("{\"threshold\": %.6f, \"read\": %llu, ", (double)s->threshold,
               (unsigned long long)s->counts.read);
        json_line("all", &all);
        printf(", \"languages\": {");
    } else {
        printf("statement when p >= %.3f", (double)s->threshold);
        if (s->counts.sieved && s->counts.candidates)
            printf("; %.1f %% of the sentences were read",
                   100 * share(s->counts.candidates, s->counts.sieved));
        printf("\n\n%-6s %6s %6s   %-5s  %-5s  %-5s   %-5s  %-5s   %s\n", "", "n",
               "stmts", "P", "R", "F1", "AUC", "AP", "macro F1 of 4");
        print_line("all", &all);
    }
    TRY(print_languages(s, &f, json));
    if (json) {
        printf("}");
        json_details(&all, &d);
        printf("}\n");
        goto done;
    }
    print_classes(&all);
    print_calibration(&all);
    print_details(&d);
done:
    flat_free(&f);
    return st;
}

/* One step's curve of one language: kept, passed, and from which p on. */
static void curve_print(const struct model_step *s, bool json)
{
    for (uint32_t i = 0; i < s->curve.n; i++) {
        const struct model_point *p = &s->curve.points[i];
        if (json)
            printf("%s[%.4f, %.6f, %.4f]", i ? ", " : "", (double)p->recall,
                   (double)p->threshold, (double)p->pass);
        else
            printf("%-6s %7.1f %%  %7.1f %%   %.4f\n", s->lang[0] ? s->lang : "all",
                   100 * (double)p->recall, 100 * (double)p->pass,
                   (double)p->threshold);
    }
}

static void step_print(const struct model_cascade *c, const char *name, bool json)
{
    if (json)
        printf("\"%s\": {", name);
    else
        printf(
            "%s\n       kept of what    passed of\n"
            "       the reader      all sen-\n"
            "       would find      tences      p from\n",
            name);
    for (uint32_t i = 0; i < c->n; i++) {
        if (json)
            printf("%s\"%s\": [", i ? ", " : "", c->steps[i].lang);
        else if (i > 0)
            printf("\n");
        curve_print(&c->steps[i], json);
        if (json) printf("]");
    }
    if (json) printf("}");
}

void eval_print_cascade(const struct model_reader *r, bool json)
{
    if (json) printf("{");
    step_print(&r->after_sieve, "sieve", json);
    if (r->after_middle.n) {
        printf(json ? ", " : "\n");
        step_print(&r->after_middle, "middle", json);
    }
    if (json) printf("}\n");
}

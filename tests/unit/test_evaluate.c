/* test_evaluate.c -- figures against cases computed by hand. */
#include "train/evaluate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-6)

/* Eight sentences; p of a statement: .9 .8 .7 .6 .5 .4 .3 .1 */
static const float p[8][FECIT_LABELS] = {
    {0.1f, 0.7f, 0.1f, 0.1f}, {0.2f, 0.1f, 0.6f, 0.1f}, {0.3f, 0.5f, 0.1f, 0.1f},
    {0.4f, 0.1f, 0.1f, 0.4f}, {0.5f, 0.5f, 0, 0},       {0.6f, 0, 0.4f, 0},
    {0.7f, 0.3f, 0, 0},       {0.9f, 0.1f, 0, 0},
};
static const uint32_t labels[8] = {FECIT_ASSERTED, FECIT_HEDGED, FECIT_NONE,
                                   FECIT_ASSERTED, FECIT_NONE,   FECIT_DENIED,
                                   FECIT_NONE,     FECIT_NONE};

static void binary_figures(void **state)
{
    struct evaluation e;

    (void)state;
    assert_int_equal(evaluate(&p[0][0], labels, 8, 0.55f, &e), FECIT_OK);
    assert_int_equal(e.n, 8);
    assert_int_equal(e.positive, 4);
    assert_int_equal(e.hit, 3); /* .9 .8 .6 */
    assert_int_equal(e.wrong, 1);
    assert_int_equal(e.missed, 1);
    NEAR(e.precision, 0.75);
    NEAR(e.recall, 0.75);
    NEAR(e.f1, 0.75);
    /* Of 16 pairs the .7 stands before .6 and .4, the .5 before .4. */
    NEAR(e.auc, 13.0 / 16);
    NEAR(e.average_precision, (1.0 + 1.0 + 3.0 / 4 + 4.0 / 6) / 4);
    /* .4 keeps all four at the price of two. */
    NEAR(e.best_f1, 0.8);
    assert_true(e.best_threshold > 0.39 && e.best_threshold < 0.81);
}

static void class_figures(void **state)
{
    struct evaluation e;

    (void)state;
    assert_int_equal(evaluate(&p[0][0], labels, 8, 0.55f, &e), FECIT_OK);
    assert_int_equal(e.confusion[FECIT_ASSERTED][FECIT_ASSERTED], 1);
    assert_int_equal(e.confusion[FECIT_ASSERTED][FECIT_DENIED], 1); /* the fourth */
    assert_int_equal(e.confusion[FECIT_HEDGED][FECIT_HEDGED], 1);
    assert_int_equal(e.confusion[FECIT_DENIED][FECIT_NONE], 1);
    assert_int_equal(e.confusion[FECIT_NONE][FECIT_NONE], 3);
    assert_int_equal(e.confusion[FECIT_NONE][FECIT_ASSERTED], 1);
    NEAR(e.class_f1[FECIT_NONE], 2 * 3 / (4.0 + 4));
    NEAR(e.class_f1[FECIT_ASSERTED], 2 * 1 / (2.0 + 2));
    NEAR(e.class_f1[FECIT_HEDGED], 1);
    NEAR(e.class_f1[FECIT_DENIED], 0);
    NEAR(e.macro_f1, (0.75 + 0.5 + 1 + 0) / 4);
}

/* Two bins: (.95, .95; both statements) and (.15, .25; one of them). */
static void calibration(void **state)
{
    static const float q[4][FECIT_LABELS] = {{0.05f, 0.95f, 0, 0},
                                             {0.05f, 0.95f, 0, 0},
                                             {0.85f, 0.15f, 0, 0},
                                             {0.85f, 0.15f, 0, 0}};
    static const uint32_t l[4] = {1, 1, 2, 0};
    struct evaluation e;

    (void)state;
    assert_int_equal(evaluate(&q[0][0], l, 4, 0.5f, &e), FECIT_OK);
    NEAR(e.calibration_error, 0.5 * 0.05 + 0.5 * 0.35);
}

static void ties_favour_nobody(void **state)
{
    static const float q[4][FECIT_LABELS] = {
        {0.5f, 0.5f, 0, 0}, {0.5f, 0.5f, 0, 0}, {0.5f, 0.5f, 0, 0}, {0.5f, 0.5f, 0, 0}};
    static const uint32_t first[4] = {1, 1, 0, 0}, last[4] = {0, 0, 1, 1};
    struct evaluation a, b;

    (void)state;
    assert_int_equal(evaluate(&q[0][0], first, 4, 0.5f, &a), FECIT_OK);
    assert_int_equal(evaluate(&q[0][0], last, 4, 0.5f, &b), FECIT_OK);
    NEAR(a.auc, 0.5);
    NEAR(b.auc, 0.5);
    NEAR(a.average_precision, 0.5);
    NEAR(b.average_precision, 0.5);
}

static void one_side_empty(void **state)
{
    static const uint32_t none[8] = {0}, all[8] = {1, 1, 1, 1, 2, 2, 3, 3};
    struct evaluation e;

    (void)state;
    assert_int_equal(evaluate(&p[0][0], none, 8, 0.5f, &e), FECIT_OK);
    NEAR(e.auc, 0);
    NEAR(e.average_precision, 0);
    NEAR(e.f1, 0);
    NEAR(e.recall, 0);
    assert_int_equal(evaluate(&p[0][0], all, 8, 0.5f, &e), FECIT_OK);
    NEAR(e.auc, 0);
    NEAR(e.average_precision, 1);
    NEAR(e.precision, 1);
    assert_int_equal(evaluate(NULL, NULL, 0, 0.5f, &e), FECIT_OK);
    assert_int_equal(e.n, 0);
    NEAR(e.macro_f1, 0);
}

static void recall_and_cost(void **state)
{
    float threshold, pass;

    (void)state;
    assert_int_equal(evaluate_recall(&p[0][0], labels, 8, 1, &threshold, &pass),
                     FECIT_OK);
    NEAR(threshold, 0.4f);
    NEAR(pass, 6.0 / 8);
    assert_int_equal(evaluate_recall(&p[0][0], labels, 8, 0.75, &threshold, &pass),
                     FECIT_OK);
    NEAR(threshold, 0.8f / 2 + 0.2f); /* .6 */
    NEAR(pass, 4.0 / 8);
    assert_int_equal(evaluate_recall(&p[0][0], labels, 8, 0.1, &threshold, &pass),
                     FECIT_OK);
    NEAR(pass, 1.0 / 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binary_figures), cmocka_unit_test(class_figures),
        cmocka_unit_test(calibration),    cmocka_unit_test(ties_favour_nobody),
        cmocka_unit_test(one_side_empty), cmocka_unit_test(recall_and_cost),
    };
    return cmocka_run_group_tests_name("evaluate", tests, NULL, NULL);
}

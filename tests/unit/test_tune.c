/* test_tune.c -- tune.conf: kept per device, read back, refused when it says what cannot be. */
#include "scratch.h"
#include "tune.h"

static const struct device_info here = {.name = "Test Device",
                                        .driver = "1.2 [x]",
                                        .vector = 8},
                                other = {.name = "Test Device",
                                         .driver = "1.3",
                                         .vector = 16};

static int set_up(void **state)
{
    if (scratch_open(state)) return -1;
    setenv("FECIT_TUNE", scratch_path("tune.conf"), 1);
    return 0;
}

static void put(const char *text)
{
    FILE *f = fopen(scratch_path("tune.conf"), "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void defaults(void **state)
{
    struct tune t;
    bool found = true;

    (void)state;
    assert_int_equal(tune_find(&here, &t, &found), FECIT_OK);
    assert_false(found);
    assert_true(t.panel_vector == 8 && t.panel_rows == 6 && t.tile_items == 16);
    t = tune_default(&other);
    assert_true(t.panel_vector == 16 && t.panel_rows == 12);
}

static void kept(void **state)
{
    struct tune t = tune_default(&here), got;
    bool found;

    (void)state;
    t.panel_rows = 12;
    t.tile_depth = 32;
    assert_int_equal(tune_keep(&here, &t), FECIT_OK);
    t.panel_rows = 4;
    assert_int_equal(tune_keep(&other, &t), FECIT_OK); /* another driver */
    t.panel_rows = 8;
    assert_int_equal(tune_keep(&here, &t), FECIT_OK); /* again: its line is replaced */
    assert_int_equal(tune_find(&here, &got, &found), FECIT_OK);
    assert_true(found);
    assert_memory_equal(&got, &t, sizeof t);
    assert_int_equal(tune_find(&other, &got, &found), FECIT_OK);
    assert_true(found && got.panel_rows == 4 && got.tile_depth == 32);
}

static void refused(void **state)
{
    static const char *const lines[] = {
        "Test Device | 1.2 [x]: panel_rows=5\n",  /* not a value of it */
        "Test Device | 1.2 [x]: panel_row=6\n",   /* no such tunable */
        "Test Device | 1.2 [x]: panel_rows\n",    /* no value */
        "Test Device | 1.2 [x]: panel_rows=6x\n", /* no number */
        "Test Device | 1.2 [x]: panel_rows=-18446744073709551612\n",
        "Test Device | 1.2 [x]: tile_each=8 tile_depth=32\n", /* more local memory than is promised */
    };
    struct tune t;
    bool found;

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        put(lines[i]);
        assert_int_equal(tune_find(&here, &t, &found), FECIT_E_DEVICE);
        assert_non_null(strstr(status_text(), "line 1"));
        assert_non_null(strstr(status_text(), "tune.conf"));
        assert_int_equal(tune_find(&other, &t, &found),
                         FECIT_OK); /* no line of its own */
        assert_false(found);
    }
    put("# a comment\n\nTest Device | 1.2 [x]: panel_rows=4\r\n"); /* the rest is the default */
    assert_int_equal(tune_find(&here, &t, &found), FECIT_OK);
    assert_true(found && t.panel_rows == 4 && t.panel_vector == 8);
    setenv("FECIT_TUNE", scratch_path("no/such/folder/tune.conf"), 1);
    assert_int_equal(tune_keep(&here, &t), FECIT_E_OUTPUT);
    setenv("FECIT_TUNE", scratch_path("tune.conf"), 1);
}

static void choices(void **state)
{
    struct tune first = tune_default(&here), all[TUNE_CHOICES];
    bool found;
    uint32_t n;

    (void)state;
    assert_int_equal(tune_choices(&first, false, all), 12);
    n = tune_choices(&first, true, all);
    assert_true(n > 10 && n < 18);
    for (uint32_t i = 0; i < n; i++) { /* each may be written and read back */
        struct tune got;
        assert_int_equal(tune_keep(&here, &all[i]), FECIT_OK);
        assert_int_equal(tune_find(&here, &got, &found), FECIT_OK);
        assert_memory_equal(&got, &all[i], sizeof got);
        for (uint32_t k = 0; k < i; k++)
            assert_memory_not_equal(&all[k], &all[i], sizeof got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(kept),
        cmocka_unit_test(refused),
        cmocka_unit_test(choices),
    };

    return cmocka_run_group_tests_name("tune", tests, set_up, scratch_close);
}

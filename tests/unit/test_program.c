/* test_program.c -- kernels build, and come from the cache when they can: cold, warm,
 * damaged, forbidden and absent caches all end in a program. */
#include "program.h"
#include "scratch.h"

#include <dirent.h>
#include <pthread.h>

static struct device *device;

static int set_up(void **state)
{
    return scratch_open(state) || device_open(NULL, &device) != FECIT_OK;
}

static int tear_down(void **state)
{
    device_close(device);
    return scratch_close(state);
}

/* Whether the kernels came from the cache. */
static bool cached(const char *options)
{
    struct program *p = NULL;
    bool was;

    if (program_build(device, options, &p) != FECIT_OK) fail_msg("%s", status_text());
    was = program_was_cached(p);
    program_free(p);
    return was;
}

/* The only file of the cache `folder`; no other may lie there. */
static const char *only_file(const char *folder)
{
    static char path[600];
    DIR *d = opendir(folder);
    int n = 0;

    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
            n++;
        }
    closedir(d);
    assert_int_equal(n, 1);
    return path;
}

static void cold_then_warm(void **state)
{
    (void)state;
    setenv("FECIT_CACHE", scratch_path("deep/er/cache"), 1);
    assert_false(cached("-DDIM=16"));
    assert_true(cached("-DDIM=16"));
    only_file(scratch_path("deep/er/cache"));
    assert_false(cached("-DDIM=16 -DROW_BYTES")); /* other options, other file */
    assert_true(cached("-DDIM=16 -DROW_BYTES"));
    assert_true(cached("-DDIM=16"));
}

static void a_damaged_file_is_made_again(void **state)
{
    const char *folder = scratch_path("damaged");
    const char *path;
    uint8_t *good;
    size_t size;

    (void)state;
    setenv("FECIT_CACHE", folder, 1);
    assert_false(cached("-DDIM=16"));
    path = only_file(folder);
    good = scratch_read(path, &size);
    for (int kind = 0; kind < 6; kind++) {
        static const uint8_t zeros[64];
        uint8_t *bad = malloc(size);
        memcpy(bad, good, size);
        bad[size / 2] ^= 1;
        switch (kind) {
        case 0:
            scratch_write(path, bad, size);
            break; /* a flipped bit */
        case 1:
            scratch_write(path, good, size / 2);
            break; /* cut */
        case 2:
            scratch_write(path, good, 8);
            break;
        case 3:
            scratch_write(path, "", 0);
            break;
        case 4:
            scratch_write(path, zeros, sizeof zeros);
            break;
        case 5:
            bad[0] ^= 1;
            scratch_write(path, bad, size);
            break;
        }
        free(bad);
        assert_false(cached("-DDIM=16"));
        assert_true(cached("-DDIM=16"));
    }
    free(good);
}

static void other_places(void **state)
{
    (void)state;
    unsetenv("FECIT_CACHE");
    setenv("XDG_CACHE_HOME", scratch_path("xdg"), 1);
    setenv("HOME", scratch_path("home"), 1);
    assert_string_equal(program_cache_folder(), scratch_path("xdg/fecit"));
    unsetenv("XDG_CACHE_HOME");
    assert_string_equal(program_cache_folder(), scratch_path("home/.cache/fecit"));
    setenv("FECIT_CACHE", "", 1); /* empty is as good as unset */
    setenv("XDG_CACHE_HOME", "", 1);
    assert_string_equal(program_cache_folder(), scratch_path("home/.cache/fecit"));
    unsetenv("HOME");
    assert_null(program_cache_folder());
    assert_false(cached("-DDIM=16")); /* nowhere to keep it: built each time */
    assert_false(cached("-DDIM=16"));
    /* A folder that cannot be made. */
    scratch_write(scratch_path("file"), "x", 1);
    setenv("FECIT_CACHE", scratch_path("file/cache"), 1);
    assert_false(cached("-DDIM=16"));
    assert_false(cached("-DDIM=16"));
}

static void a_failed_build_says_why(void **state)
{
    struct program *p = NULL;

    (void)state;
    setenv("FECIT_CACHE", scratch_path("failed"), 1);
    /* A width that is no number spoils every kernel. */
    assert_int_equal(program_build(device, "-DDIM=oops", &p), FECIT_E_DEVICE);
    assert_null(p);
    assert_non_null(strstr(status_text(), device_name(device)));
    assert_non_null(strstr(status_text(), "-DDIM=oops"));
    assert_non_null(strstr(status_text(), ".cl")); /* where, from the log */
    assert_false(scratch_there(scratch_path("failed")));
    program_free(NULL);
}

static void *build(void *self)
{
    struct program *p = NULL;
    const enum fecit_status st = program_build(device, "-DDIM=32", &p);

    program_free(p);
    *(enum fecit_status *)self = st;
    return NULL;
}

static void several_at_once(void **state)
{
    pthread_t threads[4];
    enum fecit_status st[4];

    (void)state;
    setenv("FECIT_CACHE", scratch_path("several"), 1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, build, &st[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(st[i], FECIT_OK);
    only_file(scratch_path("several")); /* no half-written one is left */
    assert_true(cached("-DDIM=32"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cold_then_warm),
        cmocka_unit_test(a_damaged_file_is_made_again),
        cmocka_unit_test(other_places),
        cmocka_unit_test(a_failed_build_says_why),
        cmocka_unit_test(several_at_once),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

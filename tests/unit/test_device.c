/* test_device.c -- devices are listed and chosen by what names them; memory goes there and
 * back; what cannot be had is refused with a next step. */
#include "device.h"
#include "scratch.h"

#include <ctype.h>
#include <sys/wait.h>

static struct device_info *list;
static uint32_t n_devices;

/* What a machine without drivers is told; asked for in a child, since the loader of the
 * drivers looks for them once. 0 = an error with the next step, 1 = devices all the same. */
static int alone;

static int ask_alone(void)
{
    uint32_t n = 0;
    struct device *d = NULL;

    setenv("OCL_ICD_VENDORS", "/nonexistent", 1);
    if (device_list(&list, &n) == FECIT_OK) return 1;
    if (!strstr(status_text(), "apt-get install pocl-opencl-icd")) return 2;
    if (device_open(NULL, &d) != FECIT_E_DEVICE || d) return 3;
    return 0;
}

static int set_up(void **state)
{
    const pid_t child = fork();
    int status = -1;

    (void)state;
    if (child == 0) _exit(ask_alone());
    waitpid(child, &status, 0);
    alone = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    unsetenv("FECIT_DEVICE");
    return device_list(&list, &n_devices) != FECIT_OK;
}

static int tear_down(void **state)
{
    (void)state;
    mem_free(list);
    return 0;
}

static void no_driver_is_told_what_to_do(void **state)
{
    (void)state;
    if (alone == 1) skip(); /* this loader does not read OCL_ICD_VENDORS */
    assert_int_equal(alone, 0);
}

static void every_device_says_what_it_is(void **state)
{
    (void)state;
    assert_true(n_devices > 0);
    for (uint32_t i = 0; i < n_devices; i++) {
        assert_true(list[i].name[0] && list[i].platform[0]);
        assert_true(list[i].driver[0] && list[i].version[0]);
        assert_true(list[i].largest > 0 && list[i].largest <= list[i].memory);
        assert_true(list[i].units > 0);
    }
}

/* The name of the device that `choice` opens, checked to be one of the list. */
static const char *opened(const char *choice)
{
    struct device *d = NULL;
    const char *name = NULL;

    assert_int_equal(device_open(choice, &d), FECIT_OK);
    for (uint32_t i = 0; i < n_devices; i++)
        if (!strcmp(list[i].name, device_name(d))) name = list[i].name;
    assert_non_null(name);
    assert_string_equal(device_driver(d), device_about(d)->driver);
    device_close(d);
    return name;
}

static void chosen_by_number_and_name(void **state)
{
    char number[16], upper[128];

    (void)state;
    for (uint32_t i = 0; i < n_devices; i++) {
        snprintf(number, sizeof number, "%u", i);
        assert_string_equal(opened(number), list[i].name);
        assert_string_equal(opened(list[i].name), list[i].name);
    }
    for (size_t i = 0; i < sizeof upper; i++)
        upper[i] = (char)toupper((unsigned char)list[0].name[i]);
    assert_string_equal(opened(upper), list[0].name);
    assert_string_equal(opened(list[0].platform), list[0].name);
}

static void the_best_is_a_gpu(void **state)
{
    const char *best = list[0].name;

    (void)state;
    for (uint32_t i = n_devices; i-- > 0;)
        if (list[i].gpu) best = list[i].name;
    assert_string_equal(opened(NULL), best);
    assert_string_equal(opened(""), best);
    setenv("FECIT_DEVICE", "0", 1);
    assert_string_equal(opened(NULL), list[0].name);
    setenv("FECIT_DEVICE", "no such device", 1);
    assert_string_equal(opened("0"), list[0].name); /* a choice goes before it */
    unsetenv("FECIT_DEVICE");
}

static void what_is_not_there_is_refused(void **state)
{
    static const char *const choices[] = {"99", "4294967296", "no such device", "-1",
                                          "1.5"};

    (void)state;
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        struct device *d = NULL;
        assert_int_equal(device_open(choices[i], &d), FECIT_E_DEVICE);
        assert_null(d);
        assert_non_null(strstr(status_text(), choices[i]));
        assert_non_null(strstr(status_text(), "fecit devices"));
    }
    device_close(NULL);
}

static void bytes_go_there_and_back(void **state)
{
    static const size_t sizes[] = {1, 4, 4096, 1 << 20, 12345678};
    struct device *d = NULL;

    (void)state;
    assert_int_equal(device_open("0", &d), FECIT_OK);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const size_t size = sizes[i];
        struct device_buffer *b = NULL, *c = NULL;
        struct device_ticket *ticket = NULL;
        uint8_t *data = malloc(size), *back = calloc(size, 1);
        uint64_t random = size;
        for (size_t j = 0; j < size; j++)
            data[j] = (uint8_t)(j % 256 == 0 ? scratch_random(&random) : j);
        assert_int_equal(device_buffer_new(d, size, data, &b), FECIT_OK);
        assert_int_equal(device_buffer_size(b), size);
        assert_int_equal(device_read(d, b, size, back), FECIT_OK);
        assert_memory_equal(data, back, size);
        assert_int_equal(device_buffer_reserve(d, size, &c), FECIT_OK);
        assert_true(device_buffer_size(c) >= size);
        assert_int_equal(device_write(d, c, size, data), FECIT_OK);
        memset(back, 0, size);
        assert_int_equal(device_read_start(d, c, size, back, &ticket), FECIT_OK);
        assert_int_equal(device_wait(d, ticket), FECIT_OK);
        assert_memory_equal(data, back, size);
        device_buffer_free(b);
        device_buffer_free(c);
        free(data);
        free(back);
    }
    assert_int_equal(device_wait(d, NULL), FECIT_OK);
    device_close(d);
}

static void buffers_grow_and_never_shrink(void **state)
{
    struct device *d = NULL;
    struct device_buffer *b = NULL, *before;
    size_t size;

    (void)state;
    assert_int_equal(device_open("0", &d), FECIT_OK);
    assert_int_equal(device_buffer_reserve(d, 0, &b), FECIT_OK); /* there is one */
    assert_true(device_buffer_size(b) > 0);
    assert_int_equal(device_buffer_reserve(d, 1000, &b), FECIT_OK);
    before = b;
    size = device_buffer_size(b);
    assert_true(size >= 1000);
    assert_int_equal(device_buffer_reserve(d, 10, &b), FECIT_OK);
    assert_int_equal(device_buffer_reserve(d, size, &b), FECIT_OK);
    assert_ptr_equal(b, before);
    assert_int_equal(device_buffer_reserve(d, size + 1, &b), FECIT_OK);
    assert_true(device_buffer_size(b) > size);
    device_buffer_free(b);
    device_buffer_free(NULL);
    device_close(d);
}

static void more_than_it_gives_is_refused(void **state)
{
    struct device *d = NULL;
    struct device_buffer *b = NULL;
    char limit[32];

    (void)state;
    assert_int_equal(device_open("0", &d), FECIT_OK);
    assert_false(device_is_short(d));
    assert_int_equal(device_buffer_new(d, device_about(d)->largest + 1, NULL, &b),
                     FECIT_E_DEVICE);
    assert_null(b);
    assert_true(device_is_short(d));
    snprintf(limit, sizeof limit, "%llu", (unsigned long long)device_about(d)->largest);
    assert_non_null(strstr(status_text(), limit));
    assert_non_null(strstr(status_text(), "--batch"));
    assert_int_equal(device_buffer_reserve(d, device_about(d)->largest + 1, &b),
                     FECIT_E_DEVICE);
    assert_null(b);
    device_close(d);
}

static void without_memory(void **state)
{
    (void)state;
    for (long n = 1; n <= 2; n++) {
        struct device *d = NULL;
        mem_fail_at(n);
        assert_int_equal(device_open("0", &d), FECIT_E_MEMORY);
        assert_null(d);
    }
    mem_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_driver_is_told_what_to_do),
        cmocka_unit_test(every_device_says_what_it_is),
        cmocka_unit_test(chosen_by_number_and_name),
        cmocka_unit_test(the_best_is_a_gpu),
        cmocka_unit_test(what_is_not_there_is_refused),
        cmocka_unit_test(bytes_go_there_and_back),
        cmocka_unit_test(buffers_grow_and_never_shrink),
        cmocka_unit_test(more_than_it_gives_is_refused),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

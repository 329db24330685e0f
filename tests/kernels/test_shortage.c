/* test_shortage.c -- a device that gives less than was asked for: smaller buffers, none at
 * all, small work-groups, commands that fail. The answers stay the same bytes, or the error
 * says what to do. Some OpenCL calls are replaced by ones that can be told to fail. */
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include "check.h"
#include "device_cl.h"
#include "sieve.h"

#include <dlfcn.h>

enum { ROWS = 300, DIM = 64, HIDDEN = 16, SENTENCES = 1000 };

static size_t largest_given = SIZE_MAX; /* clCreateBuffer fails above */
static size_t largest_group = SIZE_MAX; /* what clGetKernelWorkGroupInfo says at most */
static int waits_to_fail;               /* so many waits fail */
static cl_int failure;                  /* with this code */

cl_mem CL_API_CALL clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size,
                                  void *data, cl_int *code)
{
    cl_mem (*real)(cl_context, cl_mem_flags, size_t, void *, cl_int *);

    *(void **)&real = dlsym(RTLD_NEXT, "clCreateBuffer");
    if (size <= largest_given) return real(context, flags, size, data, code);
    *code = CL_MEM_OBJECT_ALLOCATION_FAILURE;
    return NULL;
}

cl_int CL_API_CALL clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device,
                                            cl_kernel_work_group_info what, size_t size,
                                            void *value, size_t *size_out)
{
    cl_int (*real)(cl_kernel, cl_device_id, cl_kernel_work_group_info, size_t, void *,
                   size_t *);
    cl_int code;

    *(void **)&real = dlsym(RTLD_NEXT, "clGetKernelWorkGroupInfo");
    code = real(kernel, device, what, size, value, size_out);
    if (what == CL_KERNEL_WORK_GROUP_SIZE && *(size_t *)value > largest_group)
        *(size_t *)value = largest_group;
    return code;
}

cl_int CL_API_CALL clWaitForEvents(cl_uint n, const cl_event *events)
{
    cl_int (*real)(cl_uint, const cl_event *);
    cl_int code;

    *(void **)&real = dlsym(RTLD_NEXT, "clWaitForEvents");
    code = real(n, events);
    if (waits_to_fail == 0) return code;
    waits_to_fail--;
    return failure;
}

static struct sieve_weights weights;
static struct batch *expected; /* scored by a device that gives all it is asked for */

static struct batch *batch_fill(void)
{
    struct random r = {7};
    struct batch *b = NULL;
    uint32_t ids[40];

    CHECK(batch_new(SENTENCES, &b));
    for (int s = 0; s < SENTENCES; s++) {
        const uint32_t n = random_below(&r, 40);
        for (uint32_t i = 0; i < n; i++)
            ids[i] = random_below(&r, ROWS);
        assert_true(batch_push(b, ids, n));
    }
    return b;
}

static int set_up(void **state)
{
    static int8_t rows[ROWS * DIM];
    static float scale[DIM];
    struct random r = {5};
    struct sieve *sieve = NULL;

    if (check_open(state)) return -1;
    for (size_t i = 0; i < sizeof rows; i++)
        rows[i] = (int8_t)(random_below(&r, 255) - 127);
    for (int d = 0; d < DIM; d++)
        scale[d] = 0.01f;
    weights = (struct sieve_weights){.n_rows = ROWS,
                                     .dim = DIM,
                                     .n_queries = 2,
                                     .hidden = HIDDEN,
                                     .mean = true,
                                     .max = true,
                                     .rows = rows,
                                     .column_scale = scale,
                                     .temperature = 1};
    weights.queries = check_draw(&r, 2 * DIM, 0.3f);
    weights.hidden_weight = check_draw(&r, (size_t)HIDDEN * 4 * DIM, 0.3f);
    weights.hidden_bias = check_draw(&r, HIDDEN, 0.3f);
    weights.out_weight = check_draw(&r, (size_t)SHARED_CLASSES * HIDDEN, 0.5f);
    weights.out_bias = check_draw(&r, SHARED_CLASSES, 0.5f);
    expected = batch_fill();
    if (sieve_open(check_device, &weights, &sieve) != FECIT_OK ||
        sieve_run(sieve, expected) != FECIT_OK ||
        sieve_wait(sieve, expected) != FECIT_OK)
        return -1;
    sieve_close(sieve);
    return 0;
}

static int tear_down(void **state)
{
    batch_free(expected);
    free((void *)weights.queries);
    free((void *)weights.hidden_weight);
    free((void *)weights.hidden_bias);
    free((void *)weights.out_weight);
    free((void *)weights.out_bias);
    return check_close(state);
}

static void assert_expected(const struct batch *b)
{
    assert_memory_equal(b->p, expected->p, SENTENCES * SHARED_CLASSES * sizeof *b->p);
}

/* Two batches at once on a sieve that meets the shortage only after opening. */
static void answers_are_the_same(const char *name, size_t given, size_t largest)
{
    const uint64_t kept = check_device->info.largest;
    struct sieve *sieve = NULL;
    struct batch *a = batch_fill(), *b = batch_fill();

    check_case = name;
    CHECK(sieve_open(check_device, &weights, &sieve));
    largest_given = given;
    check_device->info.largest = largest;
    CHECK(sieve_run(sieve, a));
    CHECK(sieve_run(sieve, b));
    CHECK(sieve_wait(sieve, a));
    CHECK(sieve_wait(sieve, b));
    largest_given = SIZE_MAX;
    check_device->info.largest = kept;
    assert_expected(a);
    assert_expected(b);
    batch_free(a);
    batch_free(b);
    sieve_close(sieve);
}

static void smaller_buffers(void **state)
{
    (void)state;
    /* The pooled vectors take 1,024 bytes a sentence, the ids 80 kB in all. */
    answers_are_the_same("half at a time", SIZE_MAX, 600000);
    answers_are_the_same("a tenth at a time", SIZE_MAX, 150000);
    answers_are_the_same("refused by the driver", 150000, SIZE_MAX);
}

static void a_wait_that_fails(void **state)
{
    struct sieve *sieve = NULL;
    struct batch *b = batch_fill();

    (void)state;
    CHECK(sieve_open(check_device, &weights, &sieve));
    CHECK(sieve_run(sieve, b));
    failure = CL_OUT_OF_RESOURCES;
    waits_to_fail = 1;
    CHECK(sieve_wait(sieve, b));
    assert_expected(b);
    /* Not for want of memory: said at once. */
    CHECK(sieve_run(sieve, b));
    failure = CL_INVALID_CONTEXT;
    waits_to_fail = 1;
    assert_int_equal(sieve_wait(sieve, b), FECIT_E_DEVICE);
    assert_non_null(strstr(status_text(), "CL_INVALID_CONTEXT"));
    assert_int_equal(waits_to_fail, 0);
    /* For want of memory however little is asked for: an error in the end. */
    CHECK(sieve_run(sieve, b));
    failure = CL_OUT_OF_RESOURCES;
    waits_to_fail = 1000000;
    assert_int_equal(sieve_wait(sieve, b), FECIT_E_DEVICE);
    assert_non_null(strstr(status_text(), "CL_OUT_OF_RESOURCES"));
    assert_non_null(strstr(status_text(), "--batch"));
    waits_to_fail = 0;
    batch_free(b);
    sieve_close(sieve);
}

static void small_work_groups(void **state)
{
    static const size_t sizes[] = {1, 2, 8, 32};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        largest_group = sizes[i];
        answers_are_the_same("small work-groups", SIZE_MAX, SIZE_MAX);
    }
    largest_group = SIZE_MAX;
}

/* The wait that sleeps instead of spinning is for GPUs; here it is tried on any device. */
static void sleeping_waits(void **state)
{
    const bool kept = check_device->info.gpu;

    (void)state;
    check_device->info.gpu = true;
    answers_are_the_same("sleeping waits", SIZE_MAX, SIZE_MAX);
    answers_are_the_same("sleeping waits, in parts", 150000, SIZE_MAX);
    check_device->info.gpu = kept;
}

static void nothing_fits(void **state)
{
    struct sieve *sieve = NULL;

    (void)state;
    largest_given = 1000;
    assert_int_equal(sieve_open(check_device, &weights, &sieve), FECIT_E_DEVICE);
    assert_null(sieve);
    assert_non_null(strstr(status_text(), "CL_MEM_OBJECT_ALLOCATION_FAILURE"));
    largest_given = SIZE_MAX;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smaller_buffers),   cmocka_unit_test(a_wait_that_fails),
        cmocka_unit_test(small_work_groups), cmocka_unit_test(sleeping_waits),
        cmocka_unit_test(nothing_fits),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

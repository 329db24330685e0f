/* test_reader.c -- the whole reader on the device against its twin; the same bits whatever
 * else is in the batch and however it is parted; a device that gives less than was asked for,
 * or fails at any call. Some OpenCL calls are replaced by ones that can be told to fail. */
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include "check.h"
#include "device_cl.h"
#include "small_reader.h"

#include <dlfcn.h>

static size_t largest_given = SIZE_MAX; /* clCreateBuffer fails above */
static int launch_to_fail;              /* the n-th from now, 0 = none */
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

cl_int CL_API_CALL clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel,
                                          cl_uint n, const size_t *offset,
                                          const size_t *global, const size_t *local,
                                          cl_uint n_events, const cl_event *events,
                                          cl_event *event)
{
    cl_int (*real)(cl_command_queue, cl_kernel, cl_uint, const size_t *, const size_t *,
                   const size_t *, cl_uint, const cl_event *, cl_event *);

    if (launch_to_fail > 0 && --launch_to_fail == 0) return failure;
    *(void **)&real = dlsym(RTLD_NEXT, "clEnqueueNDRangeKernel");
    return real(queue, kernel, n, offset, global, local, n_events, events, event);
}

static struct reader_weights weights;

static int set_up(void **state)
{
    weights = small_reader_weights();
    return check_open(state);
}

static void run(struct reader *r, struct reading *in)
{
    CHECK(reader_run(r, in));
    CHECK(reader_wait(r, in));
}

/* On the device and by the twins. */
static void compare(const struct reader_weights *w, uint32_t sentences, uint32_t most,
                    int tiled, double tolerance)
{
    struct reader *r = NULL;
    struct reading *in = small_reading(sentences, most);
    struct reading *twin = small_reading(sentences, most);

    CHECK(reader_open(check_device, w, tiled, &r));
    run(r, in);
    CHECK(reader_run_cpu(w, twin));
    check_near("heads", in->heads, twin->heads, (size_t)in->n_spans * READING_HEADS,
               tolerance);
    if (w->tag_weight)
        check_near("tags", in->tags, twin->tags, (size_t)in->n_ids * READING_TAGS,
                   tolerance);
    reading_free(in);
    reading_free(twin);
    reader_close(r);
}

static void test_twin(void **state)
{
    const struct reader_weights projected = small_projected_weights();

    (void)state;
    check_case = "floats"; /* logits up to 8 after two layers: measured 1e-5 */
    compare(&weights, 1, 0, 0, 5e-5);
    compare(&weights, 1, 1, 0, 5e-5);
    compare(&weights, 60, 40, 0, 5e-5);
    compare(&weights, 3, 254, 0, 5e-5);
    check_case = "projected rows, no tags";
    compare(&projected, 60, 40, 0, 5e-5);
    check_case = "halfs, as on GPUs"; /* weights rounded to 11 bits: measured 4e-3 */
    compare(&weights, 30, 40, 1, 2e-2);
}

/* 2,400 pieces are three parts; each sentence alone must give the same bits. */
static void test_alone(void **state)
{
    (void)state;
    struct reader *r = NULL;
    struct reading *in = small_reading(80, 58), *one = NULL;

    CHECK(reader_open(check_device, &weights, 0, &r));
    run(r, in);
    CHECK(reading_new(1, 0, 0, 2, &one));
    for (uint32_t s = 0; s < in->n_spans; s++) {
        const struct shared_span span = in->spans[s];
        reading_clear(one);
        assert_true(reading_push(one, in->ids + span.begin + 1, span.count - 2));
        run(r, one);
        assert_memory_equal(one->heads, in->heads + (size_t)s * READING_HEADS,
                            READING_HEADS * sizeof(float));
        assert_memory_equal(one->tags, in->tags + (size_t)span.begin * READING_TAGS,
                            span.count * READING_TAGS * sizeof(float));
    }
    reading_free(in);
    reading_free(one);
    reader_close(r);
}

/* A small encoder on the rows of the other gives the bits it gives on its own copy, also
 * when the two take turns. */
static void test_beside(void **state)
{
    (void)state;
    struct reader_weights beside = weights;
    struct reader *whole = NULL, *alone = NULL, *shared = NULL;
    struct reading *a = small_reading(30, 40), *b = small_reading(30, 40);

    beside.from = SMALL_DIM;
    beside.projection = weights.layers[1].out;
    beside.tag_weight = beside.tag_bias = NULL;
    CHECK(reader_open(check_device, &weights, -1, &whole));
    CHECK(reader_open(check_device, &beside, -1, &alone));
    CHECK(reader_open_beside(whole, &beside, &shared));
    run(alone, a);
    run(whole, b);
    run(shared, b);
    assert_memory_equal(a->heads, b->heads,
                        (size_t)a->n_spans * READING_HEADS * sizeof(float));
    reader_close(shared);
    run(whole, b); /* its rows are still there */
    reading_free(a);
    reading_free(b);
    reader_close(alone);
    reader_close(whole);
}

static void test_cut(void **state)
{
    (void)state;
    struct reader *r = NULL;
    struct reading *in = NULL;
    uint32_t ids[2 * READING_MOST];

    for (uint32_t i = 0; i < 2 * READING_MOST; i++)
        ids[i] = i % SMALL_ROWS;
    CHECK(reading_new(2, 0, 0, 2, &in));
    assert_true(reading_push(in, ids, 2 * READING_MOST));
    assert_int_equal(in->n_ids, READING_MOST + 2);
    assert_int_equal(in->ids[READING_MOST + 1], 2);
    assert_false(reading_push(in, ids, 0)); /* no room for two marks */
    CHECK(reader_open(check_device, &weights, -1, &r));
    run(r, in);
    for (int i = 0; i < READING_HEADS; i++)
        assert_true(isfinite(in->heads[i]));
    reading_clear(in);
    run(r, in); /* nothing at all is fine */
    reading_free(in);
    reader_close(r);
}

/* Buffers for 1,024 pieces are refused: smaller parts, the same bits. */
static void test_short_of_memory(void **state)
{
    (void)state;
    struct reader *r = NULL;
    struct reading *in = small_reading(80, 58), *again = small_reading(80, 58);

    CHECK(reader_open(check_device, &weights, 0, &r));
    run(r, in);
    reader_close(r);
    CHECK(reader_open(check_device, &weights, 0, &r));
    largest_given = 640 * SMALL_WIDE * sizeof(float);
    run(r, again);
    assert_memory_equal(in->heads, again->heads,
                        (size_t)in->n_spans * READING_HEADS * sizeof(float));
    assert_memory_equal(in->tags, again->tags,
                        (size_t)in->n_ids * READING_TAGS * sizeof(float));
    largest_given = 100; /* not even one sentence */
    reader_close(r);
    largest_given = SIZE_MAX;
    CHECK(reader_open(check_device, &weights, 0, &r));
    largest_given = 100;
    assert_int_equal(reader_run(r, again), FECIT_E_DEVICE);
    assert_non_null(strstr(status_text(), "clCreateBuffer"));
    largest_given = SIZE_MAX;
    run(r, again); /* and it works again */
    assert_memory_equal(in->heads, again->heads,
                        (size_t)in->n_spans * READING_HEADS * sizeof(float));
    reading_free(in);
    reading_free(again);
    reader_close(r);
}

/* Whichever launch fails: an error with the call's name, or another try that succeeds. */
static void test_launch_fails(void **state)
{
    (void)state;
    struct reader *r = NULL;
    struct reading *in = small_reading(80, 58), *again = small_reading(80, 58);

    CHECK(reader_open(check_device, &weights, 0, &r));
    run(r, in);
    reader_close(r);
    for (int k = 1; k <= 60; k += 7) {
        CHECK(reader_open(check_device, &weights, 0, &r));
        failure = CL_INVALID_COMMAND_QUEUE;
        launch_to_fail = k;
        if (reader_run(r, again) == FECIT_OK)
            CHECK(reader_wait(r, again));
        else
            assert_non_null(strstr(status_text(), "clEnqueueNDRangeKernel"));
        failure = CL_OUT_OF_RESOURCES;
        launch_to_fail = k;
        run(r, again);
        launch_to_fail = 0;
        assert_memory_equal(in->heads, again->heads,
                            (size_t)in->n_spans * READING_HEADS * sizeof(float));
        reader_close(r);
    }
    reading_free(in);
    reading_free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twin),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_beside),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_short_of_memory),
        cmocka_unit_test(test_launch_fails),
    };

    return cmocka_run_group_tests(tests, set_up, check_close);
}

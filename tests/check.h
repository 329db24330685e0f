/* check.h -- for tests of what runs on the device: the device, numbers to feed it, and the
 * comparison with the twin. A table of shapes is run by CHECK_TABLE. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include "ops.h"
#include "train/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct device *check_device;
static const char *check_case = ""; /* the shape under test, for messages */

/* Calls that must succeed. */
#define CHECK(call)                                                                    \
    do {                                                                               \
        if ((call) != FECIT_OK)                                                        \
            fail_msg("%s: %s: %s", check_case, #call, status_text());                  \
    } while (0)

/* run(&shapes[i]) for every row; each row has a `name`. */
#define CHECK_TABLE(shapes, run)                                                       \
    for (size_t i_ = 0; i_ < sizeof(shapes) / sizeof *(shapes); i_++) {                \
        check_case = (shapes)[i_].name;                                                \
        run(&(shapes)[i_]);                                                            \
    }

/* Set-up and tear-down of a group. */
static inline int check_open(void **state)
{
    (void)state;
    if (device_open(NULL, &check_device) == FECIT_OK) return 0;
    fprintf(stderr, "# %s\n", status_text());
    return -1;
}

static inline int check_close(void **state)
{
    (void)state;
    device_close(check_device);
    return 0;
}

/* [n] from -scale to scale; free() it. */
static inline float *check_draw(struct random *r, size_t n, float scale)
{
    float *x = malloc(n ? n * sizeof *x : 1);

    for (size_t i = 0; i < n; i++)
        x[i] = scale * (2 * random_unit(r) - 1);
    return x;
}

static inline struct device_buffer *check_upload(const void *data, size_t size)
{
    struct device_buffer *b = NULL;

    CHECK(device_buffer_new(check_device, size, data, &b));
    return b;
}

/* What the buffer holds; free() both. */
static inline void *check_fetch(struct device_buffer *b, size_t size)
{
    void *data = malloc(size ? size : 1);

    CHECK(device_read(check_device, b, size, data));
    device_buffer_free(b);
    return data;
}

/* Every |device - twin| <= tolerance. */
static inline void check_near(const char *what, const float *device, const float *twin,
                              size_t n, double tolerance)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)device[i] - twin[i]) <= tolerance))
            fail_msg("%s: %s[%zu] is %.9g, the twin says %.9g, allowed %.2g",
                     check_case, what, i, (double)device[i], (double)twin[i],
                     tolerance);
}

#endif

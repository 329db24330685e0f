/* check_ops.h -- set-up and tear-down for tests of kernels that know nothing of rows. */
#ifndef TESTS_CHECK_OPS_H
#define TESTS_CHECK_OPS_H

#include "check.h"

/* Kernels built for float rows of 16 columns, in check_ops. */
static struct ops *check_ops;

static inline int check_open_ops(void **state)
{
    if (check_open(state) != 0) return -1;
    return ops_open(check_device, 16, false, 0, &check_ops) == FECIT_OK ? 0 : -1;
}

static inline int check_close_ops(void **state)
{
    ops_close(check_ops);
    return check_close(state);
}

#endif

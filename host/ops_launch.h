/* ops_launch.h -- how ops_cl.c and train/ops_back_cl.c start a kernel; device rooms only. */
#ifndef OPS_LAUNCH_H
#define OPS_LAUNCH_H

#include "ops.h"
#include "program_cl.h"

#define OPS_KERNELS 32 /* in use at a time */

struct ops {
    struct device *device;
    struct program *program;
    uint32_t dim;
    uint32_t n_queries;         /* that embed_bag_weighted was built for; 0 = none */
    struct tune tune;           /* what the kernels of wide layers were built for */
    bool tiled;                 /* wide layers through local memory, weights as halfs */
    struct device_buffer *none; /* stands for an argument that is not used */
    cl_kernel kernels[OPS_KERNELS];   /* [n_kernels] made on first use, found by name */
    size_t group_limits[OPS_KERNELS]; /* work-items in a group of each, at most */
    const char *names[OPS_KERNELS];
    uint32_t n_kernels;
};

/* One argument of a kernel. */
struct ops_argument {
    size_t size;
    const void *value;
};
#define OPS_BUFFER(b)                                                                  \
    {                                                                                  \
        sizeof(cl_mem), &(b)->memory                                                   \
    }
#define OPS_VALUE(v)                                                                   \
    {                                                                                  \
        sizeof(v), &(v)                                                                \
    }

/* Queue kernel `name` over global (x, y), y = 0 for one dimension; nothing when x is 0. */
enum fecit_status ops_launch(struct ops *o, const char *name,
                             const struct ops_argument *arguments, uint32_t n_arguments,
                             size_t x, size_t y);
/* The same in groups of (local_x, local_y) items, the launch rounded up to them; they
 * are made smaller where the device wants it, but not those of kernels with barriers. */
enum fecit_status ops_launch_groups(struct ops *o, const char *name,
                                    const struct ops_argument *arguments,
                                    uint32_t n_arguments, size_t x, size_t y,
                                    size_t local_x, size_t local_y);

/* In a function with `st` and `done`. */
#define LAUNCH(name, x, y, ...)                                                        \
    do {                                                                               \
        const struct ops_argument arguments_[] = {__VA_ARGS__};                        \
        TRY(ops_launch(o, name, arguments_, sizeof arguments_ / sizeof *arguments_, x, \
                       y));                                                            \
    } while (0)
#define LAUNCH_GROUPS(name, x, y, local_x, local_y, ...)                               \
    do {                                                                               \
        const struct ops_argument arguments_[] = {__VA_ARGS__};                        \
        TRY(ops_launch_groups(o, name, arguments_,                                     \
                              sizeof arguments_ / sizeof *arguments_, x, y, local_x,   \
                              local_y));                                               \
    } while (0)

#endif

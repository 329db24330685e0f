/* device.h -- an OpenCL device: chosen, opened, its memory. OpenCL types stay in the device
 * rooms (device_cl.h); everybody else sees opaque structs. */
#ifndef DEVICE_H
#define DEVICE_H

#include "base/mem.h"
#include <stdbool.h>

struct device_info {
    char platform[96], name[128], driver[96], version[160];
    bool gpu, cpu;
    uint64_t memory, largest; /* bytes in all; of one buffer */
    uint32_t units, clock;    /* compute units; MHz */
    uint32_t vector;          /* floats of a register */
    bool fp16;
};

/* Every device of every platform, in the order in which numbers name them.
 * FECIT_E_DEVICE when there is none. Caller owns *out [*n]; mem_free(). */
enum fecit_status device_list(struct device_info **out, uint32_t *n);

struct device;

/* `choice`: a number of device_list(), part of a name or platform (case is ignored), or
 * NULL: $FECIT_DEVICE, else the first GPU, else the first device.
 * FECIT_E_DEVICE says what there is and what to do. Caller owns *out. */
enum fecit_status device_open(const char *choice, struct device **out);
void device_close(struct device *d);                            /* NULL is fine */
const struct device_info *device_about(const struct device *d); /* borrows from d */
const char *device_name(const struct device *d);                /* borrows from d */
const char *device_driver(const struct device *d);              /* borrows from d */

/* Whether the device's last failure was a want of memory or resources, so that less at a
 * time may do. */
bool device_is_short(const struct device *d);

/* Memory on the device. */
struct device_buffer;

/* `size` bytes (0 is made 4), filled from `data` when it is not NULL. FECIT_E_DEVICE when
 * it is more than the device gives in one piece. Caller owns *out. */
enum fecit_status device_buffer_new(struct device *d, size_t size, const void *data,
                                    struct device_buffer **out);
void device_buffer_free(struct device_buffer *b); /* NULL is fine */
size_t device_buffer_size(const struct device_buffer *b);

/* Grow *b to at least `size` bytes, content lost; does nothing when it is large enough. What
 * is queued may still use the old memory: the driver keeps it until then. */
enum fecit_status device_buffer_reserve(struct device *d, size_t size,
                                        struct device_buffer **b);

/* Queue a copy of `size` bytes to the buffer. Borrows `data` until the device has been
 * waited for (device_read() or device_wait()). */
enum fecit_status device_write(struct device *d, struct device_buffer *b, size_t size,
                               const void *data);
/* Wait for all that is queued, then copy `size` bytes from the buffer. */
enum fecit_status device_read(struct device *d, const struct device_buffer *b,
                              size_t size, void *data);

/* Wait for all that is queued; for error paths, where what is borrowed must come free. */
void device_finish(struct device *d);

/* A read under way, so that work queued after it need not be waited for. */
struct device_ticket;

/* Queue a copy of `size` bytes to `data` and start all that is queued. Borrows `data` until
 * device_wait(), which also gives the ticket back. */
enum fecit_status device_read_start(struct device *d, const struct device_buffer *b,
                                    size_t size, void *data,
                                    struct device_ticket **out);
/* Give the ticket back without waiting or asking how it went; what it reads to must stay until
 * device_finish(). NULL is fine. */
void device_drop(struct device_ticket *t);
/* NULL is fine. */
enum fecit_status device_wait(struct device *d, struct device_ticket *t);

#endif

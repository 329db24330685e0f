/* device_cl.h -- the OpenCL side of device.h, for the device rooms only. */
#ifndef DEVICE_CL_H
#define DEVICE_CL_H

#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>

#include "device.h"

struct device {
    struct device_info info;
    cl_platform_id platform;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue; /* in order */
    bool is_short;          /* see device_is_short() */
};

struct device_buffer {
    cl_mem memory;
    size_t size;
};

/* FECIT_E_DEVICE with the call's name, the code's name and the next step. */
enum fecit_status device_failed(struct device *d, const char *call, cl_int code);

/* TRY for OpenCL calls that return a code. */
#define TRY_CL(d, call)                                                                \
    do {                                                                               \
        const cl_int code_ = (call);                                                   \
        if (code_ != CL_SUCCESS) {                                                     \
            st = device_failed(d, #call, code_);                                       \
            goto done;                                                                 \
        }                                                                              \
    } while (0)

#endif

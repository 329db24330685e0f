/* program_cl.h -- the OpenCL side of program.h, for the device rooms only. */
#ifndef PROGRAM_CL_H
#define PROGRAM_CL_H

#include "device_cl.h"
#include "program.h"

struct program {
    struct device *device;
    cl_program program;
    bool cached;
};

#endif

/* failing_opencl.c -- an OpenCL whose k-th call fails: preloaded before a program, it stands
 * before the real library and counts the calls that make, move or run something.
 *   FAIL_AT    which call fails, from 1; without it the number of calls is written to
 *   FAIL_COUNT this file when the program ends
 *   FAIL_CODE  with which code; default -5, CL_OUT_OF_RESOURCES
 *   FAIL_ALL   set: every call from the k-th on */
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_long calls;

static long number(const char *name, long other)
{
    const char *text = getenv(name);

    return text ? strtol(text, NULL, 10) : other;
}

/* Whether this call is the one; then *code is set. */
static int fails(cl_int *code)
{
    const long at = number("FAIL_AT", 0), now = ++calls;

    *code = (cl_int)number("FAIL_CODE", -5);
    return at > 0 && (now == at || (now > at && getenv("FAIL_ALL")));
}

__attribute__((destructor)) static void count_write(void)
{
    const char *path = getenv("FAIL_COUNT");
    FILE *f = path ? fopen(path, "w") : NULL;

    if (!f) return;
    fprintf(f, "%ld\n", (long)calls);
    fclose(f);
}

#define REAL(name) (*(void **)&real = dlsym(RTLD_NEXT, name))

cl_mem CL_API_CALL clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size,
                                  void *data, cl_int *code)
{
    cl_mem (*real)(cl_context, cl_mem_flags, size_t, void *, cl_int *);
    cl_int failure;

    if (!fails(&failure))
        return REAL("clCreateBuffer"), real(context, flags, size, data, code);
    if (code) *code = failure;
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
    cl_int failure;

    if (fails(&failure)) return failure;
    REAL("clEnqueueNDRangeKernel");
    return real(queue, kernel, n, offset, global, local, n_events, events, event);
}

cl_int CL_API_CALL clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer,
                                        cl_bool blocking, size_t offset, size_t size,
                                        const void *data, cl_uint n_events,
                                        const cl_event *events, cl_event *event)
{
    cl_int (*real)(cl_command_queue, cl_mem, cl_bool, size_t, size_t, const void *,
                   cl_uint, const cl_event *, cl_event *);
    cl_int failure;

    if (fails(&failure)) return failure;
    REAL("clEnqueueWriteBuffer");
    return real(queue, buffer, blocking, offset, size, data, n_events, events, event);
}

cl_int CL_API_CALL clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer,
                                       cl_bool blocking, size_t offset, size_t size,
                                       void *data, cl_uint n_events,
                                       const cl_event *events, cl_event *event)
{
    cl_int (*real)(cl_command_queue, cl_mem, cl_bool, size_t, size_t, void *, cl_uint,
                   const cl_event *, cl_event *);
    cl_int failure;

    if (fails(&failure)) return failure;
    REAL("clEnqueueReadBuffer");
    return real(queue, buffer, blocking, offset, size, data, n_events, events, event);
}

cl_int CL_API_CALL clWaitForEvents(cl_uint n, const cl_event *events)
{
    cl_int (*real)(cl_uint, const cl_event *);
    cl_int code, failure;

    REAL("clWaitForEvents");
    code = real(n, events); /* the work is done; that it failed is what is told */
    return fails(&failure) ? failure : code;
}

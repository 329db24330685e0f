#include "device.h"
#include "device_cl.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST 64 /* platforms, and devices of one platform, looked at */

static const char *code_name(cl_int code)
{
    static const struct {
        cl_int code;
        const char *name;
    } names[] = {
        {CL_DEVICE_NOT_FOUND, "CL_DEVICE_NOT_FOUND"},
        {CL_DEVICE_NOT_AVAILABLE, "CL_DEVICE_NOT_AVAILABLE"},
        {CL_COMPILER_NOT_AVAILABLE, "CL_COMPILER_NOT_AVAILABLE"},
        {CL_MEM_OBJECT_ALLOCATION_FAILURE, "CL_MEM_OBJECT_ALLOCATION_FAILURE"},
        {CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES"},
        {CL_OUT_OF_HOST_MEMORY, "CL_OUT_OF_HOST_MEMORY"},
        {CL_BUILD_PROGRAM_FAILURE, "CL_BUILD_PROGRAM_FAILURE"},
        {CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST,
         "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST"},
        {CL_INVALID_VALUE, "CL_INVALID_VALUE"},
        {CL_INVALID_DEVICE, "CL_INVALID_DEVICE"},
        {CL_INVALID_CONTEXT, "CL_INVALID_CONTEXT"},
        {CL_INVALID_COMMAND_QUEUE, "CL_INVALID_COMMAND_QUEUE"},
        {CL_INVALID_MEM_OBJECT, "CL_INVALID_MEM_OBJECT"},
        {CL_INVALID_BINARY, "CL_INVALID_BINARY"},
        {CL_INVALID_PROGRAM, "CL_INVALID_PROGRAM"},
        {CL_INVALID_PROGRAM_EXECUTABLE, "CL_INVALID_PROGRAM_EXECUTABLE"},
        {CL_INVALID_KERNEL_NAME, "CL_INVALID_KERNEL_NAME"},
        {CL_INVALID_ARG_SIZE, "CL_INVALID_ARG_SIZE"},
        {CL_INVALID_KERNEL_ARGS, "CL_INVALID_KERNEL_ARGS"},
        {CL_INVALID_WORK_GROUP_SIZE, "CL_INVALID_WORK_GROUP_SIZE"},
        {CL_INVALID_GLOBAL_WORK_SIZE, "CL_INVALID_GLOBAL_WORK_SIZE"},
        {CL_INVALID_BUFFER_SIZE, "CL_INVALID_BUFFER_SIZE"},
        {-1001, "CL_PLATFORM_NOT_FOUND_KHR"},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == code) return names[i].name;
    return "an OpenCL error";
}

enum fecit_status device_failed(struct device *d, const char *call, cl_int code)
{
    int name = 0;

    if (d)
        d->is_short = code == CL_OUT_OF_RESOURCES || code == CL_OUT_OF_HOST_MEMORY ||
                      code == CL_MEM_OBJECT_ALLOCATION_FAILURE;

    while (isalnum((unsigned char)call[name]))
        name++;
    return status_set(
        FECIT_E_DEVICE,
        "device %s: %.*s answered %s (%d); see `fecit doctor`, try another "
        "--device or a smaller --batch",
        d ? d->info.name : "(none)", name, call, code_name(code), code);
}

static enum fecit_status none_there(void)
{
    return status_set(FECIT_E_DEVICE,
                      "no OpenCL device on this machine; install your GPU's driver, or "
                      "for the CPU: apt-get install pocl-opencl-icd; then see `fecit "
                      "devices`");
}

/* OpenCL gives no text at all where the room is too small: ask for plenty, then cut. */
static void read_text(cl_platform_id platform, cl_device_id id, cl_uint what, char *to,
                      size_t size)
{
    char whole[16384] = "";

    if (platform)
        clGetPlatformInfo(platform, what, sizeof whole - 1, whole, NULL);
    else
        clGetDeviceInfo(id, what, sizeof whole - 1, whole, NULL);
    snprintf(to, size, "%.*s", (int)size - 1, whole);
}

static void read_info(cl_platform_id platform, cl_device_id id, struct device_info *i)
{
    cl_device_type type = 0;
    char extensions[16384];

    *i = (struct device_info){0};
    read_text(platform, NULL, CL_PLATFORM_NAME, i->platform, sizeof i->platform);
    read_text(platform, NULL, CL_PLATFORM_VERSION, i->version, sizeof i->version);
    read_text(NULL, id, CL_DEVICE_NAME, i->name, sizeof i->name);
    read_text(NULL, id, CL_DRIVER_VERSION, i->driver, sizeof i->driver);
    read_text(NULL, id, CL_DEVICE_EXTENSIONS, extensions, sizeof extensions);
    clGetDeviceInfo(id, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    clGetDeviceInfo(id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof i->memory, &i->memory, NULL);
    clGetDeviceInfo(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof i->largest, &i->largest,
                    NULL);
    clGetDeviceInfo(id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof i->units, &i->units, NULL);
    clGetDeviceInfo(id, CL_DEVICE_MAX_CLOCK_FREQUENCY, sizeof i->clock, &i->clock,
                    NULL);
    clGetDeviceInfo(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof i->vector,
                    &i->vector, NULL);
    i->gpu = (type & CL_DEVICE_TYPE_GPU) != 0;
    i->cpu = (type & CL_DEVICE_TYPE_CPU) != 0;
    i->fp16 = strstr(extensions, "cl_khr_fp16") != NULL;
}

struct found {
    cl_platform_id platform;
    cl_device_id id;
    struct device_info info;
};

/* All devices into *out [*n]; mem_free(). */
static enum fecit_status find_all(struct found **out, uint32_t *n)
{
    enum fecit_status st = FECIT_OK;
    cl_platform_id platforms[MOST];
    cl_device_id ids[MOST];
    cl_uint n_platforms = 0, n_ids;
    struct found *all = mem_new(MOST, sizeof *all);

    *n = 0;
    TRY_MEM(all);
    if (clGetPlatformIDs(MOST, platforms, &n_platforms) != CL_SUCCESS) n_platforms = 0;
    for (cl_uint p = 0; p < n_platforms && p < MOST; p++) {
        n_ids = 0;
        if (clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, MOST, ids, &n_ids) !=
            CL_SUCCESS)
            continue;
        for (cl_uint i = 0; i < n_ids && i < MOST && *n < MOST; i++) {
            struct found *f = &all[(*n)++];
            f->platform = platforms[p];
            f->id = ids[i];
            read_info(platforms[p], ids[i], &f->info);
        }
    }
    if (*n == 0) TRY(none_there());
    *out = all;
    all = NULL;
done:
    mem_free(all);
    return st;
}

enum fecit_status device_list(struct device_info **out, uint32_t *n)
{
    enum fecit_status st;
    struct found *all = NULL;
    struct device_info *list = NULL;

    TRY(find_all(&all, n));
    TRY_MEM(list = mem_new(*n, sizeof *list));
    for (uint32_t i = 0; i < *n; i++)
        list[i] = all[i].info;
    *out = list;
done:
    mem_free(all);
    return st;
}

/* Whether `part` stands in `whole`, case ignored. */
static bool holds(const char *whole, const char *part)
{
    const size_t n = strlen(part);

    for (; *whole; whole++) {
        size_t i = 0;
        while (i < n &&
               tolower((unsigned char)whole[i]) == tolower((unsigned char)part[i]))
            i++;
        if (i == n) return true;
    }
    return n == 0;
}

/* The index that `choice` names, or n. */
static uint32_t choose(const struct found *all, uint32_t n, const char *choice)
{
    char *end;
    unsigned long number;

    if (!choice || !*choice) {
        for (uint32_t i = 0; i < n; i++)
            if (all[i].info.gpu) return i;
        return 0;
    }
    number = strtoul(choice, &end, 10);
    if (end != choice && !*end) return number < n ? (uint32_t)number : n;
    for (uint32_t i = 0; i < n; i++)
        if (holds(all[i].info.name, choice) || holds(all[i].info.platform, choice))
            return i;
    return n;
}

enum fecit_status device_open(const char *choice, struct device **out)
{
    enum fecit_status st;
    struct found *all = NULL;
    struct device *d = mem_new(1, sizeof *d);
    uint32_t n = 0, i;
    cl_int code = CL_SUCCESS;

    st = d ? FECIT_OK : FECIT_E_MEMORY;
    TRY(st);
    if (!choice) choice = getenv("FECIT_DEVICE");
    TRY(find_all(&all, &n));
    i = choose(all, n, choice);
    if (i == n)
        FAIL(
            FECIT_E_DEVICE,
            "--device %s: no such device among the %u here; `fecit devices` lists them",
            choice, n);
    d->platform = all[i].platform;
    d->id = all[i].id;
    d->info = all[i].info;
    d->context = clCreateContext(NULL, 1, &d->id, NULL, NULL, &code);
    TRY_CL(d, code);
    d->queue = clCreateCommandQueue(d->context, d->id, 0, &code);
    TRY_CL(d, code);
    *out = d;
    d = NULL;
done:
    device_close(d);
    mem_free(all);
    return st;
}

void device_close(struct device *d)
{
    if (!d) return;
    if (d->queue) {
        clFinish(d->queue);
        clReleaseCommandQueue(d->queue);
    }
    if (d->context) clReleaseContext(d->context);
    mem_free(d);
}

const struct device_info *device_about(const struct device *d)
{
    return &d->info;
}

const char *device_name(const struct device *d)
{
    return d->info.name;
}

const char *device_driver(const struct device *d)
{
    return d->info.driver;
}

bool device_is_short(const struct device *d)
{
    return d->is_short;
}

enum fecit_status device_buffer_new(struct device *d, size_t size, const void *data,
                                    struct device_buffer **out)
{
    enum fecit_status st = FECIT_OK;
    struct device_buffer *b = mem_new(1, sizeof *b);
    cl_int code = CL_SUCCESS;

    TRY_MEM(b);
    b->size = size ? size : 4; /* OpenCL has no empty buffer */
    if (b->size > d->info.largest) {
        d->is_short = true;
        FAIL(FECIT_E_DEVICE,
             "device %s: a buffer of %zu bytes is wanted, it gives %llu at most in one "
             "piece; use a smaller --batch or another --device",
             d->info.name, b->size, (unsigned long long)d->info.largest);
    }
    b->memory = clCreateBuffer(
        d->context, CL_MEM_READ_WRITE | (data && size ? CL_MEM_COPY_HOST_PTR : 0),
        b->size, data && size ? (void *)data : NULL, &code);
    if (code != CL_SUCCESS) {
        st = device_failed(d, "clCreateBuffer", code);
        goto done;
    }
    *out = b;
    b = NULL;
done:
    device_buffer_free(b);
    return st;
}

void device_buffer_free(struct device_buffer *b)
{
    if (!b) return;
    if (b->memory) clReleaseMemObject(b->memory);
    mem_free(b);
}

size_t device_buffer_size(const struct device_buffer *b)
{
    return b->size;
}

enum fecit_status device_buffer_reserve(struct device *d, size_t size,
                                        struct device_buffer **b)
{
    enum fecit_status st = FECIT_OK;
    struct device_buffer *larger = NULL;
    size_t with_room = size + size / 2;

    if (*b && (*b)->size >= size) goto done;
    if (with_room > d->info.largest) with_room = size;
    TRY(device_buffer_new(d, with_room, NULL, &larger));
    device_buffer_free(*b);
    *b = larger;
done:
    return st;
}

enum fecit_status device_write(struct device *d, struct device_buffer *b, size_t size,
                               const void *data)
{
    enum fecit_status st = FECIT_OK;

    if (size > 0)
        TRY_CL(d, clEnqueueWriteBuffer(d->queue, b->memory, CL_FALSE, 0, size, data, 0,
                                       NULL, NULL));
done:
    return st;
}

enum fecit_status device_read(struct device *d, const struct device_buffer *b,
                              size_t size, void *data)
{
    enum fecit_status st = FECIT_OK;

    if (size > 0)
        TRY_CL(d, clEnqueueReadBuffer(d->queue, b->memory, CL_TRUE, 0, size, data, 0,
                                      NULL, NULL));
done:
    return st;
}

void device_finish(struct device *d)
{
    clFinish(d->queue);
}

struct device_ticket {
    cl_event event;
};

enum fecit_status device_read_start(struct device *d, const struct device_buffer *b,
                                    size_t size, void *data, struct device_ticket **out)
{
    enum fecit_status st = FECIT_OK;
    struct device_ticket *t = mem_new(1, sizeof *t);

    TRY_MEM(t);
    TRY_CL(d, clEnqueueReadBuffer(d->queue, b->memory, CL_FALSE, 0, size, data, 0, NULL,
                                  &t->event));
    TRY_CL(d, clFlush(d->queue));
    *out = t;
    t = NULL;
done:
    if (t) device_wait(d, t);
    return st;
}

static cl_int event_state(cl_event event)
{
    cl_int state = CL_COMPLETE;

    clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state,
                   NULL);
    return state;
}

/* Drivers of GPUs spin in clWaitForEvents() and burn a core that the host's threads want
 * (openmm #1541, intel/compute-runtime #343); so sleep until it is done. */
static void event_sleep(cl_event event)
{
    struct timespec pause = {0, 20000};

    while (event_state(event) > CL_COMPLETE) {
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 200000) pause.tv_nsec *= 2;
    }
}

void device_drop(struct device_ticket *t)
{
    if (t && t->event) clReleaseEvent(t->event);
    mem_free(t);
}

enum fecit_status device_wait(struct device *d, struct device_ticket *t)
{
    enum fecit_status st = FECIT_OK;
    cl_int code;

    if (!t) return FECIT_OK;
    if (!t->event) goto done;
    if (d->info.gpu) event_sleep(t->event);
    code = clWaitForEvents(1, &t->event);
    /* That some command failed is all it says; in which way, the command knows. */
    if (code != CL_SUCCESS && event_state(t->event) < 0) code = event_state(t->event);
    if (code != CL_SUCCESS) st = device_failed(d, "clWaitForEvents", code);
done:
    if (t->event) clReleaseEvent(t->event);
    mem_free(t);
    return st;
}

#include "program.h"
#include "program_cl.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define CACHE_FORMAT "fecit-cache-1"

/* Made by kernels/embed.sh; the headers come first, in the order of the Makefile. */
struct kernel_file {
    const char *name;
    const unsigned char *text;
};
extern const struct kernel_file kernels_files[];

const char *program_cache_folder(void)
{
    static _Thread_local char folder[512];
    const char *named = getenv("FECIT_CACHE"), *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");

    if (named && *named)
        snprintf(folder, sizeof folder, "%s", named);
    else if (xdg && *xdg)
        snprintf(folder, sizeof folder, "%s/fecit", xdg);
    else if (home && *home)
        snprintf(folder, sizeof folder, "%s/.cache/fecit", home);
    else
        return NULL;
    return folder;
}

static void folders_make(const char *folder)
{
    char part[512];

    snprintf(part, sizeof part, "%s", folder);
    for (char *p = part + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            mkdir(part, 0777);
            *p = '/';
        }
    mkdir(part, 0777);
}

void program_cache_make(void)
{
    const char *folder = program_cache_folder();

    if (folder) folders_make(folder);
}

/* The sources end to end; includes are not used, so that the text is what is hashed. */
static enum fecit_status sources_join(struct bytes *out)
{
    enum fecit_status st = FECIT_OK;

    for (int headers = 1; headers >= 0; headers--)
        for (const struct kernel_file *f = kernels_files; f->name; f++) {
            const size_t n = strlen(f->name);
            const int is_header = f->name[n - 1] == 'h';
            if (is_header != headers) continue;
            TRY(bytes_print(out, "#line 1 \"%s\"\n%s\n", f->name,
                            (const char *)f->text));
        }
done:
    return st;
}

/* Where the binary for this source, these options and this driver is kept. */
static bool cache_path(const struct device *d, const struct bytes *source,
                       const char *options, char *path, size_t size)
{
    const char *folder = program_cache_folder();
    XXH3_state_t *state = XXH3_createState();
    XXH128_hash_t hash;

    if (!folder || !state) {
        XXH3_freeState(state);
        return false;
    }
    XXH3_128bits_reset(state);
    XXH3_128bits_update(state, source->data, source->size);
    for (const char *const *s =
             (const char *const[]){options, d->info.name, d->info.driver,
                                   d->info.platform, d->info.version, CACHE_FORMAT,
                                   NULL};
         *s; s++)
        XXH3_128bits_update(state, *s, strlen(*s) + 1);
    hash = XXH3_128bits_digest(state);
    XXH3_freeState(state);
    return snprintf(path, size, "%s/%016llx%016llx.bin", folder,
                    (unsigned long long)hash.high64,
                    (unsigned long long)hash.low64) < (int)size;
}

/* A cache file is 8 bytes of XXH3 and the binary. */
static enum fecit_status cache_read(const char *path, struct bytes *out)
{
    enum fecit_status st = FECIT_END;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    uint64_t sum;

    if (fd < 0 || fstat(fd, &info) != 0 || info.st_size <= 8) goto done;
    TRY(bytes_reserve(out, (size_t)info.st_size));
    st = FECIT_END;
    if (read(fd, out->data, (size_t)info.st_size) != info.st_size) goto done;
    out->size = (size_t)info.st_size;
    memcpy(&sum, out->data, 8);
    if (sum == XXH3_64bits(out->data + 8, out->size - 8)) st = FECIT_OK;
done:
    if (fd >= 0) close(fd);
    return st;
}

/* Best effort: written beside and renamed, so that two runs do not see half of it. */
static void cache_write(const char *path, const void *binary, size_t size)
{
    const uint64_t sum = XXH3_64bits(binary, size);
    char temporary[640];
    int fd;
    bool good;

    program_cache_make();
    snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) return;
    good = write(fd, &sum, 8) == 8 && write(fd, binary, size) == (ssize_t)size;
    if (close(fd) != 0 || !good || rename(temporary, path) != 0) unlink(temporary);
}

static void binary_keep(struct program *p, const char *path)
{
    size_t size = 0;
    unsigned char *binary;

    if (clGetProgramInfo(p->program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size,
                         NULL) != CL_SUCCESS ||
        size == 0)
        return;
    binary = mem_new(size, 1);
    if (binary && clGetProgramInfo(p->program, CL_PROGRAM_BINARIES, sizeof binary,
                                   &binary, NULL) == CL_SUCCESS)
        cache_write(path, binary, size);
    mem_free(binary);
}

/* From a cached binary; false when the driver does not take it. */
static bool build_cached(struct program *p, const struct bytes *file,
                         const char *options)
{
    const unsigned char *binary = file->data + 8;
    const size_t size = file->size - 8;
    cl_int code = CL_SUCCESS, each = CL_SUCCESS;

    p->program = clCreateProgramWithBinary(p->device->context, 1, &p->device->id, &size,
                                           &binary, &each, &code);
    if (code == CL_SUCCESS && each == CL_SUCCESS &&
        clBuildProgram(p->program, 1, &p->device->id, options, NULL, NULL) ==
            CL_SUCCESS)
        return true;
    if (p->program) clReleaseProgram(p->program);
    p->program = NULL;
    return false;
}

static enum fecit_status build_source(struct program *p, const struct bytes *source,
                                      const char *options)
{
    enum fecit_status st = FECIT_OK;
    const char *text = (const char *)source->data;
    char log[700] = "";
    cl_int code = CL_SUCCESS;

    p->program =
        clCreateProgramWithSource(p->device->context, 1, &text, &source->size, &code);
    if (code != CL_SUCCESS) {
        st = device_failed(p->device, "clCreateProgramWithSource", code);
        goto done;
    }
    code = clBuildProgram(p->program, 1, &p->device->id, options, NULL, NULL);
    if (code != CL_SUCCESS) {
        /* The log may be longer than the buffer; then OpenCL gives none, so ask for all. */
        size_t size = 0;
        char *whole = NULL;
        clGetProgramBuildInfo(p->program, p->device->id, CL_PROGRAM_BUILD_LOG, 0, NULL,
                              &size);
        if (size > 0 && (whole = mem_new(size + 1, 1)))
            clGetProgramBuildInfo(p->program, p->device->id, CL_PROGRAM_BUILD_LOG, size,
                                  whole, NULL);
        if (whole) snprintf(log, sizeof log, "%s", whole);
        mem_free(whole);
        FAIL(FECIT_E_DEVICE,
             "device %s: the kernels do not build (%d) with %s; update its driver or "
             "take "
             "another --device. The log begins: %s",
             p->device->info.name, code, options, log);
    }
done:
    return st;
}

enum fecit_status program_build(struct device *d, const char *options,
                                struct program **out)
{
    enum fecit_status st = FECIT_OK;
    struct program *p = mem_new(1, sizeof *p);
    struct bytes source = {0}, file = {0};
    char path[600];
    bool may_cache;

    TRY_MEM(p);
    p->device = d;
    TRY(sources_join(&source));
    may_cache = cache_path(d, &source, options, path, sizeof path);
    st = may_cache ? cache_read(path, &file) : FECIT_END;
    if (st == FECIT_OK) p->cached = build_cached(p, &file, options);
    if (!p->cached) {
        TRY(build_source(p, &source, options));
        if (may_cache) binary_keep(p, path);
    }
    st = FECIT_OK;
    *out = p;
    p = NULL;
done:
    program_free(p);
    bytes_clear(&source);
    bytes_clear(&file);
    return st;
}

void program_free(struct program *p)
{
    if (!p) return;
    if (p->program) clReleaseProgram(p->program);
    mem_free(p);
}

bool program_was_cached(const struct program *p)
{
    return p->cached;
}

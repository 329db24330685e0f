/* scratch.h -- a folder of its own for each test program, whole files in and out of it,
 * and numbers that are random but the same on every run. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char scratch_folder[64];

static inline int scratch_open(void **state)
{
    (void)state;
    strcpy(scratch_folder, "/tmp/fecit-test-XXXXXX");
    return mkdtemp(scratch_folder) ? 0 : -1;
}

static inline int scratch_close(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", scratch_folder);
    return system(command);
}

/* A path in the folder; borrowed until eight calls later. */
static inline const char *scratch_path(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", scratch_folder, name);
    return path;
}

static inline void scratch_write(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* The whole file, with a NUL after it; free() it. */
static inline uint8_t *scratch_read(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data;
    long n;

    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    n = ftell(f);
    rewind(f);
    data = malloc((size_t)n + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)n, f), n);
    data[n] = 0;
    fclose(f);
    *size = (size_t)n;
    return data;
}

static inline int scratch_there(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0;
}

/* splitmix64: any state is a good one. */
static inline uint64_t scratch_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Damage data [*size, room] in one to four places: flip, set, cut, or copy a stretch.
 */
static inline void scratch_damage(uint8_t *data, size_t *size, uint64_t *state)
{
    for (uint64_t n = 1 + scratch_random(state) % 4; n > 0 && *size > 0; n--) {
        const size_t at = scratch_random(state) % *size;
        const size_t from = scratch_random(state) % *size;
        const size_t longest = *size - (at > from ? at : from);
        switch (scratch_random(state) % 8) {
        case 0:
            *size = at;
            break;
        case 1:
            memmove(data + at, data + from, 1 + scratch_random(state) % longest);
            break;
        case 2:
            data[at] = 0xff;
            break;
        case 3:
            data[at] = 0;
            break;
        case 4:
            data[at] = (uint8_t)scratch_random(state);
            break;
        default:
            data[at] ^= (uint8_t)(1 << scratch_random(state) % 8);
            break;
        }
    }
}

#endif

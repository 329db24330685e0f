#include "tune.h"
#include "base/disk.h"
#include "program.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOCAL_LEAST 32768 /* bytes of local memory that OpenCL 1.2 promises */
#define HEAD                                                                           \
    "# How wide layers are cut, a line a device: name | driver: tunables "             \
    "(host/tune.h).\n"                                                                 \
    "# Written by `fecit bench --tune`; a line taken out is a device at its "          \
    "default.\n"

/* A tunable: its name, where it lies, what it may be. */
static const struct tunable {
    const char *name;
    size_t place;
    uint32_t values[4]; /* 0 ends them */
} tunables[] = {
    {"panel_vector", offsetof(struct tune, panel_vector), {4, 8, 16, 0}},
    {"panel_rows", offsetof(struct tune, panel_rows), {4, 6, 8, 12}},
    {"tile_items", offsetof(struct tune, tile_items), {8, 16, 0, 0}},
    {"tile_each", offsetof(struct tune, tile_each), {2, 4, 8, 0}},
    {"tile_depth", offsetof(struct tune, tile_depth), {8, 16, 32, 0}},
};
enum { N_TUNABLES = sizeof tunables / sizeof *tunables };

static uint32_t *at(struct tune *t, size_t i)
{
    return (uint32_t *)((char *)t + tunables[i].place);
}

struct tune tune_default(const struct device_info *d)
{
    /* Registers of CPUs: 32 of 16 floats, or 16 of 8. */
    const bool wide = d->vector >= 16;

    return (struct tune){wide ? 16 : 8, wide ? 12 : 6, 16, 4, 16};
}

/* The tiles of x and w, a column more each. */
static bool tile_fits(const struct tune *t)
{
    const size_t tile = (size_t)t->tile_items * t->tile_each;

    return 2 * t->tile_depth * (tile + 1) * sizeof(float) <= LOCAL_LEAST;
}

uint32_t tune_choices(const struct tune *base, bool tiled,
                      struct tune out[TUNE_CHOICES])
{
    const size_t first = tiled ? 2 : 0, end = tiled ? N_TUNABLES : 2;
    uint32_t n = 1;

    out[0] = *base;
    for (size_t i = first; i < end; i++) { /* each so far, with each value */
        const uint32_t before = n;
        struct tune so_far[TUNE_CHOICES];
        memcpy(so_far, out, before * sizeof *out);
        n = 0;
        for (uint32_t k = 0; k < before; k++)
            for (int v = 0; v < 4 && tunables[i].values[v]; v++) {
                out[n] = so_far[k];
                *at(&out[n++], i) = tunables[i].values[v];
            }
    }
    for (uint32_t k = n; tiled && k-- > 0;)
        if (!tile_fits(&out[k])) out[k] = out[--n];
    return n;
}

const char *tune_path(void)
{
    static _Thread_local char path[600];
    const char *named = getenv("FECIT_TUNE"), *folder = program_cache_folder();

    if (named && *named) return named;
    if (!folder) return NULL;
    snprintf(path, sizeof path, "%s/tune.conf", folder);
    return path;
}

/* "NAME | DRIVER:" with which the device's line begins. */
static void line_head(const struct device_info *d, char out[300])
{
    snprintf(out, 300, "%s | %s:", d->name, d->driver);
}

static bool is_of(const char *line, size_t size, const char *head)
{
    return size >= strlen(head) && !memcmp(line, head, strlen(head));
}

/* " name=value name=value ..." */
static bool values_read(const char *text, size_t size, struct tune *out)
{
    char copy[256], *word, *rest = copy, *end;

    if (size >= sizeof copy) return false;
    memcpy(copy, text, size);
    copy[size] = 0;
    while ((word = strtok_r(rest, " \t\r", &rest))) {
        char *value = strchr(word, '=');
        bool good = false;
        if (!value) return false;
        *value++ = 0;
        for (size_t i = 0; i < N_TUNABLES; i++) {
            const unsigned long x = strtoul(value, &end, 10);
            if (strcmp(tunables[i].name, word) || *end || *value < '0' || *value > '9')
                continue;
            for (int v = 0; v < 4 && tunables[i].values[v]; v++)
                good |= x == tunables[i].values[v];
            *at(out, i) = (uint32_t)x;
        }
        if (!good) return false;
    }
    return tile_fits(out);
}

static enum fecit_status file_map(const char *path, struct disk_map *map)
{
    const enum fecit_status st = disk_map(path, FECIT_E_DEVICE, map);

    return st == FECIT_OK ? st : status_prefix(st, "tune.conf ($FECIT_TUNE)");
}

enum fecit_status tune_find(const struct device_info *d, struct tune *out, bool *found)
{
    enum fecit_status st = FECIT_OK;
    const char *path = tune_path(), *line;
    struct disk_map map = {0};
    char head[300];
    size_t size, place = 0;

    *out = tune_default(d);
    *found = false;
    line_head(d, head);
    if (!path || (access(path, F_OK) != 0 && errno == ENOENT)) return FECIT_OK;
    TRY(file_map(path, &map));
    for (unsigned n = 1; disk_line(&map, &place, &line, &size); n++) {
        if (!is_of(line, size, head)) continue;
        *found = true;
        if (!values_read(line + strlen(head), size - strlen(head), out))
            FAIL(FECIT_E_DEVICE,
                 "%s, line %u: expected values as host/tune.h names them "
                 "(panel_vector=8 ...), found \"%.*s\"; take the line out or run "
                 "fecit bench --tune again",
                 path, n, (int)(size < 120 ? size : 120), line);
    }
done:
    disk_unmap(&map);
    return st;
}

enum fecit_status tune_check(void)
{
    enum fecit_status st = FECIT_OK;
    const char *path = tune_path(), *slash;
    struct disk_map map = {0};
    char folder[600];

    if (!path)
        FAIL(FECIT_E_OUTPUT,
             "there is no folder for tune.conf: set $HOME, or name a file in "
             "$FECIT_TUNE");
    program_cache_make();
    slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    if (access(folder, W_OK) != 0)
        FAIL(FECIT_E_OUTPUT,
             "%s: cannot write into its folder: %s; name another file "
             "in $FECIT_TUNE",
             path, strerror(errno));
    if (access(path, F_OK) == 0) TRY(file_map(path, &map));
done:
    disk_unmap(&map);
    return st;
}

/* A line of another device, whatever is in it. */
static enum fecit_status line_keep(struct bytes *text, const char *line, size_t size)
{
    enum fecit_status st;

    TRY(bytes_push(text, line, size));
    TRY(bytes_push(text, "\n", 1));
done:
    return st;
}

enum fecit_status tune_keep(const struct device_info *d, const struct tune *t)
{
    enum fecit_status st = FECIT_OK;
    const char *path, *line;
    struct tune copy = *t;
    struct disk_map map = {0};
    struct bytes text = {0};
    char head[300];
    size_t size, place = 0;

    line_head(d, head);
    TRY(tune_check());
    path = tune_path();
    if (access(path, F_OK) == 0)
        TRY(file_map(path, &map));
    else
        TRY(bytes_print(&text, "%s", HEAD));
    while (disk_line(&map, &place, &line, &size))
        if (!is_of(line, size, head)) TRY(line_keep(&text, line, size));
    TRY(bytes_print(&text, "%s", head));
    for (size_t i = 0; i < N_TUNABLES; i++)
        TRY(bytes_print(&text, " %s=%u", tunables[i].name, *at(&copy, i)));
    TRY(bytes_print(&text, "\n"));
    TRY(disk_save(path, &(struct disk_piece){text.data, text.size}, 1));
done:
    disk_unmap(&map);
    bytes_clear(&text);
    return st;
}

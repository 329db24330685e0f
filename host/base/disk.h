/* disk.h -- whole files: mapped to read, written beside their name until they are
 * whole. A file that another program cuts while it is mapped ends this program
 * (SIGBUS). */
#ifndef BASE_DISK_H
#define BASE_DISK_H

#include "mem.h"
#include <stdbool.h>

/* A file's bytes. {0} is empty and valid. */
struct disk_map {
    const uint8_t *data; /* [size] */
    size_t size;
};

/* Map `path`, a plain file. A failure has the status `code` (FECIT_E_MODEL,
 * FECIT_E_INPUT) and a text with the path. Caller owns *out; gives it back with
 * disk_unmap(). */
enum fecit_status disk_map(const char *path, enum fecit_status code,
                           struct disk_map *out);
void disk_unmap(struct disk_map *m); /* empty again */

/* The line of the file at *at, without its end, and *at moved behind it; false after the last.
 * Start with *at = 0. Borrows until disk_unmap(). */
bool disk_line(const struct disk_map *m, size_t *at, const char **line, size_t *size);

/* All of `data` onto the descriptor `fd`, which stands at byte `at` of `path` (both for
 * the error text). Goes on after signals and short writes. FECIT_E_OUTPUT with the next
 * step. */
enum fecit_status disk_write(int fd, const char *path, uint64_t at, const void *data,
                             size_t size);

/* fsync(2); file systems that have none are taken at their word. */
enum fecit_status disk_sync(int fd, const char *path);

/* fsync of the folder that holds `path`, so that names in it last. */
enum fecit_status disk_sync_folder(const char *path);

/* FECIT_E_OUTPUT for `path`: what failed, why (the errno `error`) and what to do. */
enum fecit_status disk_failed(const char *path, const char *what, int error);

/* Write the pieces [n] to `path`.part, fsync, rename to `path`, fsync of the folder. On
 * failure the .part is removed and what stood at `path` is untouched. */
struct disk_piece {
    const void *data;
    size_t size;
};
enum fecit_status disk_save(const char *path, const struct disk_piece *pieces,
                            size_t n);

#endif

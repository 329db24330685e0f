#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Linux moves at most 0x7ffff000 bytes at once, and some file systems less. */
#define WRITE_MAX ((size_t)1 << 30)

enum fecit_status disk_map(const char *path, enum fecit_status code,
                           struct disk_map *out)
{
    enum fecit_status st = FECIT_OK;
    struct stat info;
    void *data = MAP_FAILED;
    int fd = -1;

    *out = (struct disk_map){(const uint8_t *)"", 0};
    do
        fd =
            open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hang us */
    while (fd < 0 && errno == EINTR);
    if (fd < 0) FAIL(code, "%s: cannot open: %s", path, strerror(errno));
    if (fstat(fd, &info) != 0)
        FAIL(code, "%s: cannot look at: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode)) FAIL(code, "%s: is not a plain file", path);
    if (info.st_size == 0) goto done;
    if ((uint64_t)info.st_size > SIZE_MAX) FAIL(code, "%s: too large to map", path);
    data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) FAIL(code, "%s: cannot map: %s", path, strerror(errno));
    out->data = data;
    out->size = (size_t)info.st_size;
done:
    if (fd >= 0) close(fd);
    return st;
}

void disk_unmap(struct disk_map *m)
{
    if (m->size > 0) munmap((void *)(uintptr_t)m->data, m->size);
    *m = (struct disk_map){0};
}

bool disk_line(const struct disk_map *m, size_t *at, const char **line, size_t *size)
{
    const char *end;

    if (*at >= m->size) return false;
    *line = (const char *)m->data + *at;
    end = memchr(*line, '\n', m->size - *at);
    *size = end ? (size_t)(end - *line) : m->size - *at;
    *at += *size + 1;
    return true;
}

enum fecit_status disk_failed(const char *path, const char *what, int error)
{
    const char *step = "check that the place exists and that you may write there";

    if (error == ENOSPC || error == EDQUOT)
        step =
            "the disk or your quota is full: make room and run the same command again";
    if (error == EFBIG)
        step =
            "the limit on file sizes is reached (ulimit -f): lift it and run the same "
            "command again";
    if (error == EIO)
        step = "the disk fails: check it, then run the same command again";
    if (error == ENAMETOOLONG) step = "choose a shorter name";
    if (error == EROFS) step = "the file system is read-only: choose another place";
    return status_set(FECIT_E_OUTPUT, "%s: %s: %s; %s", path, what, strerror(error),
                      step);
}

enum fecit_status disk_write(int fd, const char *path, uint64_t at, const void *data,
                             size_t size)
{
    enum fecit_status st = FECIT_OK;
    const char *left = data;
    char what[64];

    while (size > 0) {
        const ssize_t n = write(fd, left, size < WRITE_MAX ? size : WRITE_MAX);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            const int error = n < 0 ? errno : EIO;
            snprintf(what, sizeof what, "cannot write at byte %llu",
                     (unsigned long long)at);
            TRY(disk_failed(path, what, error));
        }
        left += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
done:
    return st;
}

enum fecit_status disk_sync(int fd, const char *path)
{
    int code;

    do
        code = fsync(fd);
    while (code != 0 && errno == EINTR);
    if (code == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS)
        return FECIT_OK; /* /dev, some network and overlay file systems */
    return disk_failed(path, "cannot bring it to the disk (fsync)", errno);
}

enum fecit_status disk_sync_folder(const char *path)
{
    enum fecit_status st = FECIT_OK;
    const char *slash = strrchr(path, '/');
    char *folder = NULL;
    int fd = -1;

    if (!slash)
        TRY_MEM(folder = mem_text(".", 1));
    else
        TRY_MEM(folder = mem_text(path, slash == path ? 1 : (size_t)(slash - path)));
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES) goto done; /* a drop box: writable, not readable */
    if (fd < 0) TRY(disk_failed(folder, "cannot open the folder", errno));
    TRY(disk_sync(fd, folder));
done:
    if (fd >= 0) close(fd);
    mem_free(folder);
    return st;
}

enum fecit_status disk_save(const char *path, const struct disk_piece *pieces, size_t n)
{
    enum fecit_status st = FECIT_OK;
    struct bytes part = {0};
    const char *name = NULL;
    uint64_t at = 0;
    int fd = -1;

    TRY(bytes_print(&part, "%s.part", path));
    TRY(bytes_push(&part, "", 1));
    name = (const char *)part.data;
    fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) TRY(disk_failed(name, "cannot make the file", errno));
    for (size_t i = 0; i < n; at += pieces[i].size, i++)
        TRY(disk_write(fd, name, at, pieces[i].data, pieces[i].size));
    TRY(disk_sync(fd, name));
    if (rename(name, path) != 0) TRY(disk_failed(path, "cannot rename to it", errno));
    TRY(disk_sync_folder(path));
done:
    if (fd >= 0) {
        close(fd);
        if (st != FECIT_OK) unlink(name);
    }
    bytes_clear(&part);
    return st;
}

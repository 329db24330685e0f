#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (256u << 10) /* bytes asked for in one read */
#define KEEP  (4u << 20)   /* a buffer that grew beyond this is given back */

enum fecit_status stream_open(struct stream *s, const char *path)
{
    enum fecit_status st = FECIT_OK;

    s->at = s->offset = 0;
    s->line = 1;
    s->end = false;
    s->error = 0;
    s->buffer.size = 0;
    s->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
    if (s->fd < 0)
        FAIL(FECIT_E_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
    posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* advice; a pipe ignores it */
done:
    return st;
}

void stream_close(struct stream *s)
{
    if (s->fd >= 0) close(s->fd);
    s->fd = -1;
    if (s->buffer.capacity > KEEP) bytes_clear(&s->buffer);
}

enum fecit_status stream_fill(struct stream *s, size_t want)
{
    enum fecit_status st = FECIT_OK;

    while (stream_size(s) < want && !s->end) {
        ssize_t got;
        if (s->at > 0 && (s->at >= CHUNK || s->at == s->buffer.size)) {
            memmove(s->buffer.data, s->buffer.data + s->at, stream_size(s));
            s->buffer.size -= s->at;
            s->at = 0;
        }
        TRY(bytes_reserve(&s->buffer, s->buffer.size + CHUNK));
        got = read(s->fd, s->buffer.data + s->buffer.size, CHUNK);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) s->error = errno;
        if (got <= 0) {
            s->end = true;
            break;
        }
        s->buffer.size += (size_t)got;
        atomic_fetch_add_explicit(s->read, (uint_fast64_t)got, memory_order_relaxed);
    }
done:
    return st;
}

void stream_skip(struct stream *s, size_t size)
{
    s->at += size;
    s->offset += size;
}

#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (256u << 10) /* bytes asked for in one read */
#define KEEP  (4u << 20)   /* a buffer that grew beyond this is given back */
#define LOOK  (64u << 10)  /* bytes wanted at once while looking for a line's end */

enum fecit_status stream_open(struct stream *s, const char *path)
{
    enum fecit_status st = FECIT_OK;

    s->at = s->offset = 0;
    s->line = 1;
    s->end = false;
    s->error = 0;
    s->buffer.size = 0;
    s->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
    if (s->fd < 0) {
        s->error = errno;
        FAIL(FECIT_E_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
    }
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

/* The first newline unit of data [size] from byte `from` on, both on unit borders; the last
 * unit border when there is none. */
static size_t find_newline(const uint8_t *data, size_t from, size_t size,
                           enum text_encoding e)
{
    const size_t u = stream_unit(e);
    const uint8_t *end = NULL;

    if (u == 1) {
        end = size > from ? memchr(data + from, '\n', size - from) : NULL;
        return end ? (size_t)(end - data) : size;
    }
    for (size -= size % u; from < size; from += u)
        if (stream_unit_at(data + from, e) == '\n') break;
    return from;
}

enum fecit_status stream_line(struct stream *s, enum text_encoding encoding,
                              size_t most, size_t *size, size_t *with_end,
                              bool *too_long)
{
    enum fecit_status st = FECIT_OK;
    const size_t u = stream_unit(encoding);
    size_t seen = 0;
    bool found = false;

    *too_long = false;
    for (;;) {
        TRY(stream_fill(s, seen + LOOK));
        seen = find_newline(stream_data(s), seen, stream_size(s), encoding);
        found = seen + u <= stream_size(s);
        if (!found && s->end) seen = stream_size(s); /* half a unit may be left */
        if (seen > most || *too_long) {
            *too_long = true;
            stream_skip(s, seen);
            seen = 0;
        }
        if (found || s->end) break;
    }
    *size = seen;
    *with_end = seen + (found ? u : 0);
    if (*too_long) stream_skip(s, *with_end);
done:
    return st;
}

/* stream.h -- bytes of one file through a buffer that holds at least the record being
 * looked at. Used by the formats of source/ only. */
#ifndef SOURCE_STREAM_H
#define SOURCE_STREAM_H

#include "../text.h"
#include <stdatomic.h>
#include <stdbool.h>

struct stream {
    int fd; /* -1 = closed */
    struct bytes buffer;
    size_t at;                  /* first byte not yet taken */
    uint64_t offset;            /* of that byte in the file */
    uint64_t line;              /* 1-based number of the line that begins there */
    bool end;                   /* the file has no more than what is buffered */
    int error;                  /* errno of a failed read; the stream then ends */
    atomic_uint_fast64_t *read; /* counts bytes read, for the progress line */
};

/* "-" is standard input. FECIT_E_INPUT with errno's reason. */
enum fecit_status stream_open(struct stream *s, const char *path);
void stream_close(struct stream *s); /* keeps the buffer for the next file */

static inline const uint8_t *stream_data(const struct stream *s)
{
    return s->buffer.data + s->at;
}
static inline size_t stream_size(const struct stream *s)
{
    return s->buffer.size - s->at;
}

/* Make at least `want` bytes available, fewer only at the file's end. */
enum fecit_status stream_fill(struct stream *s, size_t want);
void stream_skip(struct stream *s, size_t size); /* take `size` available bytes */

/* Make the line at the stream's place available: *size bytes without its newline,
 * *with_end with it; both 0 at the file's end. A line longer than `most` is passed over
 * without being held: *too_long, and the stream stands behind it. */
enum fecit_status stream_line(struct stream *s, enum text_encoding encoding,
                              size_t most, size_t *size, size_t *with_end,
                              bool *too_long);

/* Bytes of one code unit, and the unit at p. */
static inline size_t stream_unit(enum text_encoding e)
{
    return e == TEXT_UTF16LE || e == TEXT_UTF16BE ? 2 : 1;
}
static inline uint32_t stream_unit_at(const uint8_t *p, enum text_encoding e)
{
    if (e == TEXT_UTF16LE) return p[0] | (uint32_t)p[1] << 8;
    if (e == TEXT_UTF16BE) return p[1] | (uint32_t)p[0] << 8;
    return p[0];
}

#endif

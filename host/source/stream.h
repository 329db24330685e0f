/* stream.h -- bytes of one file through a buffer that holds at least the record being
 * looked at. Used by the formats of source/ only. */
#ifndef SOURCE_STREAM_H
#define SOURCE_STREAM_H

#include "../base/mem.h"
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

#endif

#include "source.h"
#include "source/format.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct input_file {
    char *path;
    uint32_t name; /* where in path the name below the input folder begins */
    int error;     /* errno of the walk: it cannot be read */
};

struct source {
    struct source_options options;
    struct input_file *files; /* [capacity], n_files in use */
    size_t n_files, capacity;
    size_t next; /* the file to open next */
    struct reading reading;
    bool open;
    bool jsonl;     /* of the open file */
    uint64_t given; /* documents so far */
    uint64_t total;
    bool unknown; /* an input's size is not known: stdin, a pipe */
    atomic_uint_fast64_t read, opened;
};

void document_clear(struct document *d)
{
    mem_free(d->id);
    mem_free(d->lang);
    mem_free(d->date);
    mem_free(d->url);
    mem_free(d->title);
    mem_free(d->source);
    mem_free(d->file);
    bytes_clear(&d->raw);
    *d = (struct document){0};
}

static enum fecit_status file_push(struct source *s, const char *path, size_t name,
                                   int error, uint64_t size)
{
    enum fecit_status st = FECIT_OK;
    void *grown = mem_grow(s->files, &s->capacity, s->n_files + 1, sizeof *s->files);
    struct input_file f = {.name = (uint32_t)name, .error = error};

    TRY_MEM(grown);
    s->files = grown;
    TRY_MEM(f.path = mem_text(path, strlen(path)));
    s->files[s->n_files++] = f;
    s->total += size;
done:
    return st;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Every file below the folder; what cannot be looked into is kept with its errno. */
static enum fecit_status folder_push(struct source *s, const char *folder)
{
    enum fecit_status st = FECIT_OK;
    char *const roots[] = {(char *)folder, NULL};
    const size_t before = s->n_files;
    FTS *walk = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    FTSENT *e;

    if (!walk) FAIL(FECIT_E_INPUT, "%s: cannot be read: %s", folder, strerror(errno));
    while ((e = fts_read(walk))) {
        const size_t root = strlen(folder);
        const size_t name = root + (folder[root - 1] == '/' ? 0 : 1);
        if (e->fts_level > 0 && e->fts_name[0] == '.') {
            if (e->fts_info == FTS_D) fts_set(walk, e, FTS_SKIP);
            continue;
        }
        if (e->fts_info == FTS_F)
            TRY(file_push(s, e->fts_path, name, 0, (uint64_t)e->fts_statp->st_size));
        else if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR ||
                 e->fts_info == FTS_NS || e->fts_info == FTS_SLNONE)
            TRY(file_push(s, e->fts_path, e->fts_level > 0 ? name : 0,
                          e->fts_errno ? e->fts_errno : ENOENT, 0));
    }
    if (s->n_files == before)
        FAIL(FECIT_E_INPUT, "%s: expected a folder with text files, found none in it",
             folder);
done:
    if (walk) fts_close(walk);
    return st;
}

static enum fecit_status input_push(struct source *s, const char *input)
{
    enum fecit_status st = FECIT_OK;
    const char *slash = strrchr(input, '/');
    struct stat info;

    if (!strcmp(input, "-")) {
        s->unknown = true;
        return file_push(s, "-", 0, 0, 0);
    }
    if (stat(input, &info) != 0)
        FAIL(FECIT_E_INPUT, "%s: cannot be read: %s; check the name of the input",
             input, strerror(errno));
    if (faccessat(AT_FDCWD, input, R_OK | (S_ISDIR(info.st_mode) ? X_OK : 0),
                  AT_EACCESS) != 0)
        FAIL(FECIT_E_INPUT, "%s: cannot be read: %s; check its permissions", input,
             strerror(errno));
    if (S_ISDIR(info.st_mode)) return folder_push(s, input);
    if (!S_ISREG(info.st_mode)) s->unknown = true;
    TRY(file_push(s, input, slash ? (size_t)(slash - input) + 1 : 0, 0,
                  S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0));
done:
    return st;
}

enum fecit_status source_open(const char *const *inputs, uint32_t n_inputs,
                              const struct source_options *options,
                              source_reject on_reject, void *self, struct source **out)
{
    enum fecit_status st = FECIT_OK;
    struct source *s = mem_new(1, sizeof *s);

    TRY_MEM(s);
    s->options = *options;
    s->reading.options = &s->options;
    s->reading.on_reject = on_reject;
    s->reading.self = self;
    s->reading.stream.fd = -1;
    s->reading.stream.read = &s->read;
    for (uint32_t i = 0; i < n_inputs; i++)
        TRY(input_push(s, inputs[i]));
    TRY(json_reader_new(&s->reading.json));
    *out = s;
    s = NULL;
done:
    source_close(s);
    return st;
}

void source_close(struct source *s)
{
    if (!s) return;
    stream_close(&s->reading.stream);
    bytes_clear(&s->reading.stream.buffer);
    bytes_clear(&s->reading.scratch);
    json_reader_free(s->reading.json);
    for (size_t i = 0; i < s->n_files; i++)
        mem_free(s->files[i].path);
    mem_free(s->files);
    mem_free(s);
}

static bool ends_with(const char *path, const char *end)
{
    const size_t n = strlen(path), m = strlen(end);

    return n >= m && !strcmp(path + n - m, end);
}

/* Tell on_reject that the open file, or the one at r->path, cannot be read (further). */
static enum fecit_status unreadable(struct reading *r, uint64_t offset, int error)
{
    char why[160];

    snprintf(
        why, sizeof why,
        "cannot be read%s: %s; see whether it is still there and may be read, then "
        "run again",
        offset > 0 ? " further" : "", strerror(error));
    return format_reject(r, offset, 0, NULL, 0, why);
}

/* Look at the beginning of the open file: its encoding and format. *why is set when it is
 * not to be read. */
static enum fecit_status file_begin(struct source *s, const char **why)
{
    enum fecit_status st = FECIT_OK;
    const struct source_options *o = &s->options;
    struct reading *r = &s->reading;
    const uint8_t *p;
    size_t size, bom = 0;
    enum text_encoding found;

    *why = NULL;
    TRY(stream_fill(&r->stream, 4096));
    p = stream_data(&r->stream);
    size = stream_size(&r->stream);
    if (size == 0) {
        *why = "empty file";
        goto done;
    }
    found = text_encoding_of(p, size, &bom);
    r->encoding = o->encoding == TEXT_AUTO ? found : o->encoding;
    *why = format_binary(p, size, r->encoding);
    s->jsonl = o->format == SOURCE_JSONL;
    if (!*why && o->format == SOURCE_AUTO)
        *why = format_guess(
            p + bom, size - bom,
            ends_with(r->path, ".jsonl") || ends_with(r->path, ".ndjson"), &s->jsonl);
    if (!*why && s->jsonl && r->encoding != TEXT_UTF8)
        *why =
            "JSON lines in UTF-16; convert them first: "
            "iconv -f utf-16 -t utf-8 FILE | fecit score - ...";
    if (!*why && s->jsonl) stream_skip(&r->stream, bom);
    r->part = 0;
    r->done = false;
done:
    return st;
}

/* Open the next file that can be read; FECIT_END after the last. */
static enum fecit_status file_next(struct source *s)
{
    enum fecit_status st = FECIT_OK;
    struct reading *r = &s->reading;
    const char *why = NULL;

    do {
        const struct input_file *f = &s->files[s->next];
        if (s->next == s->n_files) {
            st = FECIT_END;
            goto done;
        }
        s->next++;
        r->path = f->path;
        r->name = strcmp(f->path, "-") ? f->path + f->name : "stdin";
        if (f->error) {
            TRY(unreadable(r, 0, f->error));
            continue;
        }
        st = stream_open(&r->stream, f->path);
        if (st == FECIT_E_INPUT) {
            TRY(unreadable(r, 0, r->stream.error));
            continue;
        }
        TRY(st);
        atomic_fetch_add(&s->opened, 1);
        TRY(file_begin(s, &why));
        if (!why) {
            s->open = true;
            break;
        }
        if (r->stream.error)
            TRY(unreadable(r, 0, r->stream.error));
        else
            TRY(format_reject(r, 0, 0, stream_data(&r->stream), stream_size(&r->stream),
                              why));
        stream_close(&r->stream);
    } while (true);
done:
    return st;
}

/* The open file is over: was it read to its end? */
static enum fecit_status file_end(struct source *s)
{
    enum fecit_status st = FECIT_OK;
    struct reading *r = &s->reading;

    if (r->stream.error) TRY(unreadable(r, r->stream.offset, r->stream.error));
    stream_close(&r->stream);
    s->open = false;
done:
    return st;
}

enum fecit_status source_next(struct source *s, struct document *d)
{
    enum fecit_status st;

    document_clear(d);
    for (;;) {
        if (!s->open) TRY(file_next(s));
        st = s->jsonl ? jsonl_next(&s->reading, d) : plain_next(&s->reading, d);
        if (st != FECIT_END) break;
        document_clear(d);
        TRY(file_end(s));
    }
    TRY(st);
    TRY_MEM(d->file = mem_text(s->reading.path, strlen(s->reading.path)));
    d->number = s->given;
    if (d->last) s->given++;
done:
    if (st != FECIT_OK) document_clear(d);
    return st;
}

uint64_t source_total(const struct source *s)
{
    return s->unknown ? 0 : s->total;
}

uint64_t source_read(const struct source *s)
{
    return atomic_load_explicit(&s->read, memory_order_relaxed);
}

uint64_t source_files(const struct source *s)
{
    return atomic_load_explicit(&s->opened, memory_order_relaxed);
}

#include "results.h"
#include "base/disk.h"
#include "base/json.h"
#include "base/utf8.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define FLUSH     ((size_t)1 << 20) /* bytes held before they are written */
#define LOCK_NAME ".fecit.lock"
#define PART      ".part"

enum { REJECTS = RESULTS_KINDS, N_STREAMS };

static const char *const stream_names[N_STREAMS] = {
    [RESULTS_DOCUMENTS] = "documents-00000.msgpack",
    [RESULTS_STATEMENTS] = "statements-00000.msgpack",
    [RESULTS_SENTENCES] = "sentences-00000.msgpack",
    [REJECTS] = "rejects.jsonl",
};

/* One file under way. */
struct stream {
    char *path, *part; /* the name when whole, the name until then */
    int fd;            /* of `part`; -1 when not open */
    struct bytes held; /* rows not yet written */
    XXH3_state_t *sum; /* of all bytes written; NULL for rejects */
    uint64_t written, rows;
};

/* Invariants:
 * (1) until results_finish() nothing but .part files and, unless `replacing`, run.json
 * is written; (2) run.json says "complete": false while any of the final names may hold
 * a file of another run; (3) the first failure is kept in `st` and `why`, and no call
 * does anything after it. */
struct results {
    char *folder, *run_path, *lock_path;
    struct stream streams[N_STREAMS];
    int lock;       /* descriptor, -1 = none */
    bool all;       /* sentences are written */
    bool replacing; /* finished results stand here until ours are whole */
    bool finished;
    struct bytes run; /* run.json kept back while replacing */
    enum fecit_status st;
    char why[1024];
};

static enum fecit_status keep(struct results *r, enum fecit_status st)
{
    if (st != FECIT_OK && r->st == FECIT_OK) {
        r->st = st;
        snprintf(r->why, sizeof r->why, "%s", status_text());
    }
    return st;
}

static enum fecit_status kept(const struct results *r)
{
    return r->st == FECIT_OK ? FECIT_OK : status_set(r->st, "%s", r->why);
}

static enum fecit_status path_join(const char *folder, const char *name,
                                   const char *suffix, char **out)
{
    enum fecit_status st = FECIT_OK;
    struct bytes b = {0};

    TRY(bytes_print(&b, "%s/%s%s", folder, name, suffix));
    TRY_MEM(*out = mem_text((const char *)b.data, b.size));
done:
    bytes_clear(&b);
    return st;
}

/* ---- the folder ----------------------------------------------------------------- */

static enum fecit_status folder_make(const char *folder)
{
    enum fecit_status st = FECIT_OK;
    struct stat info;
    char *path = NULL;
    const size_t size = strlen(folder);
    bool made = false;

    TRY_MEM(path = mem_text(folder, size));
    for (size_t i = 1; i <= size; i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        path[i] = '\0';
        made = mkdir(path, 0777) == 0;
        if (!made && errno != EEXIST && stat(path, &info) != 0)
            TRY(disk_failed(path, "cannot make the folder", errno));
        path[i] = folder[i];
    }
    if (stat(folder, &info) != 0)
        TRY(disk_failed(folder, "cannot make the folder", errno));
    if (!S_ISDIR(info.st_mode))
        FAIL(FECIT_E_OUTPUT,
             "%s: is a file; the results need a folder: name another place", folder);
    if (made) TRY(disk_sync_folder(folder));
done:
    mem_free(path);
    return st;
}

/* The lock is the file's flock(2), not its presence: one left by a killed run is free.
 */
static enum fecit_status lock_take(struct results *r)
{
    enum fecit_status st = FECIT_OK;
    char who[128] = "", host[64] = "";
    struct stat info;

    TRY(path_join(r->folder, LOCK_NAME, "", &r->lock_path));
    do {
        if (r->lock >= 0) close(r->lock); /* its owner removed it in between */
        r->lock = open(r->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (r->lock < 0) TRY(disk_failed(r->lock_path, "cannot make the file", errno));
        if (flock(r->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            const ssize_t n = read(r->lock, who, sizeof who - 1);
            close(r->lock);
            r->lock = -1; /* not ours: results_close() must leave it */
            FAIL(
                FECIT_E_OUTPUT,
                "%s: another fecit (%s) writes into it; wait for it, or choose another "
                "folder",
                r->folder, n > 0 ? who : "process unknown");
        }
        /* A file system without locks: two runs at once are then the user's to avoid.
         */
    } while (fstat(r->lock, &info) == 0 && info.st_nlink == 0);
    gethostname(host, sizeof host - 1);
    snprintf(who, sizeof who, "process %ld on %s", (long)getpid(), host);
    if (ftruncate(r->lock, 0) == 0 && write(r->lock, who, strlen(who)) < 0)
        who[0] = '\0'; /* it only makes the other side's message better */
done:
    return st;
}

static void lock_leave(struct results *r)
{
    if (r->lock < 0) return;
    unlink(r->lock_path);
    close(r->lock);
    r->lock = -1;
}

enum name_kind { NAME_FOREIGN, NAME_RUN, NAME_PART, NAME_WHOLE, NAME_PASSING };

static enum name_kind name_kind(const char *name)
{
    size_t size = strlen(name);
    enum name_kind kind = NAME_WHOLE;

    if (!strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, LOCK_NAME) ||
        !strncmp(name, ".nfs", 4)) /* a removed file that is still open, on NFS */
        return NAME_PASSING;
    if (!strcmp(name, "run.json")) return NAME_RUN;
    if (!strcmp(name, "run.json" PART)) return NAME_PART;
    if (size > strlen(PART) && !strcmp(name + size - strlen(PART), PART)) {
        size -= strlen(PART);
        kind = NAME_PART;
    }
    for (int i = 0; i < N_STREAMS; i++)
        if (strlen(stream_names[i]) == size && !strncmp(name, stream_names[i], size))
            return kind;
    return NAME_FOREIGN;
}

/* *complete: whether the run.json that stands in the folder says so. */
static enum fecit_status run_read(const struct results *r, bool *complete)
{
    enum fecit_status st = FECIT_OK;
    struct json_reader *reader = NULL;
    struct disk_map file = {0};
    struct json root, item;
    const char *text = "";
    size_t size = 0;

    TRY(disk_map(r->run_path, FECIT_E_OUTPUT, &file));
    TRY(json_reader_new(&reader));
    st = json_parse(reader, (const char *)file.data, file.size, &root, NULL);
    if (st == FECIT_E_MEMORY) goto done;
    if (st != FECIT_OK || !json_get(root, "fecit", &item) ||
        !json_text(item, &text, &size) || size != 3 || memcmp(text, "run", 3) != 0 ||
        !json_get(root, "complete", &item) || !json_bool(item, complete))
        FAIL(FECIT_E_OUTPUT,
             "%s: was not written by fecit, or is damaged; move it away or choose "
             "another "
             "folder",
             r->run_path);
done:
    json_reader_free(reader);
    disk_unmap(&file);
    return st;
}

/* Refuse what is not ours or finished; sets `replacing`. */
static enum fecit_status folder_check(struct results *r, bool force, bool *unfinished)
{
    enum fecit_status st = FECIT_OK;
    DIR *folder = NULL;
    struct dirent *entry;
    bool run = false, complete = false;
    char whole[64] = "";

    folder = opendir(r->folder);
    if (!folder) TRY(disk_failed(r->folder, "cannot read the folder", errno));
    while ((entry = readdir(folder))) {
        const enum name_kind kind = name_kind(entry->d_name);
        if (kind == NAME_FOREIGN)
            FAIL(FECIT_E_OUTPUT,
                 "%s: holds \"%s\", which fecit did not write; choose another folder, "
                 "so "
                 "that nothing of yours is touched",
                 r->folder, entry->d_name);
        run = run || kind == NAME_RUN;
        if (kind == NAME_WHOLE) snprintf(whole, sizeof whole, "%.63s", entry->d_name);
    }
    if (!run && whole[0])
        FAIL(FECIT_E_OUTPUT,
             "%s: holds %s but no run.json that tells its origin; move it away or "
             "choose "
             "another folder",
             r->folder, whole);
    if (run) TRY(run_read(r, &complete));
    if (complete && !force)
        FAIL(FECIT_E_OUTPUT,
             "%s: holds finished results; choose another folder, or replace them with "
             "--force",
             r->folder);
    r->replacing = complete;
    *unfinished = run && !complete;
done:
    if (folder) closedir(folder);
    return st;
}

/* ---- streams -------------------------------------------------------------------- */

static enum fecit_status stream_flush(struct stream *s)
{
    enum fecit_status st = FECIT_OK;

    if (s->sum) XXH3_64bits_update(s->sum, s->held.data, s->held.size);
    TRY(disk_write(s->fd, s->part, s->written, s->held.data, s->held.size));
    s->written += s->held.size;
    s->held.size = 0;
done:
    return st;
}

static enum fecit_status stream_open(struct results *r, int i, const char *model)
{
    enum fecit_status st = FECIT_OK;
    struct stream *s = &r->streams[i];

    TRY(bytes_reserve(&s->held, FLUSH + FLUSH / 4));
    if (i != REJECTS) {
        s->sum = XXH3_createState();
        if (!s->sum) FAIL(FECIT_E_MEMORY, "out of memory for a checksum");
        XXH3_64bits_reset(s->sum);
        TRY(results_pack_header(&s->held, (enum results_kind)i, model));
    }
    s->fd = open(s->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (s->fd < 0) TRY(disk_failed(s->part, "cannot make the file", errno));
done:
    return st;
}

/* A row was packed with status `st`. */
static enum fecit_status stream_row(struct results *r, int i, enum fecit_status st)
{
    struct stream *s = &r->streams[i];

    if (st == FECIT_OK) {
        s->rows++;
        if (s->held.size >= FLUSH) st = stream_flush(s);
    }
    return keep(r, st);
}

/* The whole file is on the disk, still under its .part name. */
static enum fecit_status stream_finish(struct stream *s)
{
    enum fecit_status st = FECIT_OK;

    TRY(stream_flush(s));
    if (s->sum) {
        TRY(results_pack_footer(&s->held, s->rows, XXH3_64bits_digest(s->sum)));
        TRY(disk_write(s->fd, s->part, s->written, s->held.data, s->held.size));
        s->written += s->held.size;
        s->held.size = 0;
    }
    TRY(disk_sync(s->fd, s->part));
done:
    return st;
}

static void stream_close(struct stream *s)
{
    if (s->fd >= 0) close(s->fd);
    bytes_clear(&s->held);
    if (s->sum) XXH3_freeState(s->sum);
    mem_free(s->path);
    mem_free(s->part);
}

/* ---- the calls of results.h ----------------------------------------------------- */

enum fecit_status results_open(const struct results_options *options,
                               struct results **out)
{
    enum fecit_status st = FECIT_OK;
    struct results *r = NULL;
    bool unfinished = false;

    *out = NULL;
    TRY_MEM(r = mem_new(1, sizeof *r));
    r->lock = -1;
    for (int i = 0; i < N_STREAMS; i++)
        r->streams[i].fd = -1;
    r->all = options->all;
    TRY_MEM(r->folder = mem_text(options->folder, strlen(options->folder)));
    TRY(path_join(r->folder, "run.json", "", &r->run_path));
    TRY(folder_make(r->folder));
    TRY(lock_take(r));
    TRY(folder_check(r, options->force, &unfinished));
    for (int i = 0; i < N_STREAMS; i++) {
        struct stream *s = &r->streams[i];
        TRY(path_join(r->folder, stream_names[i], "", &s->path));
        TRY(path_join(r->folder, stream_names[i], PART, &s->part));
        if (unfinished) unlink(s->path); /* stopped between rename and run.json */
        if (i != RESULTS_SENTENCES || r->all)
            TRY(stream_open(r, i, options->model_digest));
        else
            unlink(s->part);
    }
    *out = r;
    r = NULL;
done:
    if (r) keep(r, st); /* close must not write */
    results_close(r);
    return st;
}

enum fecit_status results_push_statement(struct results *r, const struct row *row)
{
    struct stream *s = &r->streams[RESULTS_STATEMENTS];

    if (r->st != FECIT_OK) return kept(r);
    return stream_row(r, RESULTS_STATEMENTS, results_pack_statement(&s->held, row));
}

enum fecit_status results_push_sentence(struct results *r, const struct row *row)
{
    struct stream *s = &r->streams[RESULTS_SENTENCES];

    if (r->st != FECIT_OK) return kept(r);
    if (!r->all)
        return keep(r, status_set(FECIT_E_USAGE,
                                  "%s: opened without `all`: sentences "
                                  "have no file",
                                  r->folder));
    return stream_row(r, RESULTS_SENTENCES, results_pack_sentence(&s->held, row));
}

enum fecit_status results_push_document(struct results *r, const struct document_row *d)
{
    struct stream *s = &r->streams[RESULTS_DOCUMENTS];

    if (r->st != FECIT_OK) return kept(r);
    return stream_row(r, RESULTS_DOCUMENTS, results_pack_document(&s->held, d));
}

/* "key": text as JSON, repaired where it is no UTF-8. */
static enum fecit_status push_text(struct bytes *b, const char *key, const char *text)
{
    enum fecit_status st = FECIT_OK;
    struct bytes valid = {0};

    TRY(utf8_push(&valid, text, strlen(text)));
    TRY(bytes_print(b, "\"%s\": ", key));
    TRY(bytes_push_json(b, (const char *)valid.data, valid.size));
done:
    bytes_clear(&valid);
    return st;
}

enum fecit_status results_push_reject(struct results *r, const struct reject *reject)
{
    enum fecit_status st = FECIT_OK;
    struct bytes *b = &r->streams[REJECTS].held;
    const size_t before = b->size;

    if (r->st != FECIT_OK) return kept(r);
    TRY(bytes_print(b, "{"));
    TRY(push_text(b, "file", reject->file));
    TRY(bytes_print(b, ", \"offset\": %llu, ", (unsigned long long)reject->offset));
    if (reject->line > 0)
        TRY(bytes_print(b, "\"line\": %llu, ", (unsigned long long)reject->line));
    else
        TRY(bytes_print(b, "\"line\": null, "));
    TRY(push_text(b, "why", reject->why));
    TRY(bytes_print(b, ", \"head\": \""));
    for (size_t i = 0; i < reject->head_size; i++)
        TRY(bytes_print(b, "%02x", reject->head[i]));
    TRY(bytes_print(b, "\"}\n"));
done:
    if (st != FECIT_OK) b->size = before;
    return stream_row(r, REJECTS, st);
}

enum fecit_status results_save_run(struct results *r, const char *json, size_t size)
{
    enum fecit_status st = FECIT_OK;
    struct disk_piece piece;

    if (r->st != FECIT_OK) return kept(r);
    r->run.size = 0;
    TRY(utf8_push(&r->run, json, size));
    piece = (struct disk_piece){r->run.data, r->run.size};
    if (!r->replacing) TRY(disk_save(r->run_path, &piece, 1));
done:
    return keep(r, st);
}

/* The finished results that stand here stop being finished. */
static enum fecit_status replace_begin(struct results *r)
{
    static const char plain[] = "{\"fecit\": \"run\", \"complete\": false}\n";
    struct disk_piece piece = {r->run.data, r->run.size};

    if (piece.size == 0) piece = (struct disk_piece){plain, sizeof plain - 1};
    r->replacing = false;
    return disk_save(r->run_path, &piece, 1);
}

enum fecit_status results_finish(struct results *r)
{
    enum fecit_status st = FECIT_OK;

    if (r->st != FECIT_OK) return kept(r);
    for (int i = 0; i < N_STREAMS; i++)
        if (r->streams[i].fd >= 0) TRY(stream_finish(&r->streams[i]));
    if (r->replacing) TRY(replace_begin(r));
    for (int i = 0; i < N_STREAMS; i++) {
        struct stream *s = &r->streams[i];
        if (s->fd < 0)
            unlink(s->path); /* sentences of the results that are replaced */
        else if (rename(s->part, s->path) != 0)
            TRY(disk_failed(s->path, "cannot rename to it", errno));
    }
    TRY(disk_sync_folder(r->streams[0].path));
    r->finished = true;
done:
    return keep(r, st);
}

uint64_t results_statements(const struct results *r)
{
    return r->streams[RESULTS_STATEMENTS].rows;
}

uint64_t results_rejects(const struct results *r)
{
    return r->streams[REJECTS].rows;
}

void results_close(struct results *r)
{
    if (!r) return;
    /* The caller is about to report why it stops: that text must outlive ours. */
    if (r->st == FECIT_OK) snprintf(r->why, sizeof r->why, "%s", status_text());
    for (int i = 0; i < N_STREAMS; i++) {
        struct stream *s = &r->streams[i];
        if (s->fd >= 0 && !r->finished && r->st == FECIT_OK) (void)stream_flush(s);
        stream_close(s);
    }
    lock_leave(r);
    status_set(r->st, "%s", r->why);
    bytes_clear(&r->run);
    mem_free(r->lock_path);
    mem_free(r->run_path);
    mem_free(r->folder);
    mem_free(r);
}

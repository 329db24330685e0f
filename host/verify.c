#include "verify.h"
#include "base/disk.h"
#include "base/json.h"
#include "records.h"
#include "results.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct verify {
    const char *folder;
    verify_report report;
    void *self;
    struct verify_counts *counts;
    struct json_reader *json; /* run.json is parsed in it first, then each reject */
    char *model;              /* of run.json; NULL = it names none */
    uint64_t documents, sentences, statements, rejects, repaired; /* of run.json */
    bool counted; /* run.json has counts */
    uint64_t problems;
    char first[1024]; /* the first problem */
};

/* A failed check of one file: report it and go on with the next file. */
static enum fecit_status problem(struct verify *v, enum fecit_status st)
{
    if (st == FECIT_OK || st == FECIT_E_MEMORY) return st;
    if (v->problems++ == 0) snprintf(v->first, sizeof v->first, "%s", status_text());
    if (v->report) v->report(v->self, status_text());
    return FECIT_OK;
}

static enum fecit_status path_join(const struct verify *v, const char *name,
                                   struct bytes *out)
{
    enum fecit_status st = FECIT_OK;

    out->size = 0;
    TRY(bytes_print(out, "%s/%s", v->folder, name));
    TRY(bytes_push(out, "", 1));
done:
    return st;
}

/* ---- run.json ------------------------------------------------------------------- */

static uint64_t json_count_of(struct json counts, const char *key)
{
    struct json item;
    double value;

    return json_get(counts, key, &item) && json_number(item, &value) && value >= 0
               ? (uint64_t)value
               : UINT64_MAX;
}

static enum fecit_status run_check(struct verify *v)
{
    enum fecit_status st = FECIT_OK;
    struct bytes path = {0};
    struct disk_map file = {0};
    struct json root, item;
    const char *name, *text;
    size_t size;
    bool complete;

    TRY(path_join(v, "run.json", &path));
    name = (const char *)path.data;
    TRY(disk_map(name, FECIT_E_INPUT, &file));
    v->counts->files++;
    v->counts->bytes += file.size;
    st = json_parse(v->json, (const char *)file.data, file.size, &root, NULL);
    if (st != FECIT_OK) st = status_prefix(st, "%s: not JSON", name);
    TRY(st);
    if (!json_get(root, "fecit", &item) || !json_text(item, &text, &size) ||
        size != 3 || memcmp(text, "run", 3) != 0 ||
        !json_get(root, "complete", &item) || !json_bool(item, &complete))
        FAIL(FECIT_E_INPUT, "%s: was not written by fecit, or is damaged", name);
    if (!json_get(root, "format", &item) ||
        json_count_of(root, "format") != RESULTS_FORMAT)
        FAIL(FECIT_E_INPUT,
             "%s: is of another result format than %d; use the fecit that "
             "wrote it",
             name, RESULTS_FORMAT);
    if (!complete)
        FAIL(FECIT_E_INPUT,
             "%s: the run is not finished; the same fecit score command "
             "starts it again",
             name);
    if (json_get(root, "options.all", &item)) json_bool(item, &v->counts->all);
    if (json_get(root, "model", &item)) TRY(json_copy(item, &v->model));
    v->counted = json_get(root, "counts", &item);
    v->documents = v->counted ? json_count_of(item, "documents") : 0;
    v->sentences = v->counted ? json_count_of(item, "sentences") : 0;
    v->statements = v->counted ? json_count_of(item, "statements") : 0;
    v->rejects = v->counted ? json_count_of(item, "rejects") : 0;
    v->repaired = v->counted ? json_count_of(item, "repaired") : 0;
done:
    disk_unmap(&file);
    bytes_clear(&path);
    return st;
}

/* `have` must be what run.json counts, when it counts at all. */
static enum fecit_status count_check(const struct verify *v, const char *path,
                                     const char *what, uint64_t have, uint64_t want)
{
    if (!v->counted || have == want) return FECIT_OK;
    if (want == UINT64_MAX)
        return status_set(FECIT_E_INPUT, "%s/run.json: its counts lack %s", v->folder,
                          what);
    return status_set(FECIT_E_INPUT, "%s: holds %llu %s, run.json counts %llu", path,
                      (unsigned long long)have, what, (unsigned long long)want);
}

/* ---- the msgpack files ---------------------------------------------------------- */

static enum fecit_status file_open(struct verify *v, const char *path, const char *kind,
                                   struct records **out)
{
    enum fecit_status st;
    struct record header, model;
    const char *text = "";
    size_t size = 0;

    TRY(records_open(path, out));
    header = records_header(*out);
    if (!record_text(header, "fecit", &text, &size) || size != strlen(kind) ||
        memcmp(text, kind, size) != 0)
        FAIL(FECIT_E_INPUT, "%s: holds %.*s, not %s; it has another file's name", path,
             (int)(size < 99 ? size : 99), text, kind);
    if (!record_get(header, "model", &model) ||
        (model.kind == RECORD_TEXT) != !!v->model ||
        (v->model && (model.size != strlen(v->model) ||
                      memcmp(model.text, v->model, model.size) != 0)))
        FAIL(FECIT_E_INPUT,
             "%s: is of another model than run.json; files of two runs are "
             "mixed",
             path);
done:
    return st;
}

static enum fecit_status documents_check(struct verify *v, const char *path)
{
    enum fecit_status st = FECIT_OK;
    struct records *file = NULL;
    struct record row;
    uint64_t next = 0, sentences = 0, statements = 0, repaired = 0;

    TRY(file_open(v, path, "documents", &file));
    v->counts->files++;
    v->counts->bytes += records_size(file);
    while ((st = records_next(file, &row)) == FECIT_OK) {
        const uint64_t doc = record_uint(row, "doc");
        if (doc < next)
            FAIL(FECIT_E_INPUT,
                 "%s: row %llu: document %llu comes after %llu; rows were "
                 "lost or mixed",
                 path, (unsigned long long)v->counts->documents,
                 (unsigned long long)doc, (unsigned long long)next - 1);
        next = doc + 1;
        v->counts->documents++;
        sentences += record_uint(row, "sentences");
        statements += record_uint(row, "statements");
        repaired += record_uint(row, "repaired");
    }
    if (st != FECIT_END) goto done;
    TRY(count_check(v, path, "documents", v->counts->documents, v->documents));
    TRY(count_check(v, path, "sentences (in sum)", sentences, v->sentences));
    TRY(count_check(v, path, "statements (in sum)", statements, v->statements));
    TRY(count_check(v, path, "repaired characters", repaired, v->repaired));
    v->counts->sentences = sentences;
done:
    records_close(file);
    return st;
}

/* A file of statements or sentences, read beside the documents they belong to. */
struct walk {
    const char *path, *kind;
    struct records *rows, *documents; /* documents NULL: damaged, no comparison */
    struct record document;           /* the one at hand, when `open` */
    bool open;
    uint64_t count;     /* rows of it so far */
    uint64_t sent, end; /* of its last row */
    uint64_t total;
};

/* Go on to the document `doc` (UINT64_MAX: to the end), checking those that are left.
 */
static enum fecit_status document_seek(struct walk *w, uint64_t doc)
{
    enum fecit_status st = FECIT_OK;

    if (!w->documents) return FECIT_OK;
    while (!w->open || record_uint(w->document, "doc") < doc) {
        const uint64_t have = w->count, want = record_uint(w->document, w->kind);
        if (w->open && have != want)
            FAIL(FECIT_E_INPUT,
                 "%s: document %llu has %llu rows here and %llu in its own "
                 "row",
                 w->path, (unsigned long long)record_uint(w->document, "doc"),
                 (unsigned long long)have, (unsigned long long)want);
        st = records_next(w->documents, &w->document);
        w->open = st == FECIT_OK;
        w->count = w->sent = w->end = 0;
        if (st == FECIT_END && doc == UINT64_MAX) return FECIT_OK;
        if (st == FECIT_END) break;
        TRY(st);
    }
    if (!w->open || record_uint(w->document, "doc") != doc)
        FAIL(FECIT_E_INPUT,
             "%s: row %llu: document %llu has no row among the documents, "
             "or comes out of order",
             w->path, (unsigned long long)w->total, (unsigned long long)doc);
done:
    return st;
}

/* Why the scores of a row cannot be, or NULL. */
static const char *scores_fault(struct record row, bool statement)
{
    struct record list, value;
    const char *text;
    size_t size;
    double sum = 0, p_none = 0;
    const double p = record_number(row, "p");
    int label = -1;

    if (!record_text(row, "class", &text, &size)) return "no class";
    for (int i = 0; i < FECIT_LABELS; i++) {
        const char *name = fecit_label_name((enum fecit_label)i);
        if (size == strlen(name) && !memcmp(text, name, size)) label = i;
    }
    if (label < 0 || (statement && label == FECIT_NONE))
        return "a class that cannot be";
    if (!record_get(row, "p_class", &list) || list.count != FECIT_LABELS)
        return "not four p_class";
    for (uint32_t i = 0; record_item(list, i, &value); i++) {
        if (value.kind != RECORD_FLOAT || !(value.f >= 0 && value.f <= 1.001))
            return "a p_class outside 0..1";
        if (i == 0) p_none = value.f;
        sum += value.f;
    }
    if (!(fabs(sum - 1) <= 1e-3)) return "p_class that do not sum to 1";
    return fabs(p - (1 - p_none)) <= 1e-3 ? NULL : "a p that does not fit its p_class";
}

static const char *row_fault(const struct walk *w, struct record row, bool statement)
{
    const uint64_t sent = record_uint(row, "sent"), start = record_uint(row, "start"),
                   end = record_uint(row, "end");
    const char *text, *fault = scores_fault(row, statement);
    size_t size;

    if (fault) return fault;
    if (start > end) return "an end before its start";
    if (w->documents && end > record_uint(w->document, "bytes"))
        return "an end behind the document's";
    if (w->documents && w->count > 0 && (sent <= w->sent || start < w->end))
        return "a place before that of the row before";
    if (w->documents && !statement && sent != w->count) return "a sentence left out";
    if (!statement) return NULL;
    if (!record_text(row, "text", &text, &size) || size != end - start)
        return "a text of another length than its place";
    return results_hash(text, size) == record_uint(row, "hash")
               ? NULL
               : "a hash that is not its text's";
}

static enum fecit_status rows_check(struct verify *v, struct walk *w, bool statement)
{
    enum fecit_status st = FECIT_OK;
    struct record row;
    const char *fault;

    TRY(file_open(v, w->path, w->kind, &w->rows));
    v->counts->files++;
    v->counts->bytes += records_size(w->rows);
    while ((st = records_next(w->rows, &row)) == FECIT_OK) {
        TRY(document_seek(w, record_uint(row, "doc")));
        fault = row_fault(w, row, statement);
        if (fault)
            FAIL(FECIT_E_INPUT,
                 "%s: row %llu (document %llu, sentence %llu) has %s; run "
                 "fecit score again",
                 w->path, (unsigned long long)w->total,
                 (unsigned long long)record_uint(row, "doc"),
                 (unsigned long long)record_uint(row, "sent"), fault);
        w->sent = record_uint(row, "sent");
        w->end = record_uint(row, "end");
        w->count++;
        w->total++;
    }
    if (st != FECIT_END) goto done;
    TRY(document_seek(w, UINT64_MAX));
    TRY(count_check(v, w->path, w->kind, w->total,
                    statement ? v->statements : v->sentences));
done:
    return st;
}

/* Statements or sentences. */
static enum fecit_status file_check(struct verify *v, const char *documents,
                                    const char *kind, uint64_t *total)
{
    enum fecit_status st = FECIT_OK;
    const bool statement = !strcmp(kind, "statements");
    struct walk w = {.kind = kind};
    struct bytes path = {0};
    char name[64];

    snprintf(name, sizeof name, "%s-00000.msgpack", kind);
    TRY(path_join(v, name, &path));
    w.path = (const char *)path.data;
    if (documents) TRY(records_open(documents, &w.documents));
    TRY(rows_check(v, &w, statement));
done:
    *total = w.total;
    records_close(w.rows);
    records_close(w.documents);
    bytes_clear(&path);
    return st;
}

/* ---- rejects.jsonl -------------------------------------------------------------- */

static enum fecit_status rejects_check(struct verify *v)
{
    enum fecit_status st = FECIT_OK;
    struct bytes path = {0};
    struct disk_map file = {0};
    const char *at, *end, *name;
    struct json root, item;

    TRY(path_join(v, "rejects.jsonl", &path));
    name = (const char *)path.data;
    TRY(disk_map(name, FECIT_E_INPUT, &file));
    v->counts->files++;
    v->counts->bytes += file.size;
    at = (const char *)file.data;
    end = at + file.size;
    while (at != end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        if (!line)
            FAIL(FECIT_E_INPUT, "%s: line %llu has no end; the file was cut", name,
                 (unsigned long long)v->counts->rejects + 1);
        st = json_parse(v->json, at, (size_t)(line - at), &root, NULL);
        if (st == FECIT_E_MEMORY) goto done;
        if (st != FECIT_OK || !json_get(root, "file", &item) ||
            !json_get(root, "offset", &item) || !json_get(root, "why", &item))
            FAIL(FECIT_E_INPUT, "%s: line %llu is no reject; the file is damaged", name,
                 (unsigned long long)v->counts->rejects + 1);
        v->counts->rejects++;
        at = line + 1;
    }
    TRY(count_check(v, name, "rejects", v->counts->rejects, v->rejects));
done:
    disk_unmap(&file);
    bytes_clear(&path);
    return st;
}

enum fecit_status verify_folder(const char *folder, verify_report report, void *self,
                                struct verify_counts *counts)
{
    enum fecit_status st = FECIT_OK;
    struct verify v = {
        .folder = folder, .report = report, .self = self, .counts = counts};
    struct bytes path = {0};
    const char *documents;
    uint64_t ignored;

    *counts = (struct verify_counts){0};
    TRY(json_reader_new(&v.json));
    TRY(problem(&v, run_check(&v)));
    if (v.problems > 0) goto done; /* without it nothing else can be judged */
    TRY(path_join(&v, "documents-00000.msgpack", &path));
    documents = (const char *)path.data;
    TRY(problem(&v, documents_check(&v, documents)));
    if (v.problems > 0) documents = NULL;
    TRY(problem(&v, file_check(&v, documents, "statements", &counts->statements)));
    if (counts->all) TRY(problem(&v, file_check(&v, documents, "sentences", &ignored)));
    TRY(problem(&v, rejects_check(&v)));
done:
    if (st == FECIT_OK && v.problems > 0) st = status_set(FECIT_E_INPUT, "%s", v.first);
    json_reader_free(v.json);
    mem_free(v.model);
    bytes_clear(&path);
    return st;
}

#include "format.h"

#include <stdio.h>
#include <string.h>

enum fecit_status format_reject(struct reading *r, uint64_t offset, uint64_t line,
                                const uint8_t *head, size_t size, const char *why)
{
    const struct reject reject = {
        .file = r->path,
        .offset = offset,
        .line = line,
        .why = why,
        .head = head,
        .head_size = size < 64 ? size : 64,
    };

    return r->on_reject(r->self, &reject);
}

enum fecit_status format_too_long(struct reading *r, uint64_t offset)
{
    char why[128];

    snprintf(why, sizeof why,
             "the line is longer than %zu bytes; split it or take it out",
             format_most(r));
    return format_reject(r, offset, r->stream.line++, NULL, 0, why);
}

enum fecit_status format_line_id(const struct reading *r, char **id)
{
    enum fecit_status st = FECIT_OK;
    const size_t size = strlen(r->name) + 24;

    TRY_MEM(*id = mem_new(size, 1));
    snprintf(*id, size, "%s:%llu", r->name, (unsigned long long)r->stream.line);
done:
    return st;
}

bool format_blank(const uint8_t *line, size_t size, enum text_encoding encoding)
{
    const size_t u = stream_unit(encoding);

    for (size_t i = 0; i + u <= size; i += u) {
        const uint32_t c = stream_unit_at(line + i, encoding);
        if (c != ' ' && c != '\t' && c != '\r') return false;
    }
    return size % u == 0;
}

static bool begins(const uint8_t *p, size_t size, const char *word, bool any_case)
{
    size_t n = strlen(word);

    if (size < n) return false;
    for (size_t i = 0; i < n; i++) {
        const uint8_t c = any_case && p[i] >= 'A' && p[i] <= 'Z' ? p[i] | 0x20 : p[i];
        if (c != (uint8_t)word[i]) return false;
    }
    return true;
}

const char *format_binary(const uint8_t *p, size_t size, enum text_encoding encoding)
{
    static const struct {
        const char *magic, *what;
    } kinds[] = {
        {"\x1F\x8B", "looks like gzip; unpack it first: zcat FILE | fecit score - ..."},
        {"\x28\xB5\x2F\xFD",
         "looks like zstd; unpack it first: zstdcat FILE | fecit score - ..."},
        {"BZh9", "looks like bzip2; unpack it first: bzcat FILE | fecit score - ..."},
        {"\xFD"
         "7zXZ",
         "looks like xz; unpack it first: xzcat FILE | fecit score - ..."},
        {"\x04\x22\x4D\x18",
         "looks like lz4; unpack it first: lz4cat FILE | fecit score - ..."},
        {"PK\x03\x04", "looks like zip (or docx, epub); unpack it first"},
        {"7z\xBC\xAF", "looks like 7z; unpack it first"},
        {"Rar!\x1A", "looks like RAR; unpack it first"},
        {"%PDF-", "is a PDF; convert it first: pdftotext FILE - | fecit score - ..."},
        {"{\\rtf", "is RTF; save it as plain text first"},
        {"\xD0\xCF\x11\xE0", "is an old Office file; save it as plain text first"},
        {"\x89PNG", "is a PNG picture, no text; leave it out"},
        {"\xFF\xD8\xFF", "is a JPEG picture, no text; leave it out"},
        {"GIF8", "is a GIF picture, no text; leave it out"},
        {"PAR1", "is Parquet; convert it to JSON lines first"},
        {"ARROW1", "is Arrow; convert it to JSON lines first"},
        {"\x7F"
         "ELF",
         "is a program, no text; leave it out"},
        {"SQLite format 3", "is an SQLite database; export it as JSON lines first"},
    };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (begins(p, size, kinds[i].magic, false)) return kinds[i].what;
    if (size > 262 && !memcmp(p + 257, "ustar", 5))
        return "looks like tar; unpack it into a folder first";
    if (encoding == TEXT_UTF8 && memchr(p, 0, size < 4096 ? size : 4096))
        return "binary file (NUL bytes), no text; leave it out or convert it first";
    return NULL;
}

/* Past white space; NULs too, so that UTF-16 reads alike. */
static size_t past_space(const uint8_t *p, size_t size, size_t i, bool *newline)
{
    for (; i < size; i++) {
        if (p[i] == '\n') *newline = true;
        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r' && p[i] != '\n' && p[i] != 0)
            break;
    }
    return i;
}

const char *format_guess(const uint8_t *p, size_t size, bool named, bool *jsonl)
{
    bool newline = false;
    size_t i = past_space(p, size, 0, &newline), next;

    *jsonl = named;
    newline = false;
    next = i < size ? past_space(p, size, i + 1, &newline) : size;
    if (next >= size) return NULL;
    if (p[i] == '{' && (p[next] == '"' || p[next] == '}')) {
        *jsonl = true;
        if (newline)
            return "a JSON object over several lines; make it one object a line: "
                   "jq -c . FILE | fecit score - ...";
    }
    if (p[i] == '[' && p[next] == '{' && !named)
        return "a JSON list; make it one object a line: "
               "jq -c '.[]' FILE | fecit score - ...";
    if (begins(p + i, size - i, "<!doctype html", true) ||
        begins(p + i, size - i, "<html", true))
        return "is HTML; take the text out of it first, or read the tags too: "
               "--format text";
    if (begins(p + i, size - i, "<?xml", true))
        return "is XML; take the text out of it first, or read the tags too: "
               "--format text";
    if (begins(p + i, size - i, "WARC/1.", false))
        return "is a web archive (WARC); take the text out of it first";
    return NULL;
}

/* test_source.c -- what lies in files, folders and pipes comes out as documents or rejects,
 * in a fixed order, nothing lost. */
#include "source.h"
#include "text.h"

#include "scratch.h"

#include <fcntl.h>
#include <sys/resource.h>

static char folder[] = "/tmp/fecit-source-XXXXXX";
static char whole[1 << 16]; /* what was read, one line a document or reject */
static struct bytes text;   /* all text, end to end */

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    bytes_clear(&text);
    snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", folder, folder);
    return system(command);
}

static const char *put(const char *name, const void *data, size_t size)
{
    static char path[4][256];
    static int turn;
    char *p = path[turn++ % 4];
    FILE *f;

    snprintf(p, 256, "%s/%s", folder, name);
    f = fopen(p, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
    return p;
}
#define PUT(name, literal) put(name, literal, sizeof literal - 1)

static enum fecit_status on_reject(void *self, const struct reject *r)
{
    char *out = self;
    const char *name = strrchr(r->file, '/');

    snprintf(out + strlen(out), sizeof whole - strlen(out), "reject %s:%llu %s\n",
             name ? name + 1 : r->file, (unsigned long long)r->line, r->why);
    return FECIT_OK;
}

/* Read the inputs; fills `whole` and `text`. */
static const char *read_all(const struct source_options *o, const char *a,
                            const char *b)
{
    const char *inputs[] = {a, b};
    struct source *s = NULL;
    struct document d = {0};
    struct bytes part = {0};
    enum fecit_status st;
    uint64_t repaired, number = 0;
    uint32_t parts = 0;

    whole[0] = 0;
    text.size = 0;
    assert_int_equal(source_open(inputs, b ? 2 : 1, o, on_reject, whole, &s), FECIT_OK);
    while ((st = source_next(s, &d)) == FECIT_OK) {
        assert_int_equal(d.number, number);
        assert_int_equal(d.part, parts);
        assert_int_equal(text_read(d.raw.data, d.raw.size, d.encoding, d.part == 0,
                                   &part, &repaired),
                         FECIT_OK);
        assert_int_equal(bytes_push(&text, part.data, part.size), FECIT_OK);
        if (d.last)
            snprintf(whole + strlen(whole), sizeof whole - strlen(whole),
                     "%s %s %.*s%s\n", d.id, d.lang ? d.lang : "-",
                     part.size < 60 ? (int)part.size : 60, (char *)part.data,
                     d.repaired + repaired ? " (repaired)" : "");
        parts = d.last ? 0 : parts + 1;
        number += d.last;
    }
    assert_int_equal(st, FECIT_END);
    assert_int_equal(source_next(s, &d), FECIT_END);
    document_clear(&d);
    bytes_clear(&part);
    source_close(s);
    return whole;
}

static void test_jsonl(void **state)
{
    const struct source_options o = {0};
    const char *path = PUT("a.jsonl",
                           "{\"id\":\"x\",\"lang\":\"en\",\"text\":\"One\"}\r\n"
                           "\n"
                           "nonsense\n"
                           "[1]\n"
                           "{\"id\":7,\"text\":\"Two\"}\n"
                           "{\"txt\":\"no\"}\n"
                           "{\"text\":5}\n"
                           "{\"text\":\"caf\xE9\"}\n"
                           "{\"doc_id\":\"last\",\"text\":\"\"}");

    (void)state;
    read_all(&o, path, NULL);
    assert_non_null(strstr(whole, "x en One\nreject a.jsonl:3 not JSON"));
    assert_non_null(strstr(whole, "reject a.jsonl:4 a JSON value, but not an object"));
    assert_non_null(strstr(whole, "\n7 - Two\n"));
    assert_non_null(strstr(whole, "reject a.jsonl:6 the object has no field \"text\""));
    assert_non_null(
        strstr(whole, "reject a.jsonl:7 the field \"text\" is not a string"));
    assert_non_null(strstr(whole, "a.jsonl:8 - caf\xEF\xBF\xBD (repaired)\n"));
    assert_non_null(strstr(whole, "last - \n"));
}

static void test_fields(void **state)
{
    const struct source_options o = {.text_field = "body.content",
                                     .id_field = "meta.key"};
    const char *path = PUT("f.jsonl",
                           "{\"meta\":{\"key\":\"k\"},\"body\":{\"content\":\"Hi\"}}\n"
                           "{\"meta.key\":\"dot\",\"body.content\":\"Ho\"}\n");

    (void)state;
    assert_string_equal(read_all(&o, path, NULL), "k - Hi\ndot - Ho\n");
}

/* Half surrogate pairs, as programs write that cut text by UTF-16 units. */
static void test_half_pairs(void **state)
{
    const struct source_options o = {0};
    const char *path = PUT("half.jsonl",
                           "{\"id\":\"1\",\"text\":\"cut \\ud83d\"}\n"
                           "{\"id\":\"2\",\"text\":\"\\uDE42 cut\"}\n"
                           "{\"id\":\"3\",\"text\":\"\\ud83d\\ude42 whole\"}\n"
                           "{\"id\":\"4\",\"text\":\"\\\\ud83d no escape\"}\n"
                           "{\"id\":\"5\",\"text\":\"\\ud83d\\ud83d\\ude42 \xFF\"}\n"
                           "{\"id\":\"6\",\"text\":\"\\ud83\"}\n"
                           "{\"id\":\"7\",\"text\":\"\\ud8");

    (void)state;
    read_all(&o, path, NULL);
    assert_non_null(strstr(whole, "1 - cut \xEF\xBF\xBD (repaired)\n"));
    assert_non_null(strstr(whole, "2 - \xEF\xBF\xBD cut (repaired)\n"));
    assert_non_null(strstr(whole, "3 - 🙂 whole\n"));
    assert_non_null(strstr(whole, "4 - \\ud83d no escape\n"));
    assert_non_null(strstr(whole, "5 - \xEF\xBF\xBD🙂 \xEF\xBF\xBD (repaired)\n"));
    assert_non_null(strstr(whole, "reject half.jsonl:6 not JSON"));
    assert_non_null(strstr(whole, "reject half.jsonl:7 not JSON"));
    assert_non_null(strstr(whole, "expected one object on the line"));
}

/* What a file is, by its beginning; each reject names the next step. */
static void test_kinds_of_files(void **state)
{
    static const struct {
        const char *name, *data;
        size_t size;
        const char *want; /* somewhere in what comes out */
    } cases[] = {
#define CASE(name, data, want) {name, data, sizeof data - 1, want}
        CASE("k.gz", "\x1F\x8B\x08\0\0", "looks like gzip; unpack it first: zcat"),
        CASE("k.txt", "\x28\xB5\x2F\xFD....", "looks like zstd"),
        CASE("k.zip", "PK\x03\x04....", "looks like zip"),
        CASE("k.xz",
             "\xFD"
             "7zXZ\0",
             "looks like xz"),
        CASE("k.bz2", "BZh91AY&SY", "looks like bzip2"),
        CASE("k.pdf", "%PDF-1.7\n%", "is a PDF; convert it first"),
        CASE("k.png", "\x89PNG\r\n\x1A\n", "PNG"),
        CASE("k.rtf", "{\\rtf1\\ansi Text}", "is RTF"),
        CASE("k.bin", "one\0two\1\0\0\2\0three\0", "binary file (NUL bytes)"),
        CASE("k.html", "\n<!DOCTYPE HTML><p>Text", "is HTML; take the text out"),
        CASE("k.xml", "<?xml version=\"1.0\"?><a/>", "is XML; take the text out"),
        CASE("k.json", "[\n {\"text\":\"One\"}]", "a JSON list; make it one object"),
        CASE("k2.json", "{\n \"text\": \"One\"\n}\n", "object over several lines"),
        CASE("k3.json", "{\"id\":\"j\",\"text\":\"One\"}\n", "j - One"),
        CASE("k.dat", "\n {\"id\":\"d\",\"text\":\"One\"}\n", "d - One"),
        CASE("k.ndjson", "{\"id\":\"n\",\"text\":\"One\"}\n", "n - One"),
        CASE("k4.jsonl", "\xEF\xBB\xBF{\"id\":\"b\",\"text\":\"One\"}", "b - One"),
        CASE("k5.jsonl",
             "{\0\"\0i\0d\0\"\0:\0"
             "1\0 \0}\0",
             "JSON lines in UTF-16"),
        CASE("k6",
             "{\0\"\0i\0d\0\"\0:\0"
             "1\0 \0}\0",
             "JSON lines in UTF-16"),
        CASE("brackets.txt", "[Update] {draft} Text.",
             "brackets.txt - [Update] {draft}"),
        CASE("spaces.txt", " \n\t\n ", "spaces.txt - "),
        CASE("mark.txt", "\xEF\xBB\xBF", "mark.txt - \n"),
        CASE("latin.txt", "caf\xE9", "latin.txt - caf\xEF\xBF\xBD (repaired)"),
        CASE("wide.txt", "H\0i\0.\0 \0H\0o\0", "wide.txt - Hi. Ho\n"),
    };
    const struct source_options o = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_all(&o, put(cases[i].name, cases[i].data, cases[i].size), NULL);
        if (!strstr(whole, cases[i].want))
            fail_msg("%s: expected \"%s\", found \"%s\"", cases[i].name, cases[i].want,
                     whole);
    }
}

/* Told to be plain text, a file is. */
static void test_told(void **state)
{
    const struct source_options plain = {.format = SOURCE_PLAIN};
    const struct source_options lines = {.format = SOURCE_JSONL};

    (void)state;
    assert_string_equal(read_all(&plain, PUT("t.html", "<html>Text"), NULL),
                        "t.html - <html>Text\n");
    assert_string_equal(read_all(&plain, PUT("t.jsonl", "{\"text\":1}"), NULL),
                        "t.jsonl - {\"text\":1}\n");
    read_all(&lines, PUT("t.txt", "Text\n"), NULL);
    assert_non_null(strstr(whole, "reject t.txt:1 not JSON"));
}

static void test_stdin(void **state)
{
    const struct source_options o = {0};
    const char *inputs[] = {"-"};
    struct source *s = NULL;
    const int kept = dup(0);

    (void)state;
    assert_non_null(
        freopen(PUT("in", "{\"id\":\"i\",\"text\":\"One\"}\n"), "r", stdin));
    assert_string_equal(read_all(&o, "-", NULL), "i - One\n");
    assert_non_null(freopen(PUT("in", "Plain."), "r", stdin));
    assert_string_equal(read_all(&o, "-", NULL), "stdin - Plain.\n");
    assert_non_null(freopen(PUT("in", ""), "r", stdin));
    assert_string_equal(read_all(&o, "-", NULL), "reject -:0 empty file\n");
    assert_int_equal(source_open(inputs, 1, &o, on_reject, whole, &s), FECIT_OK);
    assert_int_equal(source_total(s), 0); /* nobody knows */
    source_close(s);
    dup2(kept, 0);
    close(kept);
}

static void test_progress(void **state)
{
    const struct source_options o = {0};
    const char *inputs[] = {PUT("p1.txt", "12345"),
                            PUT("p2.jsonl", "{\"text\":\"1\"}")};
    struct source *s = NULL;
    struct document d = {0};

    (void)state;
    assert_int_equal(source_open(inputs, 2, &o, on_reject, whole, &s), FECIT_OK);
    assert_int_equal(source_total(s), 17);
    assert_int_equal(source_read(s), 0);
    assert_int_equal(source_next(s, &d), FECIT_OK);
    assert_int_equal(source_read(s), 5);
    assert_int_equal(source_files(s), 1);
    while (source_next(s, &d) == FECIT_OK)
        ;
    assert_int_equal(source_read(s), 17);
    assert_int_equal(source_files(s), 2);
    source_close(s);
    source_close(NULL);
}

/* A file that may not be read is refused before any work is done; in a folder it is a
 * reject. Root may read everything, so it is put off for a moment. */
static void test_unreadable(void **state)
{
    const struct source_options o = {0};
    const bool root = geteuid() == 0;
    const char *path;
    char sub[256];
    const char *inputs[1];
    struct source *s = NULL;

    (void)state;
    snprintf(sub, sizeof sub, "%s/locked", folder);
    mkdir(sub, 0777);
    chmod(folder, 0755);
    chmod(sub, 0755);
    PUT("locked/b.txt", "Open.");
    path = PUT("locked/a.txt", "Secret.");
    assert_int_equal(chmod(path, 0), 0);
    if (root) assert_int_equal(seteuid(65534), 0);
    inputs[0] = path;
    assert_int_equal(source_open(inputs, 1, &o, on_reject, whole, &s), FECIT_E_INPUT);
    assert_non_null(strstr(status_text(), "Permission denied"));
    read_all(&o, sub, NULL);
    if (root) assert_int_equal(seteuid(0), 0);
    assert_non_null(strstr(whole, "reject a.txt:0 cannot be read: Permission denied"));
    assert_non_null(strstr(whole, "b.txt - Open.\n"));
}

static void test_links(void **state)
{
    const struct source_options o = {0};
    char path[256], target[256];

    (void)state;
    snprintf(path, sizeof path, "%s/links", folder);
    mkdir(path, 0777);
    PUT("links/real.txt", "Real.");
    snprintf(target, sizeof target, "%s/links/self", folder);
    assert_int_equal(symlink("self", target), 0);
    snprintf(target, sizeof target, "%s/links/dangling", folder);
    assert_int_equal(symlink("nowhere", target), 0);
    snprintf(target, sizeof target, "%s/links/up", folder);
    assert_int_equal(symlink(".", target), 0);
    snprintf(target, sizeof target, "%s/links/also", folder);
    assert_int_equal(symlink("real.txt", target), 0);
    read_all(&o, path, NULL);
    assert_non_null(strstr(whole, "also - Real.\nreject dangling:0 cannot be read"));
    assert_non_null(strstr(whole, "real.txt - Real.\nreject self:0 cannot be read"));
}

static void test_folder(void **state)
{
    const struct source_options o = {0};
    char sub[256], loop[256];

    (void)state;
    snprintf(sub, sizeof sub, "%s/tree", folder);
    mkdir(sub, 0777);
    snprintf(sub, sizeof sub, "%s/tree/sub", folder);
    mkdir(sub, 0777);
    PUT("tree/b.txt", "Second.");
    PUT("tree/a.txt", "First.");
    PUT("tree/sub/c.txt", "Third.");
    PUT("tree/.hidden.txt", "Never.");
    PUT("tree/z.bin", "\x1F\x8B\x08\0\0");
    PUT("tree/y.txt", "");
    snprintf(loop, sizeof loop, "%s/tree/sub/loop", folder);
    assert_int_equal(symlink("..", loop), 0);
    snprintf(sub, sizeof sub, "%s/tree", folder);
    read_all(&o, sub, NULL);
    assert_non_null(
        strstr(whole, "a.txt - First.\nb.txt - Second.\nsub/c.txt - Third.\n"));
    assert_non_null(
        strstr(whole, "reject y.txt:0 empty file\nreject z.bin:0 looks like gzip"));
    assert_null(strstr(whole, "Never"));
}

static void test_refused_at_once(void **state)
{
    const struct source_options o = {0};
    const char *missing[] = {"/nonexistent/fecit"};
    char empty[256];
    const char *inputs[] = {empty};
    struct source *s = NULL;

    (void)state;
    assert_int_equal(source_open(missing, 1, &o, on_reject, whole, &s), FECIT_E_INPUT);
    assert_non_null(strstr(status_text(), "/nonexistent/fecit"));
    snprintf(empty, sizeof empty, "%s/empty", folder);
    mkdir(empty, 0777);
    assert_int_equal(source_open(inputs, 1, &o, on_reject, whole, &s), FECIT_E_INPUT);
    assert_null(s);
}

static void test_vanished_file(void **state)
{
    const struct source_options o = {0};
    const char *inputs[] = {PUT("gone.txt", "Here."), PUT("stays.txt", "Stays.")};
    struct source *s = NULL;
    struct document d = {0};

    (void)state;
    whole[0] = 0;
    assert_int_equal(source_open(inputs, 2, &o, on_reject, whole, &s), FECIT_OK);
    unlink(inputs[0]);
    assert_int_equal(source_next(s, &d), FECIT_OK);
    assert_string_equal(d.id, "stays.txt");
    assert_non_null(strstr(whole, "reject gone.txt:0"));
    document_clear(&d);
    source_close(s);
}

static void test_sentences(void **state)
{
    const struct source_options o = {.sentences = true};
    const char *path = PUT("s.txt", "One. Still one.\r\n\nTwo");

    (void)state;
    assert_string_equal(read_all(&o, path, NULL),
                        "s.txt:1 - One. Still one.\ns.txt:3 - Two\n");
}

/* Lines: blank ones left out, over the limit rejected, UTF-16 too. */
static void test_sentence_lines(void **state)
{
    const struct source_options o = {.sentences = true, .max_record = 20};
    const char wide[] = "\xFF\xFEO\0n\0e\0\r\0\n\0 \0\n\0T\0w\0o\0";

    (void)state;
    assert_string_equal(
        read_all(&o,
                 PUT("l.txt",
                     "One\n \t\r\n\n12345678901234567890\n"
                     "123456789012345678901\nLast\r\n"),
                 NULL),
        "l.txt:1 - One\nl.txt:4 - 12345678901234567890\n"
        "reject l.txt:5 the line is longer than 20 bytes; split it or take it out\n"
        "l.txt:6 - Last\n");
    assert_string_equal(read_all(&o, put("w.txt", wide, sizeof wide - 1), NULL),
                        "w.txt:1 - One\nw.txt:3 - Two\n");
    assert_string_equal(
        read_all(&o, PUT("s.jsonl", "{\"id\":1,\"text\":\"A\"}\n"), NULL), "1 - A\n");
}

static void test_utf16_file(void **state)
{
    const struct source_options o = {0};
    const char *path = PUT("wide.txt", "\xFF\xFEH\0i\0.\0");

    (void)state;
    assert_string_equal(read_all(&o, path, NULL), "wide.txt - Hi.\n");
}

/* Parts of a large file, put together, are the file; with and without any line end. */
static void test_large_plain_text(void **state)
{
    const struct source_options o = {0};
    enum { N = (5 << 20) + 17 };
    char *raw = malloc(N);

    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < N; i++)
            raw[i] = kind == 0 && i % 97 == 0               ? '\n'
                     : kind <= 1 && i % 11 == 0             ? ' '
                     : kind == 2 && i % 3 == 0 && i + 2 < N ? '\xE6'
                     : kind == 2 && i % 3 == 1 && i + 1 < N ? '\xB0'
                     : kind == 2 && i % 3 == 2              ? '\xB4'
                                                            : 'x';
        read_all(&o, put("large.txt", raw, N), NULL);
        assert_true(text.size == N || kind == 2);
        assert_memory_equal(text.data, raw, N - 2);
    }
    free(raw);
}

static void test_long_line_and_limit(void **state)
{
    const struct source_options o = {.max_record = 300000};
    enum { N = 400000 };
    char *raw = malloc(2 * N + 200);
    size_t n = 0;

    (void)state;
    n += (size_t)sprintf(raw + n, "{\"id\":\"fits\",\"text\":\"");
    memset(raw + n, 'a', 250000);
    n += 250000;
    n += (size_t)sprintf(raw + n, "\"}\n{\"id\":\"too long\",\"text\":\"");
    memset(raw + n, 'b', N);
    n += N;
    n += (size_t)sprintf(raw + n, "\"}\n{\"id\":\"after\",\"text\":\"End\"}\n");
    read_all(&o, put("long.jsonl", raw, n), NULL);
    assert_non_null(strstr(whole, "fits - aaa"));
    assert_non_null(strstr(whole, "reject long.jsonl:2 the line is longer"));
    assert_non_null(strstr(whole, "after - End"));
    assert_null(strstr(whole, "too long -"));
    free(raw);
}

/* Every part is whole by itself: no code point, CRLF or UTF-16 pair is torn, no byte lost,
 * whatever the text and wherever its parts end. */
static void test_parts(void **state)
{
    static const char *const bits[] = {
        "word ", "слово ", "水",        "🙂",
        ".\r\n", "\n\n",   "e\xCC\x81", "long-unbroken-stretch"};
    const struct source_options o = {0};
    enum { N = 3 << 20 };
    uint8_t *raw = malloc(2 * N + 64);
    uint64_t random = 5;

    (void)state;
    for (int kind = 0; kind < 6; kind++) { /* 0-3 UTF-8, 4 and 5 UTF-16 */
        size_t n = 0, units = 0;
        if (kind < 4) {
            while (n < N) {
                const char *bit = bits[kind == 3 ? 3 : scratch_random(&random) % 8];
                if (kind == 1 && strchr(bit, '\n')) bit = "-";
                if (kind == 2 && strpbrk(bit, "\n ")) bit = "水";
                memcpy(raw + n, bit, strlen(bit));
                n += strlen(bit);
            }
        } else {
            memcpy(raw, "\xFF\xFE", 2);
            for (n = 2; n < N; units++) {
                const char *unit =
                    units % 400 == 0 && kind == 4 ? " \0" : "\x3D\xD8\x42\xDE";
                memcpy(raw + n, unit, unit[0] == ' ' ? 2 : 4);
                n += unit[0] == ' ' ? 2 : 4;
            }
        }
        read_all(&o, put("parts.txt", raw, n), NULL);
        assert_null(strstr(whole, "repaired"));
        if (kind < 4) {
            assert_int_equal(text.size, n);
            assert_memory_equal(text.data, raw, n);
        } else {
            assert_true(text.size >= 2 * (n / 2 - units) && text.size > n / 2);
        }
    }
    free(raw);
}

/* A line of 50 MB is a record like any other. One over the limit costs no memory: the file
 * has a hole of 200 MB, and the program may not grow by a sixth of it. */
static void test_huge_lines(void **state)
{
    const struct source_options o = {.max_record = 1 << 20}, all = {0};
    enum { N = 50 << 20 };
    const off_t hole = (off_t)200 << 20;
    char *raw = malloc(N + 64), head[8192];
    struct rusage before, after;
    const char *path;
    size_t n;
    int fd;

    (void)state;
    n = (size_t)sprintf(raw, "{\"id\":\"big\",\"text\":\"");
    memset(raw + n, 'a', N);
    memcpy(raw + n + N, "\"}\n", 3);
    read_all(&all, put("huge.jsonl", raw, n + N + 3), NULL);
    assert_int_equal(strncmp(whole, "big - aaa", 9), 0);
    assert_int_equal(text.size, N);
    free(raw);
    bytes_clear(&text);
    memset(head, 'x', sizeof head);
    path = put("huge.jsonl", head, sizeof head);
    fd = open(path, O_WRONLY | O_APPEND);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, hole), 0);
    assert_int_equal(write(fd, "\n{\"id\":\"z\",\"text\":\"End\"}", 24), 24);
    close(fd);
    getrusage(RUSAGE_SELF, &before);
    read_all(&o, path, NULL);
    getrusage(RUSAGE_SELF, &after);
    assert_non_null(
        strstr(whole, "reject huge.jsonl:1 the line is longer than 1048576"));
    assert_non_null(strstr(whole, "z - End"));
    assert_true(after.ru_maxrss - before.ru_maxrss < 33 << 10);
    unlink(path);
}

/* Bytes of any kind: documents or rejects come out, never a crash, and the same twice. */
static void test_random_files(void **state)
{
    static const char line[] =
        "{\"id\":\"r\",\"lang\":\"en\",\"text\":\"The quay is \\ud83d\\ude42 "
        "free.\"}\n";
    uint64_t random = 23;
    uint8_t raw[4 * sizeof line];
    char *first = malloc(sizeof whole);

    (void)state;
    for (int round = 0; round < 1500; round++) {
        const struct source_options o = {.format = round % 3,
                                         .encoding = round / 3 % 4,
                                         .sentences = round / 12 % 2,
                                         .max_record = round % 5 ? 0 : 40};
        size_t n = 0;
        if (round % 2) {
            for (; n < 4 * (sizeof line - 1); n += sizeof line - 1)
                memcpy(raw + n, line, sizeof line - 1);
            scratch_damage(raw, &n, &random);
        } else {
            n = scratch_random(&random) % sizeof raw;
            for (size_t i = 0; i < n; i++)
                raw[i] = (uint8_t)scratch_random(&random);
        }
        strcpy(first, read_all(&o, put("random.jsonl", raw, n), NULL));
        assert_string_equal(read_all(&o, put("random.jsonl", raw, n), NULL), first);
    }
    free(first);
}

/* Each allocation in turn fails: that is said, and nothing leaks. */
static void test_out_of_memory(void **state)
{
    const struct source_options o = {0};
    const char *inputs[] = {
        PUT("m.jsonl", "{\"id\":\"1\",\"lang\":\"en\",\"text\":\"\\ud83d One\"}\nno\n"),
        PUT("m.txt", "Two.")};
    bool done = false;
    long n;

    (void)state;
    for (n = 1; !done && n < 200; n++) {
        struct source *s = NULL;
        struct document d = {0};
        enum fecit_status st;
        whole[0] = 0;
        mem_fail_at(n);
        st = source_open(inputs, 2, &o, on_reject, whole, &s);
        while (st == FECIT_OK)
            st = source_next(s, &d);
        done = st == FECIT_END;
        assert_true(done || st == FECIT_E_MEMORY);
        document_clear(&d);
        source_close(s);
    }
    mem_fail_at(0);
    assert_true(done && n > 15);
}

static enum fecit_status stop(void *self, const struct reject *r)
{
    (void)self;
    return status_set(FECIT_E_INPUT, "%s: too many", r->file);
}

/* on_reject may end the run. */
static void test_reject_stops(void **state)
{
    const struct source_options o = {0};
    const char *inputs[] = {PUT("stop.jsonl", "no\n{\"text\":\"One\"}\n")};
    struct source *s = NULL;
    struct document d = {0};

    (void)state;
    assert_int_equal(source_open(inputs, 1, &o, stop, NULL, &s), FECIT_OK);
    assert_int_equal(source_next(s, &d), FECIT_E_INPUT);
    assert_non_null(strstr(status_text(), "too many"));
    document_clear(&d);
    source_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jsonl),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_refused_at_once),
        cmocka_unit_test(test_vanished_file),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_utf16_file),
        cmocka_unit_test(test_large_plain_text),
        cmocka_unit_test(test_long_line_and_limit),
        cmocka_unit_test(test_half_pairs),
        cmocka_unit_test(test_kinds_of_files),
        cmocka_unit_test(test_told),
        cmocka_unit_test(test_stdin),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_sentence_lines),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_huge_lines),
        cmocka_unit_test(test_random_files),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_reject_stops),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

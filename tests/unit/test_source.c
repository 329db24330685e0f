/* test_source.c -- what lies in files, folders and pipes comes out as documents or rejects,
 * in a fixed order, nothing lost. */
#include "source.h"
#include "text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

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
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

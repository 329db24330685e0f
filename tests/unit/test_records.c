/* test_records.c -- rows come back as they were written; damage never passes the
 * footer. */
#include "records.h"

#include "results_sample.h"
#include <xxhash.h>

static const char *const names[] = {
    "documents-00000.msgpack", "statements-00000.msgpack", "sentences-00000.msgpack"};

/* Read every row and every value in it; the status that ended it (END = whole). */
static uint64_t touched;

static void touch(struct record value, int depth)
{
    struct record inner;

    touched += value.u + (uint64_t)value.i + (value.f > 0.5);
    for (size_t i = 0; i < value.size; i++)
        touched += (uint8_t)value.text[i];
    assert_true(depth <= 16);
    if (value.kind != RECORD_LIST && value.kind != RECORD_MAP) return;
    for (uint64_t i = 0; record_step(&value, &inner); i++) {
        assert_true(i < 2 * (uint64_t)value.count);
        touch(inner, depth + 1);
    }
}

static enum fecit_status read_all(const char *path, uint64_t *rows)
{
    struct records *file;
    struct record row;
    enum fecit_status st = records_open(path, &file), again;

    *rows = 0;
    if (st != FECIT_OK) {
        assert_null(file);
        return st;
    }
    touch(records_header(file), 0);
    while ((st = records_next(file, &row)) == FECIT_OK) {
        ++*rows;
        touch(row, 0);
    }
    /* Asked again, the same answer (unless the memory hook strikes only now). */
    again = records_next(file, &row);
    assert_true(again == st || again == FECIT_E_MEMORY);
    records_close(file);
    return st;
}

static void assert_text(struct record map, const char *key, const char *want)
{
    const char *text;
    size_t size;

    assert_true(record_text(map, key, &text, &size));
    assert_int_equal(size, strlen(want));
    assert_memory_equal(text, want, size);
}

static void test_documents(void **state)
{
    const char *folder = scratch_path("documents");
    struct records *file;
    struct record header, row, value;

    (void)state;
    assert_int_equal(sample_folder(folder, 1, 0), FECIT_OK);
    assert_int_equal(records_open(sample_file(folder, names[0]), &file), FECIT_OK);
    header = records_header(file);
    assert_text(header, "fecit", "documents");
    assert_text(header, "model", "abc");
    assert_text(header, "version", fecit_version());
    assert_int_equal(record_uint(header, "format"), RESULTS_FORMAT);
    assert_true(record_get(header, "keys", &value));
    assert_int_equal(value.count, 13);
    for (int d = 0; d < SAMPLE_DOCUMENTS; d++) {
        assert_int_equal(records_next(file, &row), FECIT_OK);
        assert_int_equal(row.count, 13);
        assert_int_equal(record_uint(row, "doc"), d);
        assert_text(row, "doc_id", sample_documents[d].id);
        assert_text(row, "lang", sample_documents[d].lang);
        assert_int_equal(record_uint(row, "sentences"), sample_documents[d].count);
        assert_true(record_uint(row, "offset") == (uint64_t)d << 33);
        assert_true(record_get(row, "date", &value) && value.kind == RECORD_NIL);
        assert_true(record_get(row, "url", &value));
        assert_int_equal(value.kind, d == 0 ? RECORD_TEXT : RECORD_NIL);
        assert_false(record_get(row, "text", &value));
    }
    assert_text(row, "file", "news/\xef\xbf\xbd.txt"); /* the name was no UTF-8 */
    assert_int_equal(record_uint(row, "repaired"), 4);
    assert_int_equal(records_next(file, &row), FECIT_END);
    records_close(file);
    records_close(NULL);
}

static void test_statements(void **state)
{
    const char *folder = scratch_path("statements");
    static const int which[SAMPLE_STATEMENTS] = {0, 2, 3};
    static const char *const lists[] = {"accused", "accuser", "victim", "groups"};
    struct records *file;
    struct record row, value, item;

    (void)state;
    assert_int_equal(sample_folder(folder, 0, 0), FECIT_OK);
    assert_int_equal(records_open(sample_file(folder, names[1]), &file), FECIT_OK);
    for (int i = 0; i < SAMPLE_STATEMENTS; i++) {
        const struct sample_sentence *s = &sample_sentences[which[i]];
        assert_int_equal(records_next(file, &row), FECIT_OK);
        assert_int_equal(row.count, 17);
        assert_text(row, "text", s->text);
        assert_text(row, "class", fecit_label_name(s->label));
        assert_true((float)record_number(row, "p") == 1 - s->p_class[0]);
        assert_true(record_get(row, "p_class", &value) && value.count == FECIT_LABELS);
        for (uint32_t c = 0; c < FECIT_LABELS; c++) {
            assert_true(record_item(value, c, &item) && item.kind == RECORD_FLOAT);
            assert_true((float)item.f == s->p_class[c]);
        }
        assert_false(record_item(value, FECIT_LABELS, &item));
        for (int k = 0; k < 4; k++)
            assert_true(record_get(row, lists[k], &value) &&
                        value.kind == RECORD_LIST && value.count == 0);
        assert_true(record_get(row, "act", &value) && value.kind == RECORD_NIL);
        assert_true(record_get(row, "tie", &value) && value.kind == RECORD_NIL);
        assert_true(record_uint(row, "hash") == results_hash(s->text, strlen(s->text)));
        assert_int_equal(record_uint(row, "end") - record_uint(row, "start"),
                         strlen(s->text));
    }
    assert_int_equal(records_next(file, &row), FECIT_END);
    records_close(file);
}

/* Every cut, every flipped bit, every kind of tail: refused with path and byte. */
static void test_every_damage(void **state)
{
    const char *folder = scratch_path("damage");
    const char *bad = scratch_path("bad.msgpack");
    uint64_t rows;

    (void)state;
    assert_int_equal(sample_folder(folder, 1, 0), FECIT_OK);
    for (int f = 0; f < 3; f++) {
        size_t size;
        uint8_t *data = scratch_read(sample_file(folder, names[f]), &size);
        assert_int_equal(read_all(sample_file(folder, names[f]), &rows), FECIT_END);
        for (size_t n = 0; n < size; n++) {
            scratch_write(bad, data, n);
            assert_int_equal(read_all(bad, &rows), FECIT_E_INPUT);
            assert_non_null(strstr(status_text(), "bad.msgpack: byte "));
        }
        for (size_t at = 0; at < size; at++)
            for (int bit = 0; bit < 8; bit++) {
                data[at] ^= (uint8_t)(1 << bit);
                scratch_write(bad, data, size);
                if (read_all(bad, &rows) != FECIT_E_INPUT)
                    fail_msg("%s: bit %d of byte %zu is not missed", names[f], bit, at);
                assert_non_null(strstr(status_text(), "bad.msgpack: "));
                data[at] ^= (uint8_t)(1 << bit);
            }
        data[size] = 0; /* scratch_read() left a NUL */
        scratch_write(bad, data, size + 1);
        assert_int_equal(read_all(bad, &rows), FECIT_E_INPUT);
        assert_non_null(strstr(status_text(), "goes on for 1 bytes"));
        free(data);
    }
}

/* A file of this header, these bytes as rows, and a footer that is right for them. */
static const char *craft(const void *rows, size_t size, uint64_t count)
{
    static const char header[] =
        "\x82\xa5"
        "fecit\xaa"
        "statements\xa6"
        "format\x01";
    const char *path = scratch_path("crafted.msgpack");
    uint8_t file[4096];
    size_t n = sizeof header - 1;
    struct bytes footer = {0};

    memcpy(file, header, n);
    memcpy(file + n, rows, size);
    n += size;
    assert_int_equal(results_pack_footer(&footer, count, XXH3_64bits(file, n)),
                     FECIT_OK);
    memcpy(file + n, footer.data, footer.size);
    n += footer.size;
    bytes_clear(&footer);
    scratch_write(path, file, n);
    return path;
}

#define BYTES(text) text, sizeof text - 1

static void test_all_types(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        enum record_kind kind;
        uint64_t u;
        int64_t i;
        double f;
    } cases[] = {
        {BYTES("\x81\xa1"
               "k\xc0"),
         RECORD_NIL, 0, 0, 0},
        {BYTES("\x81\xa1"
               "k\xc2"),
         RECORD_BOOL, 0, 0, 0},
        {BYTES("\x81\xa1"
               "k\xc3"),
         RECORD_BOOL, 1, 0, 0},
        {BYTES("\x81\xa1"
               "k\x7f"),
         RECORD_UINT, 127, 0, 0},
        {BYTES("\x81\xa1"
               "k\xcc\xff"),
         RECORD_UINT, 255, 0, 0},
        {BYTES("\x81\xa1"
               "k\xcd\xff\xfe"),
         RECORD_UINT, 65534, 0, 0},
        {BYTES("\x81\xa1"
               "k\xce\xff\xff\xff\xfd"),
         RECORD_UINT, 4294967293, 0, 0},
        {BYTES("\x81\xa1"
               "k\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
         RECORD_UINT, UINT64_MAX, 0, 0},
        {BYTES("\x81\xa1"
               "k\xff"),
         RECORD_INT, 0, -1, 0},
        {BYTES("\x81\xa1"
               "k\xe0"),
         RECORD_INT, 0, -32, 0},
        {BYTES("\x81\xa1"
               "k\xd0\x80"),
         RECORD_INT, 0, -128, 0},
        {BYTES("\x81\xa1"
               "k\xd0\x7f"),
         RECORD_UINT, 127, 0, 0},
        {BYTES("\x81\xa1"
               "k\xd1\xff\x00"),
         RECORD_INT, 0, -256, 0},
        {BYTES("\x81\xa1"
               "k\xd2\x80\x00\x00\x00"),
         RECORD_INT, 0, -2147483648LL, 0},
        {BYTES("\x81\xa1"
               "k\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
         RECORD_INT, 0, INT64_MIN, 0},
        {BYTES("\x81\xa1"
               "k\xd3\x7f\xff\xff\xff\xff\xff\xff\xff"),
         RECORD_UINT, INT64_MAX, 0, 0},
        {BYTES("\x81\xa1"
               "k\xca\xbf\x80\x00\x00"),
         RECORD_FLOAT, 0, 0, -1},
        {BYTES("\x81\xa1"
               "k\xcb\x40\x09\x21\xfb\x54\x44\x2d\x18"),
         RECORD_FLOAT, 0, 0, 0x1.921fb54442d18p1},
        {BYTES("\x81\xd9\x01"
               "k\xd9\x02"
               "ab"),
         RECORD_TEXT, 0, 0, 0},
        {BYTES("\x81\xda\x00\x01"
               "k\xda\x00\x02"
               "ab"),
         RECORD_TEXT, 0, 0, 0},
        {BYTES("\xde\x00\x01\xa1"
               "k\xdb\x00\x00\x00\x02"
               "ab"),
         RECORD_TEXT, 0, 0, 0},
        {BYTES("\xdf\x00\x00\x00\x01\xa1"
               "k\xc4\x02"
               "ab"),
         RECORD_BIN, 0, 0, 0},
        {BYTES("\x81\xa1"
               "k\xc5\x00\x02"
               "ab"),
         RECORD_BIN, 0, 0, 0},
        {BYTES("\x81\xa1"
               "k\xc6\x00\x00\x00\x02"
               "ab"),
         RECORD_BIN, 0, 0, 0},
        {BYTES("\x81\xa1"
               "k\xdc\x00\x02\x01\x02"),
         RECORD_LIST, 0, 0, 0},
        {BYTES("\x81\xa1"
               "k\xdd\x00\x00\x00\x02\x01\x02"),
         RECORD_LIST, 0, 0, 0},
        {BYTES("\x82\x05\x06\xa1"
               "k\x82\x01\x02\xa1"
               "k\x90"),
         RECORD_MAP, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct records *file;
        struct record row, value;
        assert_int_equal(records_open(craft(cases[i].bytes, cases[i].size, 1), &file),
                         FECIT_OK);
        if (records_next(file, &row) != FECIT_OK) fail_msg("%zu: %s", i, status_text());
        assert_true(record_get(row, "k", &value));
        assert_int_equal(value.kind, cases[i].kind);
        assert_true(value.u == cases[i].u && value.i == cases[i].i &&
                    value.f == cases[i].f);
        if (value.text) assert_memory_equal(value.text, "ab", 2);
        if (value.kind >= RECORD_LIST) assert_int_equal(value.count, 2);
        assert_int_equal(records_next(file, &row), FECIT_END);
        records_close(file);
    }
}

static void test_lies(void **state)
{
    static const struct {
        const char *bytes;
        size_t size, rows;
        enum fecit_status st;
    } cases[] = {
        {BYTES(""), 0, FECIT_END},
        {BYTES(""), 1, FECIT_E_INPUT}, /* the footer counts one more */
        {BYTES("\x80"), 1, FECIT_END}, /* an empty map is a map */
        {BYTES("\x80"), 0, FECIT_E_INPUT},
        {BYTES("\x90"), 1, FECIT_E_INPUT}, /* a list is no row */
        {BYTES("\x05"), 1, FECIT_E_INPUT},
        {BYTES("\xc1"), 1, FECIT_E_INPUT}, /* never used */
        {BYTES("\x81\xa1"
               "k\xd4\x01\x02"),
         1, FECIT_E_INPUT}, /* an extension */
        {BYTES("\x81\xa1"
               "k\xdd\xff\xff\xff\xff"),
         1, FECIT_E_INPUT}, /* 4 billion items */
        {BYTES("\x81\xa1"
               "k\xdf\xff\xff\xff\xff"),
         1, FECIT_E_INPUT},
        {BYTES("\x81\xa1"
               "k\xdb\xff\xff\xff\xff"),
         1, FECIT_E_INPUT},
        {BYTES("\x81\xa1"
               "k\xc6\xff\xff\xff\xff"),
         1, FECIT_E_INPUT},
        {BYTES("\xdf\xff\xff\xff\xff"), 1, FECIT_E_INPUT},
        {BYTES("\x81\xa1"
               "k\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x90"),
         1, FECIT_END},
        {BYTES("\x81\xa1"
               "k\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
               "\x90"),
         1, FECIT_E_INPUT},
    };
    static char deep[2000];
    uint64_t rows;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (read_all(craft(cases[i].bytes, cases[i].size, cases[i].rows), &rows) !=
            cases[i].st)
            fail_msg("case %zu: %s", i, status_text());
    memset(deep, 0x91, sizeof deep);
    assert_int_equal(read_all(craft(deep, sizeof deep, 1), &rows), FECIT_E_INPUT);
    memset(deep, 0x81, sizeof deep);
    assert_int_equal(read_all(craft(deep, sizeof deep, 1), &rows), FECIT_E_INPUT);
}

static void test_headers(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *text;
    } cases[] = {
        {BYTES(""), "empty"},
        {BYTES("plain text"), "no header"},
        {BYTES("\x80"), "no header"},
        {BYTES("\x81\xa6"
               "format\x01"),
         "no header"},
        {BYTES("\x82\xa5"
               "fecit\x01\xa6"
               "format\x01"),
         "no header"},
        {BYTES("\x82\xa5"
               "fecit\xa1x\xa6"
               "format\x02"),
         "format 2"},
        {BYTES("\x81\xa5"
               "fecit\xa1x"),
         "format 0"},
        {BYTES("\xdf\xff\xff\xff\xff\xa5"
               "fecit"),
         "no header"},
    };
    const char *path = scratch_path("header.msgpack");
    uint64_t rows;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scratch_write(path, cases[i].bytes, cases[i].size);
        assert_int_equal(read_all(path, &rows), FECIT_E_INPUT);
        if (!strstr(status_text(), cases[i].text))
            fail_msg("%zu: %s", i, status_text());
    }
    assert_int_equal(read_all(scratch_path("nowhere"), &rows), FECIT_E_INPUT);
    assert_int_equal(read_all(scratch_folder, &rows), FECIT_E_INPUT);
}

static void test_random_damage(void **state)
{
    const char *folder = scratch_path("random"), *bad = scratch_path("random.msgpack");
    uint64_t seed = 1871, rows;

    (void)state;
    assert_int_equal(sample_folder(folder, 1, 0), FECIT_OK);
    for (int f = 0; f < 3; f++) {
        size_t size;
        uint8_t *data = scratch_read(sample_file(folder, names[f]), &size);
        uint8_t *copy = malloc(size + 1);
        for (int i = 0; i < 4000; i++) {
            size_t n = size;
            enum fecit_status st;
            memcpy(copy, data, size);
            scratch_damage(copy, &n, &seed);
            if (n == size && !memcmp(copy, data, n)) continue;
            scratch_write(bad, copy, n);
            st = read_all(bad, &rows);
            assert_int_equal(st, FECIT_E_INPUT);
        }
        free(copy);
        free(data);
    }
}

static void test_no_memory(void **state)
{
    const char *folder = scratch_path("memory");
    uint64_t rows;
    long n = 1;

    (void)state;
    assert_int_equal(sample_folder(folder, 0, 0), FECIT_OK);
    for (enum fecit_status st = FECIT_E_MEMORY; st != FECIT_END; n++) {
        mem_fail_at(n);
        st = read_all(sample_file(folder, names[1]), &rows);
        mem_fail_at(0);
        assert_true(st == FECIT_END || st == FECIT_E_MEMORY);
        assert_true(n < 100);
    }
    assert_int_equal(rows, SAMPLE_STATEMENTS);
}

/* Sizes that make every width of text length and count appear, over several flushes. */
static void test_large_file(void **state)
{
    const char *folder = scratch_path("large");
    const struct results_options options = {folder, 0, 0, NULL};
    struct results *r = NULL;
    struct records *file;
    struct record record;
    struct row row = {.doc_id = "d", .lang = "en", .label = FECIT_ASSERTED};
    char *text = malloc(3 << 20);
    static const size_t sizes[] = {0, 31, 32, 255, 256, 65535, 65536, 3 << 20};
    enum { N = sizeof sizes / sizeof *sizes };

    (void)state;
    memset(text, 'x', 3 << 20);
    row.text = text;
    assert_int_equal(results_open(&options, &r), FECIT_OK);
    for (uint64_t i = 0; i < 20 * N; i++) {
        row.doc = i % N == 7 ? UINT64_MAX : (uint64_t)1 << (i % 64);
        row.size = sizes[i % N];
        assert_int_equal(results_push_statement(r, &row), FECIT_OK);
    }
    assert_int_equal(results_finish(r), FECIT_OK);
    assert_int_equal(results_statements(r), 20 * N);
    results_close(r);
    assert_int_equal(records_open(sample_file(folder, names[1]), &file), FECIT_OK);
    assert_true(record_get(records_header(file), "model", &record));
    assert_int_equal(record.kind, RECORD_NIL);
    for (uint64_t i = 0; i < 20 * N; i++) {
        const char *found;
        size_t size;
        assert_int_equal(records_next(file, &record), FECIT_OK);
        assert_true(record_uint(record, "doc") ==
                    (i % N == 7 ? UINT64_MAX : (uint64_t)1 << (i % 64)));
        assert_true(record_text(record, "text", &found, &size));
        assert_int_equal(size, sizes[i % N]);
        assert_memory_equal(found, text, size);
    }
    assert_int_equal(records_next(file, &record), FECIT_END);
    records_close(file);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),     cmocka_unit_test(test_statements),
        cmocka_unit_test(test_every_damage),  cmocka_unit_test(test_all_types),
        cmocka_unit_test(test_lies),          cmocka_unit_test(test_headers),
        cmocka_unit_test(test_random_damage), cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_large_file),
    };

    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}

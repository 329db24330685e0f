/* test_verify.c -- a good folder passes; every single fault is named with its file.
 * Also what a stranger's reader (Python) says of the same folder. */
#include "verify.h"

#include "results_sample.h"
#include <math.h>
#include <sys/wait.h>

static const char *const names[] = {"run.json", "documents-00000.msgpack",
                                    "statements-00000.msgpack",
                                    "sentences-00000.msgpack", "rejects.jsonl"};
enum { N_NAMES = 5 };

struct heard {
    int n;
    char last[1024];
};

static void hear(void *self, const char *problem)
{
    struct heard *h = self;

    h->n++;
    snprintf(h->last, sizeof h->last, "%s", problem);
}

static enum fecit_status verify(const char *folder, struct heard *heard)
{
    struct verify_counts counts;
    enum fecit_status st;

    *heard = (struct heard){0};
    st = verify_folder(folder, hear, heard, &counts);
    if (st == FECIT_OK) {
        assert_int_equal(counts.documents, SAMPLE_DOCUMENTS);
        assert_int_equal(counts.sentences, SAMPLE_SENTENCES);
        assert_int_equal(counts.statements, SAMPLE_STATEMENTS);
        assert_int_equal(counts.rejects, 2);
        assert_int_equal(counts.files, counts.all ? 5 : 4);
    }
    assert_true((st == FECIT_OK) == (heard->n == 0));
    return st;
}

static void test_good_folders(void **state)
{
    struct heard heard;

    (void)state;
    assert_int_equal(sample_folder(scratch_path("all"), 1, 0), FECIT_OK);
    assert_int_equal(verify(scratch_path("all"), &heard), FECIT_OK);
    assert_int_equal(sample_folder(scratch_path("some"), 0, 0), FECIT_OK);
    assert_int_equal(verify(scratch_path("some"), &heard), FECIT_OK);
}

static void test_missing_and_empty(void **state)
{
    char folder[128];
    struct heard heard;

    (void)state;
    assert_int_equal(verify(scratch_path("nowhere"), &heard), FECIT_E_INPUT);
    for (int i = 0; i < N_NAMES; i++)
        for (int empty = 0; empty < 2; empty++) {
            snprintf(folder, sizeof folder, "%s/miss%d%d", scratch_folder, i, empty);
            assert_int_equal(sample_folder(folder, 1, 0), FECIT_OK);
            if (empty)
                scratch_write(sample_file(folder, names[i]), "", 0);
            else
                assert_int_equal(unlink(sample_file(folder, names[i])), 0);
            assert_int_equal(verify(folder, &heard), FECIT_E_INPUT);
            if (!strstr(heard.last, names[i])) fail_msg("%s: %s", names[i], heard.last);
            assert_int_equal(heard.n, 1);
            assert_non_null(strstr(status_text(), names[i]));
        }
}

/* `from` in a file becomes `to`, of the same length. */
static void replace(const char *folder, const char *name, const char *from,
                    const char *to)
{
    const char *path = sample_file(folder, name);
    size_t size;
    uint8_t *data = scratch_read(path, &size);
    uint8_t *at = memmem(data, size, from, strlen(from));

    assert_int_equal(strlen(from), strlen(to));
    assert_non_null(at);
    memcpy(at, to, strlen(to));
    scratch_write(path, data, size);
    free(data);
}

static void test_run_json(void **state)
{
    static const struct {
        const char *from, *to, *name;
    } cases[] = {
        {"\"complete\": true", "\"complete\":false", "not finished"},
        {"\"fecit\": \"run\"", "\"fecit\": \"ran\"", "run.json"},
        {"\"format\": 1", "\"format\": 2", "format"},
        {"{\"fecit\"", "[\"fecit\"", "JSON"},
        {"\"documents\": 3", "\"documents\": 4", "documents-00000"},
        {"\"sentences\": 5", "\"sentences\": 6", "sentences"},
        {"\"statements\": 3", "\"statements\": 2", "statements"},
        {"\"rejects\": 2", "\"rejects\": 0", "rejects.jsonl"},
        {"\"repaired\": 4", "\"repaired\": 5", "repaired"},
        {"\"repaired\": 4", "\"repairer\": 4", "repaired"},
        {"\"model\": \"abc\"", "\"model\": \"abd\"", "model"},
        {"\"model\": \"abc\"", "\"model\":  null", "model"},
    };
    struct heard heard;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char folder[128];
        snprintf(folder, sizeof folder, "%s/run%zu", scratch_folder, i);
        assert_int_equal(sample_folder(folder, 1, 0), FECIT_OK);
        replace(folder, "run.json", cases[i].from, cases[i].to);
        assert_int_equal(verify(folder, &heard), FECIT_E_INPUT);
        if (!strstr(heard.last, cases[i].name)) fail_msg("%zu: %s", i, heard.last);
    }
}

/* Rows that lie although footer and checksum are right. */
static enum fecit_status lying_folder(const char *folder, int lie)
{
    enum fecit_status st = FECIT_OK;
    const struct results_options options = {folder, 1, 0, "abc"};
    struct results *r = NULL;
    struct document_row d = {.doc_id = "a",
                             .file = "f",
                             .lang = "en",
                             .bytes = 10,
                             .sentences = 1,
                             .statements = 1};
    struct row row = {.doc_id = "a",
                      .text = "0123456789",
                      .size = 10,
                      .end = 10,
                      .lang = "en",
                      .label = FECIT_ASSERTED,
                      .p = .75f,
                      .p_class = {.25f, .5f, .25f, 0}};
    const char run[] =
        "{\"fecit\": \"run\", \"format\": 1, \"complete\": true, \"model\": "
        "\"abc\", \"options\": {\"all\": true}}";

    switch (lie) {
    case 1:
        row.end = 11;
        break;
    case 2:
        row.start = 11, row.end = 10;
        break;
    case 3:
        row.size = 9;
        break;
    case 4:
        row.p = .5f;
        break;
    case 5:
        row.p_class[3] = .5f;
        break;
    case 6:
        row.label = FECIT_NONE;
        break;
    case 7:
        row.doc = 1;
        break;
    case 8:
        d.doc = 1;
        break;
    case 9:
        d.bytes = 9;
        break;
    case 10:
        d.sentences = 2;
        break;
    case 11:
        d.statements = 0;
        break;
    case 12:
        row.sent = 1;
        break;
    case 13:
        row.p_class[0] = (float)NAN;
        break;
    case 14:
        row.p_class[1] = -.5f, row.p_class[2] = 1.25f;
        break;
    }
    TRY(results_open(&options, &r));
    TRY(results_push_document(r, &d));
    TRY(results_push_statement(r, &row));
    if (lie == 15) TRY(results_push_statement(r, &row));
    TRY(results_push_sentence(r, &row));
    if (lie == 16) TRY(results_push_document(r, &d));
    TRY(results_finish(r));
    TRY(results_save_run(r, run, sizeof run - 1));
done:
    results_close(r);
    return st;
}

static void test_lying_rows(void **state)
{
    struct verify_counts counts;
    char folder[128];

    (void)state;
    for (int lie = 0; lie <= 16; lie++) {
        snprintf(folder, sizeof folder, "%s/lie%d", scratch_folder, lie);
        assert_int_equal(lying_folder(folder, lie), FECIT_OK);
        if ((verify_folder(folder, NULL, NULL, &counts) == FECIT_OK) != (lie == 0))
            fail_msg("lie %d: %s", lie, lie ? "believed" : status_text());
    }
}

static void test_mixed_folders(void **state)
{
    const char *one = scratch_path("mixed");
    struct heard heard;
    size_t size;
    uint8_t *data;

    (void)state;
    assert_int_equal(sample_folder(one, 1, 0), FECIT_OK);
    data = scratch_read(sample_file(one, names[2]), &size);
    scratch_write(sample_file(one, names[3]), data, size);
    free(data);
    assert_int_equal(verify(one, &heard), FECIT_E_INPUT);
    assert_non_null(strstr(heard.last, "another file's name"));
}

/* Any one flipped bit of any file but run.json (readable text without a checksum, whose
 * numbers are compared) and the free texts of rejects.jsonl. */
static void test_flipped_bytes(void **state)
{
    const char *folder = scratch_path("flipped");
    struct heard heard;

    (void)state;
    assert_int_equal(sample_folder(folder, 1, 0), FECIT_OK);
    for (int i = 1; i <= 3; i++) {
        size_t size;
        uint8_t *data = scratch_read(sample_file(folder, names[i]), &size);
        for (size_t at = 0; at < size; at++) {
            data[at] ^= (uint8_t)(1 << at % 8);
            scratch_write(sample_file(folder, names[i]), data, size);
            assert_int_equal(verify(folder, &heard), FECIT_E_INPUT);
            assert_int_equal(heard.n, 1);
            assert_non_null(strstr(heard.last, names[i]));
            data[at] ^= (uint8_t)(1 << at % 8);
        }
        scratch_write(sample_file(folder, names[i]), data, size);
        free(data);
    }
    assert_int_equal(verify(folder, &heard), FECIT_OK);
}

static void test_two_faults(void **state)
{
    const char *folder = scratch_path("two");
    struct heard heard;

    (void)state;
    assert_int_equal(sample_folder(folder, 1, 0), FECIT_OK);
    assert_int_equal(truncate(sample_file(folder, names[1]), 300), 0);
    assert_int_equal(unlink(sample_file(folder, names[2])), 0);
    assert_int_equal(truncate(sample_file(folder, names[4]), 30), 0);
    assert_int_equal(verify(folder, &heard), FECIT_E_INPUT);
    assert_int_equal(heard.n, 3);
    assert_non_null(strstr(status_text(), names[1])); /* the first of them */
}

static void test_no_memory(void **state)
{
    const char *folder = scratch_path("memory");
    struct verify_counts counts;
    long n = 1;

    (void)state;
    assert_int_equal(sample_folder(folder, 1, 0), FECIT_OK);
    for (enum fecit_status st = FECIT_E_MEMORY; st != FECIT_OK; n++) {
        mem_fail_at(n);
        st = verify_folder(folder, NULL, NULL, &counts);
        mem_fail_at(0);
        assert_true(st == FECIT_OK || st == FECIT_E_MEMORY);
        assert_true(n < 1000);
    }
    assert_true(n > 5);
}

static int python_check(const char *folder)
{
    char command[400];
    const char *python = getenv("PYTHON");
    int code;

    snprintf(command, sizeof command, "%s tests/check_msgpack.py '%s' > /dev/null 2>&1",
             python ? python : "python3", folder);
    code = system(command);
    return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

static void test_python_agrees(void **state)
{
    const char *folder = scratch_path("python");

    (void)state;
    assert_int_equal(sample_folder(folder, 1, 0), FECIT_OK);
    switch (python_check(folder)) {
    case 0:
        break;
    case 1:
        fail_msg("tests/check_msgpack.py refuses a good folder");
        break;
    default:
        skip(); /* no Python, no packages, or not run from the repository */
    }
    replace(folder, names[2], "Norway", "Norwax");
    assert_int_equal(python_check(folder), 1);
    replace(folder, names[2], "Norwax", "Norway");
    assert_int_equal(python_check(folder), 0);
    assert_int_equal(truncate(sample_file(folder, names[1]), 400), 0);
    assert_int_equal(python_check(folder), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_folders),  cmocka_unit_test(test_missing_and_empty),
        cmocka_unit_test(test_run_json),      cmocka_unit_test(test_lying_rows),
        cmocka_unit_test(test_mixed_folders), cmocka_unit_test(test_flipped_bytes),
        cmocka_unit_test(test_two_faults),    cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_python_agrees),
    };

    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}

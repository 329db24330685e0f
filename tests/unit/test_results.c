/* test_results.c -- what the output folder looks like after every way to end a run. */
#include "results.h"
#include "records.h"
#include "verify.h"

#include "results_sample.h"
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static const char *const whole_names[] = {"run.json", "documents-00000.msgpack",
                                          "statements-00000.msgpack", "rejects.jsonl"};

static void assert_whole(const char *folder)
{
    struct verify_counts counts;

    if (verify_folder(folder, NULL, NULL, &counts) != FECIT_OK)
        fail_msg("%s", status_text());
    assert_int_equal(counts.documents, SAMPLE_DOCUMENTS);
    assert_int_equal(counts.statements, SAMPLE_STATEMENTS);
    for (size_t i = 0; i < 4; i++) {
        char part[400];
        snprintf(part, sizeof part, "%s.part", sample_file(folder, whole_names[i]));
        assert_false(scratch_there(part));
    }
    assert_false(scratch_there(sample_file(folder, ".fecit.lock")));
}

static enum fecit_status try_open(const char *folder, int force)
{
    const struct results_options options = {folder, 0, force, NULL};
    struct results *r = NULL;
    const enum fecit_status st = results_open(&options, &r);

    results_close(r);
    return st;
}

static void test_whole_folder(void **state)
{
    const char *folder = scratch_path("deep/er/whole");
    size_t size;
    char *rejects;

    (void)state;
    assert_int_equal(sample_folder(folder, 0, 0), FECIT_OK);
    assert_whole(folder);
    assert_false(scratch_there(sample_file(folder, "sentences-00000.msgpack")));
    rejects = (char *)scratch_read(sample_file(folder, "rejects.jsonl"), &size);
    assert_string_equal(
        rejects,
        "{\"file\": \"news/\xef\xbf\xbd.txt\", \"offset\": 77, \"line\": 3, "
        "\"why\": \"not \\\"JSON\\\"\", \"head\": \"7b2261\"}\n"
        "{\"file\": \"news/x.bin\", \"offset\": 0, \"line\": null, "
        "\"why\": \"a binary file\", \"head\": \"\"}\n");
    free(rejects);
    folder = scratch_path("with_all/");
    assert_int_equal(sample_folder(folder, 1, 0), FECIT_OK);
    assert_whole(folder);
    assert_true(scratch_there(sample_file(folder, "sentences-00000.msgpack")));
}

static void test_same_bytes(void **state)
{
    const char *one = scratch_path("same1"), *two = scratch_path("same2");

    (void)state;
    assert_int_equal(sample_folder(one, 1, 0), FECIT_OK);
    assert_int_equal(sample_folder(two, 1, 0), FECIT_OK);
    for (size_t i = 0; i < 4; i++) {
        size_t n, m;
        uint8_t *a = scratch_read(sample_file(one, whole_names[i]), &n);
        uint8_t *b = scratch_read(sample_file(two, whole_names[i]), &m);
        assert_int_equal(n, m);
        assert_memory_equal(a, b, n);
        free(a);
        free(b);
    }
}

/* Finished results: refused, then replaced, and never half of each. */
static void test_force(void **state)
{
    const char *folder = scratch_path("force");
    const struct results_options options = {folder, 0, 1, "other"};
    struct results *r = NULL;

    (void)state;
    assert_int_equal(sample_folder(folder, 1, 0), FECIT_OK);
    assert_int_equal(try_open(folder, 0), FECIT_E_OUTPUT);
    assert_non_null(strstr(status_text(), "--force"));
    assert_whole(folder);
    assert_int_equal(results_open(&options, &r), FECIT_OK);
    assert_int_equal(sample_run_save(r, 0, 0), FECIT_OK);
    assert_int_equal(sample_document_push(r, 0, 0), FECIT_OK);
    results_close(r); /* stopped: the old results stand */
    assert_true(scratch_there(sample_file(folder, "documents-00000.msgpack.part")));
    assert_true(scratch_there(sample_file(folder, "sentences-00000.msgpack")));
    {
        struct verify_counts counts;
        assert_int_equal(verify_folder(folder, NULL, NULL, &counts), FECIT_OK);
        assert_true(counts.all);
    }
    assert_int_equal(try_open(folder, 0), FECIT_E_OUTPUT);
    assert_int_equal(sample_folder(folder, 0, 1), FECIT_OK);
    assert_whole(folder);
    assert_false(scratch_there(sample_file(folder, "sentences-00000.msgpack")));
}

/* Killed between the renames and the last run.json: nobody takes it for finished. */
static void test_killed_while_replacing(void **state)
{
    const char *folder = scratch_path("killed");
    const struct results_options options = {folder, 0, 1, "abc"};
    struct results *r = NULL;
    struct verify_counts counts;

    (void)state;
    assert_int_equal(sample_folder(folder, 1, 0), FECIT_OK);
    assert_int_equal(results_open(&options, &r), FECIT_OK);
    assert_int_equal(results_finish(r), FECIT_OK);
    results_close(r);
    assert_int_equal(verify_folder(folder, NULL, NULL, &counts), FECIT_E_INPUT);
    assert_int_equal(sample_folder(folder, 0, 0), FECIT_OK); /* no force is needed */
    assert_whole(folder);
}

static void test_unfinished_starts_again(void **state)
{
    const char *folder = scratch_path("again");
    const struct results_options options = {folder, 1, 0, "abc"};
    struct results *r = NULL;
    struct verify_counts counts;

    (void)state;
    assert_int_equal(results_open(&options, &r), FECIT_OK);
    assert_int_equal(sample_run_save(r, 0, 1), FECIT_OK);
    assert_int_equal(sample_document_push(r, 0, 1), FECIT_OK);
    assert_int_equal(sample_rejects_push(r), FECIT_OK);
    assert_int_equal(results_statements(r), 1);
    assert_int_equal(results_rejects(r), 2);
    results_close(r);
    assert_false(scratch_there(sample_file(folder, "statements-00000.msgpack")));
    {
        size_t size;
        char *text =
            (char *)scratch_read(sample_file(folder, "rejects.jsonl.part"), &size);
        assert_non_null(strstr(text, "a binary file")); /* what a stopped run leaves */
        free(text);
    }
    assert_int_equal(verify_folder(folder, NULL, NULL, &counts), FECIT_E_INPUT);
    assert_non_null(strstr(status_text(), "not finished"));
    assert_int_equal(sample_folder(folder, 0, 0), FECIT_OK);
    assert_whole(folder);
    assert_false(scratch_there(sample_file(folder, "sentences-00000.msgpack.part")));
}

static void test_foreign_folders(void **state)
{
    const char *folder = scratch_path("foreign");
    static const char *const contents[][2] = {
        {"thesis.txt", "mine"},
        {"run.json", "{\"complete\": false}"},
        {"run.json", ""},
        {"run.json", "{\"fecit\": \"run\"}"},
        {"statements-00000.msgpack", "mine"},
        {"statements-00001.msgpack", "mine"},
        {"rejects.jsonl.part.part", "mine"},
        {".hidden", "mine"},
        {"documents-00000.msgpac", "mine"},
    };

    (void)state;
    assert_int_equal(mkdir(folder, 0777), 0);
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        const char *file = sample_file(folder, contents[i][0]);
        size_t size;
        uint8_t *after;
        scratch_write(file, contents[i][1], strlen(contents[i][1]));
        for (int force = 0; force < 2; force++) {
            assert_int_equal(try_open(folder, force), FECIT_E_OUTPUT);
            assert_non_null(strstr(status_text(), contents[i][0]));
        }
        after = scratch_read(file, &size);
        assert_int_equal(size, strlen(contents[i][1]));
        assert_memory_equal(after, contents[i][1], size);
        free(after);
        assert_int_equal(unlink(file), 0);
        assert_int_equal(rmdir(folder), 0); /* nothing of ours was left in it */
        assert_int_equal(mkdir(folder, 0777), 0);
    }
    assert_int_equal(try_open(folder, 0), FECIT_OK); /* an empty folder is fine */
}

static void test_impossible_places(void **state)
{
    const char *file = scratch_path("a_file");

    (void)state;
    scratch_write(file, "x", 1);
    assert_int_equal(try_open(file, 1), FECIT_E_OUTPUT);
    assert_non_null(strstr(status_text(), "is a file"));
    assert_int_equal(try_open(scratch_path("a_file/below"), 0), FECIT_E_OUTPUT);
    assert_int_equal(try_open("/proc/fecit-no-such-place", 0), FECIT_E_OUTPUT);
    assert_non_null(strstr(status_text(), "/proc/fecit-no-such-place"));
    assert_int_equal(try_open("", 0), FECIT_E_OUTPUT);
}

static void test_two_at_once(void **state)
{
    const char *folder = scratch_path("locked");
    const struct results_options options = {folder, 0, 0, NULL};
    struct results *r = NULL;

    (void)state;
    assert_int_equal(results_open(&options, &r), FECIT_OK);
    assert_int_equal(try_open(folder, 0), FECIT_E_OUTPUT);
    assert_non_null(strstr(status_text(), "another fecit (process "));
    assert_int_equal(try_open(folder, 1), FECIT_E_OUTPUT);
    results_close(r);
    assert_int_equal(try_open(folder, 0), FECIT_OK);
    scratch_write(sample_file(folder, ".fecit.lock"), "left by a kill", 14);
    assert_int_equal(try_open(folder, 0), FECIT_OK);
    assert_false(scratch_there(sample_file(folder, ".fecit.lock")));
}

/* Many rows, so that files are written in pieces; returns the first failure. */
static enum fecit_status many_rows(const char *folder, int force)
{
    enum fecit_status st = FECIT_OK;
    const struct results_options options = {folder, 0, force, "abc"};
    struct results *r = NULL;
    struct document_row d = {.doc_id = "many", .file = "f", .lang = "en"};

    TRY(results_open(&options, &r));
    TRY(sample_run_save(r, 0, 0));
    for (d.doc = 0; d.doc < 30000; d.doc++)
        TRY(results_push_document(r, &d));
    TRY(results_finish(r));
    TRY(sample_run_save(r, 1, 0));
done:
    if (st != FECIT_OK && r) { /* sticky: nothing can make it look whole */
        char first[1024];
        snprintf(first, sizeof first, "%s", status_text());
        status_set(FECIT_OK, "something else");
        assert_int_equal(results_push_document(r, &d), st);
        assert_string_equal(status_text(), first);
        assert_int_equal(results_finish(r), st);
        assert_int_equal(sample_run_save(r, 1, 0), st);
        assert_string_equal(status_text(), first);
    }
    results_close(r);
    return st;
}

static void test_disk_full(void **state)
{
    const char *folder = scratch_path("full");
    struct rlimit old, low;
    struct verify_counts counts;

    (void)state;
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_int_equal(
        symlink("/dev/full", sample_file(folder, "documents-00000.msgpack.part")), 0);
    assert_int_equal(many_rows(folder, 0), FECIT_E_OUTPUT);
    assert_non_null(strstr(status_text(), "full/documents-00000.msgpack.part"));
    assert_non_null(strstr(status_text(), "make room"));
    assert_false(scratch_there(sample_file(folder, "documents-00000.msgpack")));
    assert_int_equal(verify_folder(folder, NULL, NULL, &counts), FECIT_E_INPUT);
    assert_int_equal(unlink(sample_file(folder, "documents-00000.msgpack.part")), 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    for (rlim_t most = 300; most < 3000000; most = most * 5 + 7) {
        low = old;
        low.rlim_cur = most;
        setrlimit(RLIMIT_FSIZE, &low);
        assert_int_equal(many_rows(folder, 0), FECIT_E_OUTPUT);
        setrlimit(RLIMIT_FSIZE, &old);
        assert_non_null(strstr(status_text(), "limit on file sizes"));
        assert_int_equal(verify_folder(folder, NULL, NULL, &counts), FECIT_E_INPUT);
    }
    assert_int_equal(sample_folder(folder, 0, 0), FECIT_OK); /* room was made */
    assert_whole(folder);
    low.rlim_cur = 100000;
    setrlimit(RLIMIT_FSIZE, &low);
    assert_int_equal(many_rows(folder, 1),
                     FECIT_E_OUTPUT); /* replacing: old ones stand */
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(verify_folder(folder, NULL, NULL, &counts), FECIT_OK);
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
        st = sample_folder(folder, 1, 1);
        mem_fail_at(0);
        assert_true(st == FECIT_OK || st == FECIT_E_MEMORY);
        if (verify_folder(folder, NULL, NULL, &counts) != FECIT_OK)
            assert_non_null(strstr(status_text(), "not finished"));
        assert_true(n < 1000);
    }
    assert_true(n > 20);
    assert_whole(folder);
}

/* Killed at random moments: what stands is finished results of one run or unfinished.
 */
static void test_kill(void **state)
{
    const char *folder = scratch_path("kill");
    struct verify_counts counts;
    uint64_t seed = 7;

    (void)state;
    for (int i = 0; i < 30; i++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            for (;;)
                if (sample_folder(folder, i % 2, 1) != FECIT_OK) _exit(1);
        }
        usleep((useconds_t)(scratch_random(&seed) % 9000));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        if (!scratch_there(sample_file(folder, "run.json"))) continue;
        if (verify_folder(folder, NULL, NULL, &counts) != FECIT_OK)
            assert_non_null(strstr(status_text(), "not finished"));
    }
    assert_int_equal(sample_folder(folder, 0, 1), FECIT_OK);
    assert_whole(folder);
}

static void test_hash(void **state)
{
    static const struct {
        const char *one, *two;
        int same;
    } cases[] = {
        {"The Ministry said: \"No.\"", "the ministry  said no", 1},
        {" A\tb\n\xc2\xa0"
         "c ",
         "a b c", 1},
        {"a - b", "a b", 1},
        {"a-b", "ab", 1},
        {"\xe2\x80\x9cQuoted\xe2\x80\x9d \xc2\xabtoo\xc2\xbb", "quoted too", 1},
        {"\xd9\x85\xd9\x8f\xd8\xad\xd9\x80\xd9\x80\xd9\x85\xd9\x91\xd8\xaf",
         "\xd9\x85\xd8\xad\xd9\x85\xd8\xaf", 1},
        {"\xe2\x80\x8f"
         "abc",
         "abc", 1},
        {"\xff", "\xef\xbf\xbd", 1},
        {"ab", "a b", 0},
        {"\xc3\x89", "\xc3\xa9", 0}, /* only ASCII is lower-cased */
        {"a", "b", 0},
    };
    static char longer[5000], upper[5000];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if ((results_hash(cases[i].one, strlen(cases[i].one)) ==
             results_hash(cases[i].two, strlen(cases[i].two))) != cases[i].same)
            fail_msg("%s | %s", cases[i].one, cases[i].two);
    /* XXH3-64 of "" and of "abc", from the xxhash package: the value is part of the
     * format */
    assert_true(results_hash("", 0) == 0x2d06800538d394c2);
    assert_true(results_hash("...", 3) == 0x2d06800538d394c2);
    assert_true(results_hash("A, B: c!", 8) == results_hash("a b c", 5));
    assert_true(results_hash("ABC", 3) == 0x78af5f94892f3950);
    for (size_t i = 0; i < sizeof longer; i++) {
        longer[i] = (char)(i % 7 ? 'a' + i % 26 : ' ');
        upper[i] = (char)(i % 7 ? 'A' + i % 26 : '\t');
    }
    for (size_t n = 0; n < sizeof longer; n += 13)
        assert_true(results_hash(longer, n) == results_hash(upper, n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_folder),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_force),
        cmocka_unit_test(test_killed_while_replacing),
        cmocka_unit_test(test_unfinished_starts_again),
        cmocka_unit_test(test_foreign_folders),
        cmocka_unit_test(test_impossible_places),
        cmocka_unit_test(test_two_at_once),
        cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_kill),
        cmocka_unit_test(test_hash),
    };

    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}

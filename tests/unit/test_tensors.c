/* test_tensors.c -- what is written is read back; what is damaged is refused before
 * use. */
#include "tensors.h"
#include "base/sha256.h"

#include "scratch.h"
#include <signal.h>
#include <sys/resource.h>

static const float numbers[6] = {0, 1, -2.5f, 1e30f, -1e-30f, 7};
static const uint8_t letters[5] = "fecit";
static const uint16_t halves[3] = {0x3c00, 0xbc00, 0x7bff};
static const int8_t small[4] = {-128, -1, 0, 127};
static const uint32_t big = 4000000000u;

static const struct tensor sample[] = {
    {"letters", TENSOR_U8, 1, {5}, letters, 5},
    {"weights.numbers", TENSOR_F32, 2, {2, 3}, numbers, 24},
    {"weights.halves", TENSOR_F16, 1, {3}, halves, 6},
    {"weights.none", TENSOR_I32, 2, {0, 9}, "", 0},
    {"one", TENSOR_U32, 0, {0}, &big, 4},
    {"block", TENSOR_I8, 4, {1, 2, 1, 2}, small, 4},
};
enum { N_SAMPLE = sizeof sample / sizeof *sample };

static const struct note notes[] = {{"title", "six \"tensors\"\n"}, {"empty", ""}};

static const char *sample_write(const char *name)
{
    const char *path = scratch_path(name);

    assert_int_equal(tensors_save(path, sample, N_SAMPLE, notes, 2), FECIT_OK);
    return path;
}

static void test_sha256(void **state)
{
    static const struct {
        const char *text, *hex;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmn"
         "opqkl"
         "mnopqrlmnopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    static uint8_t a[1000];
    struct sha256 s;
    char hex[65], again[65];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sha256_init(&s);
        sha256_push(&s, cases[i].text, strlen(cases[i].text));
        sha256_hex(&s, hex);
        assert_string_equal(hex, cases[i].hex);
    }
    memset(a, 'a', sizeof a);
    sha256_init(&s);
    for (int i = 0; i < 1000; i++)
        sha256_push(&s, a, sizeof a);
    sha256_hex(&s, hex);
    assert_string_equal(
        hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    for (size_t step = 1; step < 200; step++) { /* however it is handed in */
        sha256_init(&s);
        for (size_t at = 0; at < 600; at += step)
            sha256_push(&s, a + at, at + step > 600 ? 600 - at : step);
        sha256_hex(&s, again);
        if (step > 1) assert_string_equal(hex, again);
        memcpy(hex, again, sizeof hex);
    }
}

static void test_round_trip(void **state)
{
    const char *path = sample_write("round.safetensors");
    static const uint64_t any[TENSOR_RANK] = {0};
    struct tensors *t;
    const struct tensor *all;
    struct tensor found;
    uint32_t n;

    (void)state;
    assert_false(scratch_there(scratch_path("round.safetensors.part")));
    assert_int_equal(tensors_load(path, &t), FECIT_OK);
    assert_string_equal(tensors_path(t), path);
    for (int i = 0; i < N_SAMPLE; i++) {
        const struct tensor *s = &sample[i];
        assert_int_equal(tensors_find(t, s->name, s->type, s->rank, any, &found),
                         FECIT_OK);
        assert_int_equal(tensors_find(t, s->name, s->type, s->rank, s->shape, &found),
                         FECIT_OK);
        assert_int_equal(found.size, s->size);
        assert_memory_equal(found.data, s->data, s->size);
        assert_memory_equal(found.shape, s->shape, s->rank * sizeof *s->shape);
    }
    all = tensors_all(t, &n);
    assert_int_equal(n, N_SAMPLE);
    for (uint32_t i = 1; i < n; i++)
        assert_true(strcmp(all[i - 1].name, all[i].name) < 0);
    assert_string_equal(tensors_note(t, "title"), notes[0].value);
    assert_string_equal(tensors_note(t, "empty"), "");
    assert_null(tensors_note(t, "absent"));
    tensors_free(t);
    tensors_free(NULL);
}

static void test_find_says_why(void **state)
{
    const uint64_t wrong[2] = {2, 4}, right[2] = {2, 0};
    struct tensors *t;
    struct tensor found;

    (void)state;
    assert_int_equal(tensors_load(sample_write("find.safetensors"), &t), FECIT_OK);
    assert_int_equal(tensors_find(t, "weights.numbers", TENSOR_F32, 2, right, &found),
                     FECIT_OK);
    assert_int_equal(tensors_find(t, "weights.numbers", TENSOR_F32, 2, wrong, &found),
                     FECIT_E_MODEL);
    assert_non_null(strstr(status_text(), "F32 [2][4]"));
    assert_non_null(strstr(status_text(), "F32 [2][3]"));
    assert_int_equal(tensors_find(t, "weights.numbers", TENSOR_I32, 2, right, &found),
                     FECIT_E_MODEL);
    assert_int_equal(tensors_find(t, "weights.numbers", TENSOR_F32, 1, right, &found),
                     FECIT_E_MODEL);
    assert_int_equal(tensors_find(t, "weights.number", TENSOR_F32, 2, right, &found),
                     FECIT_E_MODEL);
    assert_non_null(strstr(status_text(), "weights.number"));
    assert_null(found.data);
    tensors_free(t);
    assert_int_equal(tensors_load(scratch_path("nowhere.safetensors"), &t),
                     FECIT_E_MODEL);
    assert_non_null(strstr(status_text(), "nowhere.safetensors"));
    assert_int_equal(tensors_load(scratch_folder, &t), FECIT_E_MODEL);
    assert_null(t);
}

static void test_digest(void **state)
{
    struct tensor turned[N_SAMPLE];
    char one[65], two[65], hex[65];
    struct sha256 s;

    (void)state;
    for (int i = 0; i < N_SAMPLE; i++)
        turned[i] = sample[N_SAMPLE - 1 - i];
    tensors_digest(sample, N_SAMPLE, NULL, one);
    tensors_digest(turned, N_SAMPLE, NULL, two);
    assert_string_equal(one, two);
    tensors_digest(sample, N_SAMPLE, "weights.", two);
    sha256_init(&s); /* name order: block, letters, one */
    sha256_push(&s, small, 4);
    sha256_push(&s, letters, 5);
    sha256_push(&s, &big, 4);
    sha256_hex(&s, hex);
    assert_string_equal(two, hex);
    assert_string_not_equal(one, two);
    tensors_digest(NULL, 0, NULL, hex);
    assert_int_equal(strncmp(hex, "e3b0c442", 8), 0);
}

/* A file with this header text (data: `size` zeros). */
static enum fecit_status load_header(const char *header, size_t size)
{
    static uint8_t file[4096];
    const uint64_t n = strlen(header);
    const char *path = scratch_path("header.safetensors");
    struct tensors *t;
    enum fecit_status st;

    memset(file, 0, sizeof file);
    memcpy(file, &n, 8);
    memcpy(file + 8, header, n);
    scratch_write(path, file, 8 + n + size);
    st = tensors_load(path, &t);
    tensors_free(t);
    return st;
}

static void test_bad_headers(void **state)
{
    static const struct {
        const char *why, *header;
        size_t size;
        enum fecit_status st;
    } cases[] = {
        {"nothing at all", "{}", 0, FECIT_OK},
        {"aligned", "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}  ",
         2, FECIT_OK},
        {"bytes after the last",
         "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 3,
         FECIT_E_MODEL},
        {"a hole", "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3,
         FECIT_E_MODEL},
        {"an overlap",
         "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
         3, FECIT_E_MODEL},
        {"the same name",
         "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
         "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}",
         3, FECIT_E_MODEL},
        {"past the end",
         "{\"a\":{\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[0,9]}}", 8,
         FECIT_E_MODEL},
        {"shape and bytes differ",
         "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,2]}}", 2,
         FECIT_E_MODEL},
        {"backwards", "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,0]}}",
         2, FECIT_E_MODEL},
        {"negative", "{\"a\":{\"dtype\":\"U8\",\"shape\":[-2],\"data_offsets\":[0,2]}}",
         2, FECIT_E_MODEL},
        {"half a byte",
         "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,1.5]}}", 2,
         FECIT_E_MODEL},
        {"beyond 2^53",
         "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,1e300]}}", 2,
         FECIT_E_MODEL},
        {"shape overflows",
         "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,4294967296],"
         "\"data_offsets\":[0,0]}}",
         0, FECIT_E_MODEL},
        {"a huge shape with a zero",
         "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,0],"
         "\"data_offsets\":[0,0]}}",
         0, FECIT_OK},
        {"five sizes",
         "{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,2],\"data_offsets\":[0,2]}}", 2,
         FECIT_E_MODEL},
        {"unknown type",
         "{\"a\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[0,2]}}", 2,
         FECIT_E_MODEL},
        {"no type", "{\"a\":{\"shape\":[2],\"data_offsets\":[0,2]}}", 2, FECIT_E_MODEL},
        {"three offsets",
         "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2,2]}}", 2,
         FECIT_E_MODEL},
        {"no map", "{\"a\":7}", 2, FECIT_E_MODEL},
        {"a list", "[]", 0, FECIT_E_MODEL},
        {"no JSON", "{\"a\"", 0, FECIT_E_MODEL},
        {"an empty name",
         "{\"\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2,
         FECIT_E_MODEL},
        {"NUL in a name",
         "{\"a\\u0000b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2,
         FECIT_E_MODEL},
        {"a note that is no text", "{\"__metadata__\":{\"a\":1}}", 0, FECIT_E_MODEL},
        {"notes that are no map", "{\"__metadata__\":[]}", 0, FECIT_E_MODEL},
        {"notes twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, FECIT_E_MODEL},
        {"a note twice", "{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0,
         FECIT_E_MODEL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const enum fecit_status st = load_header(cases[i].header, cases[i].size);
        if (st != cases[i].st)
            fail_msg("%s: status %d: %s", cases[i].why, st, status_text());
        if (st != FECIT_OK)
            assert_non_null(strstr(status_text(), "header.safetensors"));
    }
}

/* A header that is not padded to 8 moves the data: only one length in four fits a
 * float. */
static void test_alignment(void **state)
{
    char header[] =
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}    ";
    int good = 0;

    (void)state;
    for (int i = 0; i < 4; i++) {
        good += load_header(header, 4) == FECIT_OK;
        header[strlen(header) - 1] = 0;
    }
    assert_int_equal(good, 1);
}

/* Load and touch every byte that the reader vouches for. */
static enum fecit_status load_all(const char *path)
{
    struct tensors *t;
    const enum fecit_status st = tensors_load(path, &t);
    const struct tensor *all;
    uint32_t n;
    char hex[65];

    if (st == FECIT_OK) {
        all = tensors_all(t, &n);
        tensors_digest(all, n, NULL, hex);
    }
    tensors_free(t);
    return st;
}

static void test_damage(void **state)
{
    const char *cut = scratch_path("cut.safetensors");
    size_t size;
    uint8_t *good = scratch_read(sample_write("good.safetensors"), &size);
    uint8_t *bad = malloc(size + 1);
    uint64_t seed = 20240611;

    (void)state;
    memcpy(bad, good, size);
    bad[size] = 0;
    for (size_t n = 0; n < size; n++) {
        scratch_write(cut, bad, n);
        assert_int_equal(load_all(cut), FECIT_E_MODEL);
    }
    scratch_write(cut, bad, size + 1);
    assert_int_equal(load_all(cut), FECIT_E_MODEL);
    for (size_t i = 0; i < 8; i++) /* the header's length */
        for (int bit = 0; bit < 8; bit++) {
            bad[i] ^= (uint8_t)(1 << bit);
            scratch_write(cut, bad, size);
            assert_int_equal(load_all(cut), FECIT_E_MODEL);
            bad[i] = good[i];
        }
    for (int i = 0; i < 5000; i++) { /* no crash, no read past the end */
        size_t n = size;
        enum fecit_status st;
        memcpy(bad, good, size);
        scratch_damage(bad, &n, &seed);
        scratch_write(cut, bad, n);
        st = load_all(cut);
        assert_true(st == FECIT_OK || st == FECIT_E_MODEL);
    }
    free(good);
    free(bad);
}

static void test_save_refuses(void **state)
{
    const struct tensor twice[2] = {sample[0], sample[0]};
    struct tensor wrong = sample[1];
    const char *path = scratch_path("refused.safetensors");

    (void)state;
    assert_int_equal(tensors_save(path, twice, 2, NULL, 0), FECIT_E_USAGE);
    wrong.size = 23;
    assert_int_equal(tensors_save(path, &wrong, 1, NULL, 0), FECIT_E_USAGE);
    assert_false(scratch_there(path));
    assert_int_equal(tensors_save(path, NULL, 0, NULL, 0), FECIT_OK);
    assert_int_equal(load_all(path), FECIT_OK);
    assert_int_equal(tensors_save(scratch_path("no/such/place"), sample, 1, NULL, 0),
                     FECIT_E_OUTPUT);
}

/* What stood there before a failed save stands there after it. */
static void test_disk_full(void **state)
{
    const char *path = sample_write("full.safetensors");
    const char *part = scratch_path("full.safetensors.part");
    struct rlimit old, low;
    size_t size, again;
    uint8_t *before = scratch_read(path, &size), *after;

    (void)state;
    assert_int_equal(symlink("/dev/full", part), 0);
    assert_int_equal(tensors_save(path, sample, 2, NULL, 0), FECIT_E_OUTPUT);
    assert_non_null(strstr(status_text(), "full.safetensors.part"));
    assert_non_null(strstr(status_text(), "make room"));
    assert_false(scratch_there(part));
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    low = old;
    low.rlim_cur = 100;
    setrlimit(RLIMIT_FSIZE, &low);
    assert_int_equal(tensors_save(path, sample, N_SAMPLE, NULL, 0), FECIT_E_OUTPUT);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_non_null(strstr(status_text(), "byte 100"));
    after = scratch_read(path, &again);
    assert_int_equal(size, again);
    assert_memory_equal(before, after, size);
    free(before);
    free(after);
}

static void test_no_memory(void **state)
{
    const char *path = scratch_path("memory.safetensors");
    long n = 1;

    (void)state;
    for (enum fecit_status st = FECIT_E_MEMORY; st != FECIT_OK; n++) {
        mem_fail_at(n);
        st = tensors_save(path, sample, N_SAMPLE, notes, 2);
        if (st == FECIT_OK) st = load_all(path);
        mem_fail_at(0);
        assert_true(st == FECIT_OK || st == FECIT_E_MEMORY);
        assert_true(n < 1000);
    }
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_find_says_why), cmocka_unit_test(test_digest),
        cmocka_unit_test(test_bad_headers),   cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_damage),        cmocka_unit_test(test_save_refuses),
        cmocka_unit_test(test_disk_full),     cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}

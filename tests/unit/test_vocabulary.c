/* test_vocabulary.c -- the bundled file loads and is what it says; damaged files are
 * refused with a text that names the place. */
#include "vocabulary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const char *bundled(void)
{
    static char path[512];
    const char *models = getenv("FECIT_MODEL");

    snprintf(path, sizeof path, "%s/vocabulary.safetensors",
             models ? models : "models");
    return path;
}

/* A whole file of six pieces, to be spoilt by the tests. */
struct small {
    uint8_t bytes[16];
    uint32_t offsets[7];
    float scores[6];
    uint32_t source[6];
    uint32_t codes[2];
    uint32_t code_offsets[3];
    uint8_t code_bytes[4];
    uint8_t nibbles[6][192];
    uint16_t scales[6][12];
    struct tensor tensors[9];
    struct note notes[6];
    uint32_t n_tensors, n_notes;
};

static struct tensor tensor_of(const char *name, enum tensor_type type, uint64_t rows,
                               uint64_t columns, const void *data, size_t size)
{
    return (struct tensor){name, type, columns ? 2 : 1, {rows, columns}, data, size};
}

static void small_init(struct small *s)
{
    static const char digest[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    *s = (struct small){
        .bytes = "BPEU\xe2\x96\x81x",
        .offsets = {0, 1, 2, 3, 4, 7, 8},
        .scores = {0, 0, 0, -30, -2, -3},
        .source = {0, 1, 2, 3, 4, 5},
        .codes = {9, 160},
        .code_offsets = {0, 1, 2},
        .code_bytes = "  ",
        .n_tensors = 8,
        .n_notes = 6,
    };
    for (int j = 0; j < 16; j++)
        s->nibbles[5][j] = (uint8_t)(j | (15 - j) << 4);
    for (int b = 0; b < 12; b++)
        s->scales[5][b] = b == 1   ? 0x0001
                          : b == 2 ? 0xc000
                                   : 0x3800; /* 2^-24, -2, .5 */
    s->tensors[0] = tensor_of("pieces.bytes", TENSOR_U8, 8, 0, s->bytes, 8);
    s->tensors[1] = tensor_of("pieces.offsets", TENSOR_U32, 7, 0, s->offsets, 28);
    s->tensors[2] = tensor_of("pieces.scores", TENSOR_F32, 6, 0, s->scores, 24);
    s->tensors[3] = tensor_of("pieces.source", TENSOR_U32, 6, 0, s->source, 24);
    s->tensors[4] = tensor_of("normalise.code", TENSOR_U32, 2, 0, s->codes, 8);
    s->tensors[5] =
        tensor_of("normalise.offsets", TENSOR_U32, 3, 0, s->code_offsets, 12);
    s->tensors[6] = tensor_of("normalise.bytes", TENSOR_U8, 2, 0, s->code_bytes, 2);
    s->tensors[7] =
        tensor_of("embedding.nibbles", TENSOR_U8, 6, 192, s->nibbles, 6 * 192);
    s->tensors[8] = tensor_of("embedding.scales", TENSOR_F16, 6, 12, s->scales, 6 * 24);
    s->n_tensors = 9;
    s->notes[0] = (struct note){"format", "fecit-vocabulary 1"};
    s->notes[1] = (struct note){"unk", "3"};
    s->notes[2] = (struct note){"bos", "0"};
    s->notes[3] = (struct note){"eos", "2"};
    s->notes[4] = (struct note){"pad", "1"};
    s->notes[5] = (struct note){"digest", digest};
}

/* Saves and loads it. */
static enum fecit_status small_load(const struct small *s, struct vocabulary **v)
{
    char path[] = "/tmp/fecit-vocabulary-XXXXXX";
    enum fecit_status st;

    close(mkstemp(path));
    st = tensors_save(path, s->tensors, s->n_tensors, s->notes, s->n_notes);
    if (st == FECIT_OK) st = vocabulary_load(path, v);
    unlink(path);
    return st;
}

static void bundled_file(void **state)
{
    struct vocabulary *v = NULL;
    uint32_t at;

    (void)state;
    assert_int_equal(vocabulary_load(bundled(), &v), FECIT_OK);
    assert_int_equal(v->n_pieces, 100000);
    assert_int_equal(v->bos, 0);
    assert_int_equal(v->pad, 1);
    assert_int_equal(v->eos, 2);
    assert_int_equal(v->unk, 3);
    assert_non_null(v->bag_projection);
    assert_non_null(v->bag_mean);
    for (uint32_t i = 0; i < v->n_pieces; i++) {
        const uint32_t begin = v->piece_offsets[i], end = v->piece_offsets[i + 1];
        if (i) assert_true(v->source[i] > v->source[i - 1]);
        at = TRIE_ROOT;
        for (uint32_t j = begin; j < end && at; j++)
            at = trie_next(v->trie, at, v->piece_bytes[j]);
        if (v->scores[i] < 0 && i != v->unk)
            assert_true(at && v->trie->nodes[at].value == i + 1);
        else
            assert_true(!at || v->trie->nodes[at].value != i + 1);
    }
    vocabulary_free(v);
}

/* The digest in the file is that of its tensors. */
static void bundled_digest(void **state)
{
    struct tensors *t = NULL;
    const struct tensor *all;
    uint32_t n;
    char hex[65];

    (void)state;
    assert_int_equal(tensors_load(bundled(), &t), FECIT_OK);
    all = tensors_all(t, &n);
    tensors_digest(all, n, NULL, hex);
    assert_string_equal(hex, tensors_note(t, "digest"));
    tensors_free(t);
}

static void rows(void **state)
{
    static struct small s;
    struct vocabulary *v = NULL;
    float row[VOCABULARY_DIM];

    (void)state;
    small_init(&s);
    assert_int_equal(small_load(&s, &v), FECIT_OK);
    vocabulary_row(v, 5, row);
    for (int j = 0; j < 16; j++) { /* low nibble j, high nibble 15 - j, scale .5 */
        assert_true(row[j] == (float)(j - 8) * .5f);
        assert_true(row[16 + j] == (float)(7 - j) * .5f);
    }
    for (int j = 0; j < 32; j++) {
        assert_true(row[32 + j] == -8 * 0x1p-24f); /* subnormal scale, nibbles 0 */
        assert_true(row[64 + j] == -8 * -2.0f);
    }
    assert_null(v->bag_projection);
    vocabulary_free(v);
}

static void refused(struct small *s, const char *text)
{
    struct vocabulary *v = NULL;

    assert_int_equal(small_load(s, &v), FECIT_E_MODEL);
    assert_null(v);
    if (!strstr(status_text(), text)) fail_msg("'%s' lacks '%s'", status_text(), text);
    small_init(s);
}

static void damaged_files(void **state)
{
    static struct small s;
    struct vocabulary *v = NULL;

    (void)state;
    small_init(&s);
    assert_int_equal(small_load(&s, &v), FECIT_OK);
    vocabulary_free(v);
    s.notes[0].value = "fecit-model 1";
    refused(&s, "format");
    s.notes[1].value = "6";
    refused(&s, "unk");
    s.notes[1].value = "3x";
    refused(&s, "unk");
    s.notes[5].value = "short";
    refused(&s, "digest");
    s.offsets[3] = 1;
    refused(&s, "pieces.offsets");
    s.offsets[6] = 9;
    refused(&s, "pieces.offsets");
    s.code_offsets[2] = 3;
    refused(&s, "normalise.offsets");
    s.codes[1] = 9;
    refused(&s, "normalise.code");
    s.codes[1] = 0x110000;
    refused(&s, "normalise.code");
    s.scores[4] = 1 / s.scores[0]; /* infinite */
    refused(&s, "score");
    s.offsets[5] = 8; /* an empty piece */
    refused(&s, "empty");
    s.tensors[3].shape[0] = 5;
    s.tensors[3].size = 20;
    refused(&s, "pieces.source");
    s.n_tensors = 8;
    refused(&s, "embedding.scales");
    s.tensors[7].shape[1] = 96;
    s.tensors[7].shape[0] = 12;
    refused(&s, "embedding.nibbles");
}

static void missing_file(void **state)
{
    struct vocabulary *v = NULL;

    (void)state;
    assert_int_not_equal(vocabulary_load("/nowhere/vocabulary.safetensors", &v),
                         FECIT_OK);
    assert_null(v);
    vocabulary_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bundled_file), cmocka_unit_test(bundled_digest),
        cmocka_unit_test(rows),         cmocka_unit_test(damaged_files),
        cmocka_unit_test(missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

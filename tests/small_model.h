/* small_model.h -- a vocabulary of some forty words, and labelled lines that use them, so that
 * a sieve can be trained, saved and spoilt in a moment. */
#ifndef TESTS_SMALL_MODEL_H
#define TESTS_SMALL_MODEL_H

#include "scratch.h"
#include "train/train.h"

static const char *const small_words[] = {
    "<s>",     "<pad>",    "</s>",     "<unk>",   "minister", "blamed",  "accused",
    "hackers", "northern", "southern", "eastern", "western",  "breach",  "attack",
    "rejects", "denies",   "charge",   "likely",  "perhaps",  "behind",  "said",
    "rain",    "market",   "goal",     "striker", "coach",    "shares",  "fell",
    "rose",    "cloudy",   "tomorrow", "the",     "a",        "of",      "on",
    "for",     "was",      "is",       "and",     "to",       "a-piece", "of-more",
};
enum { SMALL_WORDS = sizeof small_words / sizeof *small_words };

/* Write the vocabulary; every embedding is drawn at random. `spare` changes its digest. */
static inline void small_vocabulary(const char *path, uint32_t spare)
{
    static uint8_t bytes[1024], nibbles[SMALL_WORDS][VOCABULARY_DIM / 2];
    static uint32_t offsets[SMALL_WORDS + 1], source[SMALL_WORDS];
    static float scores[SMALL_WORDS], mean[VOCABULARY_DIM];
    static float projection[VOCABULARY_DIM][VOCABULARY_BAG];
    static uint16_t scales[SMALL_WORDS][VOCABULARY_DIM / 32];
    uint64_t state = 1;
    uint32_t size = 0;
    char digest[65];

    for (uint32_t i = 0; i < SMALL_WORDS; i++) {
        offsets[i] = size;
        size += (uint32_t)snprintf((char *)bytes + size, sizeof bytes - size, "%s%s",
                                   i < 4 ? "" : "\xe2\x96\x81", small_words[i]);
        scores[i] = i < 4 ? i == 3 ? -30.0f : 0 : -2;
        source[i] = i + (i == SMALL_WORDS - 1 ? spare : 0);
        for (uint32_t j = 0; j < VOCABULARY_DIM / 2; j++)
            nibbles[i][j] = (uint8_t)scratch_random(&state);
        for (uint32_t j = 0; j < VOCABULARY_DIM / 32; j++)
            scales[i][j] = 0x3000; /* 1/8 */
    }
    offsets[SMALL_WORDS] = size;
    for (uint32_t i = 0; i < VOCABULARY_BAG; i++)
        projection[i][i] = 1;
    {
        const struct tensor tensors[] = {
            {"pieces.bytes", TENSOR_U8, 1, {size}, bytes, size},
            {"pieces.offsets",
             TENSOR_U32,
             1,
             {SMALL_WORDS + 1},
             offsets,
             sizeof offsets},
            {"pieces.scores", TENSOR_F32, 1, {SMALL_WORDS}, scores, sizeof scores},
            {"pieces.source", TENSOR_U32, 1, {SMALL_WORDS}, source, sizeof source},
            {"normalise.code", TENSOR_U32, 1, {0}, source, 0},
            {"normalise.offsets", TENSOR_U32, 1, {1}, offsets, 4},
            {"normalise.bytes", TENSOR_U8, 1, {0}, bytes, 0},
            {"embedding.nibbles",
             TENSOR_U8,
             2,
             {SMALL_WORDS, VOCABULARY_DIM / 2},
             nibbles,
             sizeof nibbles},
            {"embedding.scales",
             TENSOR_F16,
             2,
             {SMALL_WORDS, VOCABULARY_DIM / 32},
             scales,
             sizeof scales},
            {"bag.projection",
             TENSOR_F32,
             2,
             {VOCABULARY_DIM, VOCABULARY_BAG},
             projection,
             sizeof projection},
            {"bag.mean", TENSOR_F32, 1, {VOCABULARY_DIM}, mean, sizeof mean},
        };
        const uint32_t n = sizeof tensors / sizeof *tensors;
        const struct note notes[] = {
            {"format", "fecit-vocabulary 1"},
            {"unk", "3"},
            {"bos", "0"},
            {"eos", "2"},
            {"pad", "1"},
            {"digest", digest},
        };
        tensors_digest(tensors, n, NULL, digest);
        assert_int_equal(
            tensors_save(path, tensors, n, notes, sizeof notes / sizeof *notes),
            FECIT_OK);
    }
}

/* Write n labelled lines: a third are statements. What decides is one word for the class and
 * one for the state, between words that say nothing. */
static inline void small_examples(const char *path, uint32_t n)
{
    static const char *const states[] = {"northern", "southern", "eastern", "western"};
    static const char *const calm[] = {"rain",   "market",  "goal", "striker",
                                       "coach",  "shares",  "fell", "rose",
                                       "cloudy", "tomorrow"};
    static const char *const filler[] = {"the", "a",   "of", "on",
                                         "for", "was", "is", "and"};
    static const char *const said[][2] = {
        {"blamed", "accused"}, {"likely", "perhaps"}, {"rejects", "denies"}};
    struct bytes out = {0};
    uint64_t state = 7;

    for (uint32_t i = 0; i < n; i++) {
        const uint32_t label = i % 9 < 3 ? 1 + i % 3 : 0;
        const char *key = label ? said[label - 1][scratch_random(&state) % 2]
                                : calm[scratch_random(&state) % 10];
        assert_int_equal(bytes_print(&out, "{\"text\": \""), FECIT_OK);
        for (int w = 0; w < 4; w++)
            assert_int_equal(
                bytes_print(&out, "%s ", filler[scratch_random(&state) % 8]), FECIT_OK);
        /* A number that is no piece keeps the texts apart. */
        assert_int_equal(
            bytes_print(&out,
                        "%s %s %s %u\", \"class\": \"%s\", \"lang\": \"%s\", \"doc\": "
                        "\"d%u\"}\n",
                        states[scratch_random(&state) % 4], key,
                        scratch_random(&state) % 2 ? "minister" : "said", i,
                        fecit_label_name((enum fecit_label)label), i % 2 ? "en" : "xx",
                        i / 2),
            FECIT_OK);
    }
    scratch_write(path, out.data, out.size);
    bytes_clear(&out);
}

/* Options for it that take a moment. */
static inline struct train_options small_options(const char *const *paths)
{
    struct train_options o = train_defaults();

    o.paths = paths;
    o.n_paths = 1;
    o.vocabulary = scratch_path("vocabulary.safetensors");
    o.shape = (struct net_shape){.dim = 16, .n_queries = 2, .hidden = 8};
    o.split.validation = 0.25;
    o.seeds = 1;
    o.epochs = 10;
    o.batch = 32;
    o.rate_rows = o.rate_head = 0.02f;
    return o;
}

#endif

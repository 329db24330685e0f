#include "segment_rules.h"

#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

/* Nothing happens in most of a text: only a terminator (. ! ? and their kin) or the end of a
 * paragraph can end a sentence. So the bytes are passed over one by one until two of them
 * may begin such a character, and only there is a code point made and looked at. */
struct segment_rules {
    uint8_t classes[0x10000]; /* of each code point below U+10000 */
    uint8_t pairs[0x10000];   /* by pair_at(): a stop may begin with these two bytes */
};

static inline uint16_t pair_at(const uint8_t *p)
{
    uint16_t pair;

    memcpy(&pair, p, 2);
    return pair;
}

/* What the passing over must not miss. */
static bool is_stop(int class)
{
    return class == U_SB_ATERM || class == U_SB_STERM || class == U_SB_SEP ||
           class == U_SB_CR || class == U_SB_LF;
}

/* SB5: these belong to the character before them. */
static bool is_mark(int class)
{
    return class == U_SB_EXTEND || class == U_SB_FORMAT;
}

enum fecit_status segment_rules_new(struct segment_rules **out)
{
    enum fecit_status st = FECIT_OK;
    struct segment_rules *r = mem_new(1, sizeof *r);
    uint8_t pair[2];

    TRY_MEM(r);
    for (UChar32 c = 0; c < 0x10000; c++) {
        uint8_t utf8[4];
        int32_t n = 0;
        r->classes[c] = (uint8_t)u_getIntPropertyValue(c, UCHAR_SENTENCE_BREAK);
        if (!is_stop(r->classes[c]) || U_IS_SURROGATE(c)) continue;
        U8_APPEND_UNSAFE(utf8, n, c);
        if (n > 1) r->pairs[pair_at(utf8)] = 1;
        for (int second = 0; n == 1 && second < 256; second++) {
            pair[0] = utf8[0];
            pair[1] = (uint8_t)second;
            r->pairs[pair_at(pair)] = 1;
        }
    }
    for (int first = 0xF0; first < 0x100; first++) /* from U+10000: always look */
        for (int second = 0; second < 256; second++) {
            pair[0] = (uint8_t)first;
            pair[1] = (uint8_t)second;
            r->pairs[pair_at(pair)] = 1;
        }
    *out = r;
done:
    return st;
}

void segment_rules_free(struct segment_rules *r)
{
    mem_free(r);
}

/* The class of the character at byte *at, which moves past it. */
static int class_next(const struct segment_rules *r, const uint8_t *utf8, size_t size,
                      size_t *at)
{
    size_t i = *at;
    UChar32 c;

    U8_NEXT_OR_FFFD(utf8, i, size, c);
    *at = i;
    return c < 0x10000 ? r->classes[c] : u_getIntPropertyValue(c, UCHAR_SENTENCE_BREAK);
}

static int class_at(const struct segment_rules *r, const uint8_t *utf8, size_t size,
                    size_t at)
{
    return class_next(r, utf8, size, &at);
}

bool segment_rules_lower(const struct segment_rules *r, const uint8_t *utf8,
                         size_t size, size_t at)
{
    return class_at(r, utf8, size, at) == U_SB_LOWER;
}

bool segment_rules_upper(const struct segment_rules *r, const uint8_t *utf8,
                         size_t size, size_t at)
{
    return class_at(r, utf8, size, at) == U_SB_UPPER;
}

/* Past the characters of `class` at byte `at`, each with its marks. */
static size_t skip(const struct segment_rules *r, const uint8_t *utf8, size_t size,
                   size_t at, int class)
{
    for (size_t next = at; next < size; at = next) {
        const int found = class_next(r, utf8, size, &next);
        if (found != class && !is_mark(found)) break;
    }
    return at;
}

/* The class of the character before byte `at`, marks left out; `from` is as far back as one
 * looks. */
static int class_before(const struct segment_rules *r, const uint8_t *utf8, size_t from,
                        size_t at)
{
    int class = U_SB_OTHER;

    while (at > from) {
        const size_t end = at;
        while (--at > from && (utf8[at] & 0xC0) == 0x80)
            ;
        class = class_at(r, utf8, end, at);
        if (!is_mark(class)) break;
    }
    return class;
}

/* SB8: whether the next letter is a small one, with no capital, other letter, terminator or
 * end of paragraph before it. *at then is where it stands. */
static bool goes_on_small(const struct segment_rules *r, const uint8_t *utf8,
                          size_t size, size_t *at)
{
    size_t next = *at;

    while (next < size) {
        const size_t here = next;
        const int class = class_next(r, utf8, size, &next);
        if (class == U_SB_LOWER) {
            *at = here;
            return true;
        }
        if (class == U_SB_OLETTER || class == U_SB_UPPER || is_stop(class)) break;
    }
    return false;
}

/* Past the end of a paragraph at byte `at`, which is there. */
static size_t paragraph_end(const struct segment_rules *r, const uint8_t *utf8,
                            size_t size, size_t at)
{
    const bool cr = utf8[at] == '\r';

    class_next(r, utf8, size, &at);
    return cr && at < size && utf8[at] == '\n' ? at + 1 : at; /* SB3 */
}

/* Whether the sentence from `from` ends behind the terminator at byte `at`, which is of
 * `class` and goes to byte `next`. *to: where it ends, else from where to read on. */
static bool ends(const struct segment_rules *r, const uint8_t *utf8, size_t size,
                 size_t from, size_t at, size_t next, int class, size_t *to)
{
    int then;

    *to = next = skip(r, utf8, size, next, U_SB_EXTEND);
    if (next == size) return true;
    if (class == U_SB_ATERM) {
        then = class_at(r, utf8, size, next);
        if (then == U_SB_NUMERIC) return false; /* SB6: 3.5 */
        if (then == U_SB_UPPER) {               /* SB7: U.S */
            const int before = class_before(r, utf8, from, at);
            if (before == U_SB_UPPER || before == U_SB_LOWER) return false;
        }
    }
    next = skip(r, utf8, size, next, U_SB_CLOSE); /* SB9, SB10 */
    next = skip(r, utf8, size, next, U_SB_SP);
    *to = next;
    if (next == size) return true;
    then = class_at(r, utf8, size, next);
    if (then == U_SB_SEP || then == U_SB_CR || then == U_SB_LF) { /* SB11, SB4 */
        *to = paragraph_end(r, utf8, size, next);
        return true;
    }
    if (is_stop(then) || then == U_SB_SCONTINUE) return false; /* SB8a */
    return !(class == U_SB_ATERM && goes_on_small(r, utf8, size, to));
}

/* The first byte from `at` on where a stop may begin; `size` when there is none. */
static size_t find_stop(const struct segment_rules *r, const uint8_t *utf8, size_t size,
                        size_t at)
{
    for (; at + 5 <= size; at += 4) {
        if (r->pairs[pair_at(utf8 + at)]) return at;
        if (r->pairs[pair_at(utf8 + at + 1)]) return at + 1;
        if (r->pairs[pair_at(utf8 + at + 2)]) return at + 2;
        if (r->pairs[pair_at(utf8 + at + 3)]) return at + 3;
    }
    for (; at + 2 <= size; at++)
        if (r->pairs[pair_at(utf8 + at)]) return at;
    return at < size && utf8[at] < 0x80 && is_stop(r->classes[utf8[at]]) ? at : size;
}

size_t segment_rules_next(const struct segment_rules *r, const uint8_t *utf8,
                          size_t size, size_t from)
{
    size_t at = from;

    while ((at = find_stop(r, utf8, size, at)) < size) {
        size_t next = at;
        const int class = class_next(r, utf8, size, &next);
        if (class == U_SB_SEP || class == U_SB_CR || class == U_SB_LF)
            return paragraph_end(r, utf8, size, at);
        if (is_stop(class) && ends(r, utf8, size, from, at, next, class, &next))
            return next;
        at = next;
    }
    return size;
}

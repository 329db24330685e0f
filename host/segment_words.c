#include "segment_words.h"
#include "base/utf8.h"

#include <unicode/ubrk.h>
#include <unicode/uchar.h>

struct segment_words {
    UBreakIterator *breaks;
    UText text;
    const char *utf8;
    size_t size;
};

enum fecit_status segment_words_new(struct segment_words **out)
{
    enum fecit_status st = FECIT_OK;
    struct segment_words *w = mem_new(1, sizeof *w);
    UErrorCode error = U_ZERO_ERROR;

    TRY_MEM(w);
    w->text = (UText)UTEXT_INITIALIZER;
    w->breaks = ubrk_open(UBRK_WORD, "", NULL, 0, &error);
    if (U_FAILURE(error))
        FAIL(FECIT_E_MEMORY,
             "ICU has no word boundaries: %s; install libicu with its data",
             u_errorName(error));
    *out = w;
    w = NULL;
done:
    segment_words_free(w);
    return st;
}

void segment_words_free(struct segment_words *w)
{
    if (!w) return;
    if (w->breaks) ubrk_close(w->breaks);
    utext_close(&w->text);
    mem_free(w);
}

enum fecit_status segment_words_text(struct segment_words *w, const char *utf8,
                                     size_t size)
{
    enum fecit_status st = FECIT_OK;
    UErrorCode error = U_ZERO_ERROR;

    w->utf8 = utf8;
    w->size = size;
    utext_openUTF8(&w->text, utf8, (int64_t)size, &error);
    ubrk_setUText(w->breaks, &w->text, &error);
    if (U_FAILURE(error))
        FAIL(FECIT_E_MEMORY, "ICU cannot look for words: %s", u_errorName(error));
done:
    return st;
}

static bool is_name(int32_t c)
{
    return c >= 0 && (u_isalnum(c) || (U_GET_GC_MASK(c) & U_GC_M_MASK));
}

/* Marks of direction and joiners count as white space here: they are no part of a name. */
bool segment_words_cover(struct segment_words *w, size_t *start, size_t *end)
{
    const char *at, *last = NULL;

    if (*start >= *end || *end > w->size) return false;
    if (!ubrk_isBoundary(w->breaks, (int32_t)*start)) {
        const int32_t before = ubrk_preceding(w->breaks, (int32_t)*start);
        *start = before == UBRK_DONE ? 0 : (size_t)before;
    }
    if (!ubrk_isBoundary(w->breaks, (int32_t)*end)) {
        const int32_t after = ubrk_following(w->breaks, (int32_t)*end);
        *end = after == UBRK_DONE ? w->size : (size_t)after;
    }
    at = w->utf8 + *start;
    while (at < w->utf8 + *end) {
        const char *from = at;
        if (!is_name(utf8_next(&at, w->utf8 + *end))) continue;
        if (!last) *start = (size_t)(from - w->utf8);
        last = at;
    }
    if (last) *end = (size_t)(last - w->utf8);
    return last != NULL;
}

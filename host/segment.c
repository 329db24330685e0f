#include "segment.h"

#include <stdbool.h>
#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

/* ICU's rules run fastest on UTF-16, so the text is converted, with every newline that only
 * wraps a line turned into a space, and boundaries are carried back by walking both texts
 * once from left to right. */
struct segment {
    UBreakIterator *rules;
    const char *utf8;
    size_t size;
    UChar *wide; /* [n_wide] */
    size_t capacity;
    int32_t n_wide;
    int32_t wide_at;   /* the walk: this unit of `wide` ... */
    size_t utf8_at;    /* ... is this byte of `utf8` */
    size_t start, end; /* what is left of the sentence being cut */
};

#define WRAP_MOST                                                                      \
    110 /* code points; a longer line is a paragraph, not a wrapped line */
#define WRAP_LEAST                                                                     \
    40 /* a wrapped line is at least so long; shorter ones are headlines */

enum fecit_status segment_new(struct segment **out)
{
    enum fecit_status st = FECIT_OK;
    UErrorCode code = U_ZERO_ERROR;
    struct segment *s = mem_new(1, sizeof *s);

    TRY_MEM(s);
    s->rules = ubrk_open(UBRK_SENTENCE, "", NULL, 0, &code);
    if (U_FAILURE(code))
        FAIL(FECIT_E_MEMORY, "ICU gives no sentence rules: %s; install libicu72",
             u_errorName(code));
    *out = s;
    s = NULL;
done:
    segment_free(s);
    return st;
}

void segment_free(struct segment *s)
{
    if (!s) return;
    if (s->rules) ubrk_close(s->rules);
    mem_free(s->wide);
    mem_free(s);
}

static bool is_space(UChar c)
{
    return c == ' ' || c == '\t' || c == 0xA0;
}

/* A line that begins a list entry is not the continuation of the line above it. */
static bool begins_entry(const UChar *line, int32_t size)
{
    int32_t digits = 0;

    if (size == 0 || line[0] == '-' || line[0] == '*' || line[0] == 0x2022 ||
        line[0] == '#' || line[0] == '>')
        return true;
    while (digits < size && line[digits] >= '0' && line[digits] <= '9')
        digits++;
    return digits > 0 && digits < size &&
           (line[digits] == '.' || line[digits] == ')') && digits + 1 < size &&
           is_space(line[digits + 1]);
}

/* Whether the newline after line [from, to) only wraps it: the line is as long as wrapped
 * lines are, goes up to the margin (the next word would not have fitted, allowing 12 code
 * points), and the next one is neither blank nor a list entry. `margin` is the longest line
 * of its paragraph. */
static bool wraps(const UChar *wide, int32_t from, int32_t to, int32_t next,
                  int32_t end, int32_t margin)
{
    int32_t word = next, line_end = next;

    if (to - from < WRAP_LEAST || margin > WRAP_MOST) return false;
    while (line_end < end && wide[line_end] != '\n')
        line_end++;
    if (begins_entry(wide + next, line_end - next)) return false;
    while (word < line_end && !is_space(wide[word]))
        word++;
    return to - from + 1 + (word - next) > margin - 12;
}

/* Turn newlines that only wrap a line into spaces; one unit each, so offsets hold. */
static void unwrap(UChar *wide, int32_t n)
{
    int32_t paragraph = 0;

    while (paragraph < n) {
        int32_t end = paragraph, margin = 0, line = paragraph;
        /* The paragraph ends at a blank line or the text's end. */
        while (end < n &&
               !(wide[end] == '\n' &&
                 (end + 1 >= n || wide[end + 1] == '\n' || wide[end + 1] == '\r')))
            end++;
        for (int32_t i = paragraph; i <= end; i++)
            if (i == end || wide[i] == '\n') {
                if (i - line > margin) margin = i - line;
                line = i + 1;
            }
        line = paragraph;
        for (int32_t i = paragraph; i < end; i++)
            if (wide[i] == '\n') {
                const int32_t to = i > line && wide[i - 1] == '\r' ? i - 1 : i;
                if (wraps(wide, line, to, i + 1, end, margin)) {
                    wide[i] = ' ';
                    if (to < i) wide[to] = ' ';
                }
                line = i + 1;
            }
        paragraph = end + 1;
    }
}

enum fecit_status segment_text(struct segment *s, const char *utf8, size_t size)
{
    enum fecit_status st = FECIT_OK;
    UErrorCode code = U_ZERO_ERROR;
    void *grown;

    if (size > INT32_MAX)
        FAIL(FECIT_E_INPUT, "a text of %zu bytes is longer than ICU can split (2 GiB)",
             size);
    TRY_MEM(grown = mem_grow(s->wide, &s->capacity, size + 1, sizeof *s->wide));
    s->wide = grown;
    u_strFromUTF8(s->wide, (int32_t)size + 1, &s->n_wide, utf8, (int32_t)size, &code);
    if (U_FAILURE(code))
        FAIL(FECIT_E_INPUT, "ICU cannot read the text: %s", u_errorName(code));
    if (memchr(utf8, '\n', size)) unwrap(s->wide, s->n_wide);
    ubrk_setText(s->rules, s->wide, s->n_wide, &code);
    if (U_FAILURE(code))
        FAIL(FECIT_E_MEMORY, "ICU cannot take the text: %s", u_errorName(code));
    s->utf8 = utf8;
    s->size = size;
    s->wide_at = 0;
    s->utf8_at = s->start = s->end = 0;
    ubrk_first(s->rules);
done:
    return st;
}

/* The byte of unit `to`, which never goes back. */
static size_t walk(struct segment *s, int32_t to)
{
    const uint8_t *utf8 = (const uint8_t *)s->utf8;
    size_t at = s->utf8_at;

    for (int32_t i = s->wide_at; i < to;) {
        const uint8_t lead = utf8[at];
        at += lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        i += lead < 0xF0 ? 1 : 2;
    }
    s->wide_at = to;
    return s->utf8_at = at;
}

/* Bytes of white space or control at p, 0 when there is something to read. */
static size_t blank_at(const uint8_t *p, size_t size)
{
    if (p[0] <= ' ' || p[0] == 0x7F) return 1;
    if (size >= 2 && p[0] == 0xC2 && (p[1] <= 0xA0)) return 2; /* C1, NBSP */
    if (size >= 3 && p[0] == 0xE2 && p[1] == 0x80 &&
        ((p[2] >= 0x80 && p[2] <= 0x8F) || (p[2] >= 0xA8 && p[2] <= 0xAF)))
        return 3; /* spaces, zero width, bidi marks, line separators */
    if (size >= 3 && !memcmp(p, "\xE3\x80\x80", 3)) return 3; /* ideographic space */
    if (size >= 3 && !memcmp(p, "\xEF\xBB\xBF", 3)) return 3;
    return 0;
}

/* Trim [start, end) of s; false when nothing is left. */
static bool trim(struct segment *s)
{
    const uint8_t *utf8 = (const uint8_t *)s->utf8;
    size_t n;

    while (s->start < s->end && (n = blank_at(utf8 + s->start, s->end - s->start)) > 0)
        s->start += n;
    while (s->end > s->start) {
        size_t last = s->end - 1;
        while (last > s->start && (utf8[last] & 0xC0) == 0x80)
            last--;
        if (blank_at(utf8 + last, s->end - last) != s->end - last) break;
        s->end = last;
    }
    return s->start < s->end;
}

/* Where a sentence of more than SEGMENT_MAX bytes is cut: after its last white space before
 * that, else between code points. */
static size_t cut_place(const struct segment *s)
{
    const uint8_t *utf8 = (const uint8_t *)s->utf8;
    size_t most = s->start + SEGMENT_MAX;

    for (size_t i = most; i > s->start + SEGMENT_MAX / 2; i--)
        if (utf8[i - 1] == ' ' || utf8[i - 1] == '\n' || utf8[i - 1] == '\t') return i;
    while (most > s->start + 1 && (utf8[most] & 0xC0) == 0x80)
        most--;
    return most;
}

enum fecit_status segment_next(struct segment *s, struct sentence *out)
{
    for (;;) {
        size_t whole_end;
        if (s->start >= s->end) {
            const int32_t to = ubrk_next(s->rules);
            if (to == UBRK_DONE) return FECIT_END;
            s->start = s->utf8_at;
            s->end = walk(s, to);
        }
        if (!trim(s)) {
            s->start = s->end;
            continue;
        }
        whole_end = s->end;
        if (s->end - s->start > SEGMENT_MAX) s->end = cut_place(s);
        out->start = s->start;
        out->end = s->end;
        if (s->end < whole_end) { /* the piece's own end may be white space */
            struct segment piece = *s;
            s->start = s->end;
            s->end = whole_end;
            if (!trim(&piece)) continue;
            out->start = piece.start;
            out->end = piece.end;
        } else {
            s->start = s->end;
        }
        return FECIT_OK;
    }
}

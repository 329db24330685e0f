#include "segment_wrap.h"

#include <string.h>

struct line {
    size_t start, end; /* bytes, without the newline, a CR and space before it */
    size_t next;       /* where the next line starts; > size after the last */
    size_t indent;     /* bytes of space at its start */
};

/* What the walk over the lines is about. */
struct wrap {
    const struct segment_rules *rules;
    const uint8_t *utf8;
    size_t size;
    uint8_t *flat; /* NULL: only count */
    size_t found, small, capital;
};

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static struct line line_at(const struct wrap *w, size_t start)
{
    const uint8_t *newline = memchr(w->utf8 + start, '\n', w->size - start);
    struct line l = {.start = start};

    l.end = newline ? (size_t)(newline - w->utf8) : w->size;
    l.next = l.end + 1;
    while (l.end > start && is_space(w->utf8[l.end - 1]))
        l.end--;
    while (start + l.indent < l.end && is_space(w->utf8[start + l.indent]))
        l.indent++;
    return l;
}

static bool is_blank(struct line l)
{
    return l.end == l.start;
}

/* Columns of utf8 [from, to); anything above WRAP_MOST may be given too low, but not below
 * WRAP_MOST + 1. */
static size_t width(const uint8_t *utf8, size_t from, size_t to)
{
    size_t n = 0;

    if (to - from > 4 * WRAP_MOST) return WRAP_MOST + 1;
    for (size_t i = from; i < to; i++) {
        const uint8_t c = utf8[i];
        n += (c & 0xC0) != 0x80;
        n += (c >= 0xE3 && c <= 0xED) || c == 0xEF; /* East Asian, mostly */
    }
    return n;
}

/* A line that begins a list entry, a heading or a quotation is no continuation. */
static bool begins_entry(const uint8_t *p, size_t size)
{
    static const char *const bullets[] = {
        "-", "*", "+", "\xC2\xB7", "\xE2\x80\xA2", "\xE2\x96\xAA", "\xE2\x97\xA6"};
    size_t n = 0;

    if (p[0] == '#' || p[0] == '>' || p[0] == '|') return true;
    for (size_t i = 0; i < sizeof bullets / sizeof *bullets; i++) {
        n = strlen(bullets[i]);
        if (size > n && !memcmp(p, bullets[i], n) && is_space(p[n])) return true;
    }
    for (n = 0; n < size && n < 3 && p[n] >= '0' && p[n] <= '9';)
        n++;
    if (n == 0 && p[0] >= 'a' && p[0] <= 'z' && size > 1 && p[1] == ')') n = 1;
    return n > 0 && n + 1 < size && (p[n] == '.' || p[n] == ')') && is_space(p[n + 1]);
}

/* Whether the newline between the two lines only wraps the first. */
static bool wraps(const struct wrap *w, struct line l, struct line next, size_t margin)
{
    const uint8_t *utf8 = w->utf8;
    const size_t first = next.start + next.indent;
    const size_t columns = width(utf8, l.start, l.end);
    size_t word = first;

    if (columns < WRAP_LEAST || next.indent > l.indent ||
        begins_entry(utf8 + first, next.end - first))
        return false;
    while (word < next.end && !is_space(utf8[word]))
        word++;
    return columns + 1 + width(utf8, first, word) + WRAP_SLACK > margin;
}

static void line_join(struct wrap *w, struct line l, struct line next)
{
    const size_t first = next.start + next.indent;

    w->found++;
    w->small += segment_rules_lower(w->rules, w->utf8, w->size, first);
    w->capital += segment_rules_upper(w->rules, w->utf8, w->size, first);
    for (size_t i = l.end; w->flat && i < l.next; i++)
        w->flat[i] = ' ';
}

/* The paragraph that starts at byte `start`; returns where what follows it starts. */
static size_t paragraph_walk(struct wrap *w, size_t start)
{
    struct line l = line_at(w, start);
    size_t margin = 0, lines = 0, next = start;

    for (struct line at = l; !is_blank(at);) {
        lines++;
        if (margin <= WRAP_MOST) {
            const size_t columns = width(w->utf8, at.start, at.end);
            if (columns > margin) margin = columns;
        }
        next = at.next;
        if (next >= w->size) break;
        at = line_at(w, next);
    }
    if (lines == 0) return l.next;
    for (size_t i = 0; i + 1 < lines && margin <= WRAP_MOST; i++) {
        const struct line after = line_at(w, l.next);
        if (wraps(w, l, after, margin)) line_join(w, l, after);
        l = after;
    }
    return next;
}

static void walk(struct wrap *w)
{
    size_t at = 0;

    while (at < w->size)
        at = paragraph_walk(w, at);
}

enum fecit_status segment_wrap_undo(const struct segment_rules *rules,
                                    const uint8_t *utf8, size_t size,
                                    struct bytes *flat)
{
    enum fecit_status st = FECIT_OK;
    struct wrap w = {.rules = rules, .utf8 = utf8, .size = size};

    flat->size = 0;
    if (size == 0 || !memchr(utf8, '\n', size)) goto done;
    walk(&w);
    if (w.found == 0 || w.small * 3 < w.capital) goto done;
    TRY(bytes_push(flat, utf8, size));
    w.flat = flat->data;
    walk(&w);
done:
    return st;
}

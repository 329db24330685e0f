#include "segment.h"
#include "segment_join.h"
#include "segment_wrap.h"

#include <string.h>

struct segment {
    struct segment_rules *rules;
    struct bytes flat;   /* the text without newlines that only wrap, if it has such */
    const uint8_t *utf8; /* [size] the text, or flat */
    size_t size;
    size_t at;         /* where the next sentence begins */
    size_t start, end; /* what is left of the sentence being cut */
};

enum fecit_status segment_new(struct segment **out)
{
    enum fecit_status st = FECIT_OK;
    struct segment *s = mem_new(1, sizeof *s);

    TRY_MEM(s);
    TRY(segment_rules_new(&s->rules));
    *out = s;
    s = NULL;
done:
    segment_free(s);
    return st;
}

void segment_free(struct segment *s)
{
    if (!s) return;
    segment_rules_free(s->rules);
    bytes_clear(&s->flat);
    mem_free(s);
}

enum fecit_status segment_text(struct segment *s, const char *utf8, size_t size)
{
    enum fecit_status st = FECIT_OK;

    s->utf8 = (const uint8_t *)utf8;
    s->size = s->at = s->start = s->end = 0;
    TRY(segment_wrap_undo(s->rules, s->utf8, size, &s->flat));
    if (s->flat.size > 0) s->utf8 = s->flat.data;
    s->size = size;
done:
    return st;
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
    const uint8_t *utf8 = s->utf8;
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
    const uint8_t *utf8 = s->utf8;
    size_t most = s->start + SEGMENT_MAX;

    for (size_t i = most; i > s->start + SEGMENT_MAX / 2; i--)
        if (utf8[i - 1] == ' ' || utf8[i - 1] == '\n' || utf8[i - 1] == '\t') return i;
    while (most > s->start + 1 && (utf8[most] & 0xC0) == 0x80)
        most--;
    return most;
}

/* The sentence that begins at s->at, with the white space around it. */
static void whole_next(struct segment *s)
{
    size_t at = s->at;

    s->start = s->at;
    do
        at = segment_rules_next(s->rules, s->utf8, s->size, at);
    while (at < s->size &&
           segment_join_check(s->rules, s->utf8, s->size, s->start, at));
    if (at < s->size) at = segment_join_back(s->utf8, s->start, at);
    s->end = s->at = at;
}

enum fecit_status segment_next(struct segment *s, struct sentence *out)
{
    for (;;) {
        size_t whole_end;
        if (s->start >= s->end) {
            if (s->at >= s->size) return FECIT_END;
            whole_next(s);
        }
        if (!trim(s)) {
            s->start = s->end;
            continue;
        }
        whole_end = s->end;
        if (s->end - s->start > SEGMENT_MAX) s->end = cut_place(s);
        if (s->end < whole_end) { /* the piece's own end may be white space */
            struct segment piece = *s;
            s->start = s->end;
            s->end = whole_end;
            if (!trim(&piece)) continue;
            *out = (struct sentence){piece.start, piece.end};
        } else {
            *out = (struct sentence){s->start, s->end};
            s->start = s->end;
        }
        return FECIT_OK;
    }
}

#include "segment_join.h"

#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#define WORD_MOST 10 /* bytes of the longest word of the lists before a dot */

struct word {
    const uint8_t *text; /* [size] */
    size_t size;
};

static const char *const titles[] = {
    "Adm",  "Amb", "Arq",  "Av",  "Avv",  "Bgm",  "Brig", "Capt", "Cdr",    "Cmdr",
    "Col",  "Cpl", "Dipl", "Doç", "Dott", "Dr",   "Dra",  "Fr",   "Gen",    "Gov",
    "Gral", "Hon", "Hr",   "Ing", "Insp", "Lic",  "Lt",   "Maj",  "Messrs", "Mgr",
    "Mons", "Mr",  "Mrs",  "Ms",  "Msgr", "Op",   "Pres", "Prof", "Rep",    "Rev",
    "Sen",  "Sgt", "Sig",  "Sr",  "Sra",  "Srta", "St",   "Sta",  "Ste",    "Supt",
    "Uzm",  "Yrd", "акад", "ген", "им",   "проф", "св",
};
static const char *const counters[] = {
    "Abs", "Apr",  "Art", "Aug", "Dec", "Feb", "Fig", "Jan",    "Jul",
    "Jun", "Mar",  "No",  "Nos", "Nov", "Nr",  "Núm", "Oct",    "Sec",
    "Sep", "Sept", "Vol", "art", "no",  "nr",  "núm", "approx", "ca",
    "p",   "pp",   "vs",  "п",   "рис", "ст",  "стр",
};
static const char *const months[] = {
    "Jan", "Jän", "Feb", "März", "April", "Mai", "Jun",
    "Jul", "Aug", "Sep", "Okt",  "Nov",   "Dez",
};
/* Initials that stand at the end more often than before a name. */
static const char *const final_initials[] = {"A.D", "A.M", "B.C", "D.C", "P.M", "I"};
static const char *const starters[] = {
    "A",         "After", "All",  "An",    "And",   "As",      "At",  "Before", "Both",
    "But",       "By",    "Das",  "Der",   "Die",   "El",      "Er",  "Es",     "For",
    "From",      "He",    "Her",  "His",   "How",   "However", "I",   "If",     "Il",
    "In",        "It",    "Its",  "La",    "Las",   "Le",      "Les", "Los",    "Many",
    "Meanwhile", "Most",  "No",   "Now",   "On",    "One",     "Or",  "Our",    "She",
    "Sie",       "Since", "So",   "Some",  "Such",  "That",    "The", "Their",  "Then",
    "There",     "These", "They", "This",  "Those", "Though",  "To",  "Under",  "Until",
    "We",        "What",  "When", "Where", "While", "Who",     "Why", "With",   "Yet",
    "You",       "Но",    "Он",   "Она",   "Они",   "Это",
};

static bool is(struct word w, const char *text)
{
    return w.size > 0 && w.text[0] == (uint8_t)text[0] && w.size == strlen(text) &&
           !memcmp(w.text, text, w.size);
}
#define IS_ONE_OF(w, list) is_one_of(w, list, sizeof(list) / sizeof *(list))
static bool is_one_of(struct word w, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is(w, list[i])) return true;
    return false;
}

static bool begins_month(struct word w)
{
    for (size_t i = 0; i < sizeof months / sizeof *months; i++)
        if (w.size >= strlen(months[i]) &&
            !memcmp(w.text, months[i], strlen(months[i])))
            return true;
    return false;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* ASCII that stands around words, and any space. */
static bool is_edge(uint8_t c)
{
    static const bool marks[128] = {
        ['"'] = true, ['\''] = true, ['('] = true, [')'] = true,
        ['['] = true, [']'] = true,  ['{'] = true, ['}'] = true,
        ['<'] = true, ['>'] = true,  ['/'] = true, [','] = true,
        [';'] = true, [':'] = true,  ['!'] = true, ['?'] = true,
    };

    return c <= ' ' || (c < 0x80 && marks[c]);
}

/* The word that ends at byte `end`, dots inside it included; empty when it is longer than
 * any word of the lists. Quotation marks beyond ASCII end it too. */
static struct word word_before(const uint8_t *utf8, size_t start, size_t end)
{
    size_t at = end;

    while (at > start && !is_edge(utf8[at - 1])) {
        if (at - start >= 3 && utf8[at - 3] == 0xE2 && utf8[at - 2] == 0x80) break;
        if (at - start >= 2 && utf8[at - 2] == 0xC2) break; /* NBSP, guillemets */
        if (end - at == WORD_MOST) return (struct word){utf8, 0};
        at--;
    }
    return (struct word){utf8 + at, end - at};
}

static struct word word_after(const uint8_t *utf8, size_t size, size_t at)
{
    size_t end = at;

    while (end < size && !is_edge(utf8[end]))
        end++;
    return (struct word){utf8 + at, end - at};
}

/* J, J.K, А.С: capitals with dots between them, four at most. */
static bool is_initials(const struct segment_rules *rules, struct word w)
{
    size_t at = 0, letters = 0;

    while (at < w.size) {
        if (letters > 0 && w.text[at++] != '.') return false;
        if (at >= w.size || !segment_rules_upper(rules, w.text, w.size, at))
            return false;
        for (at++; at < w.size && (w.text[at] & 0xC0) == 0x80;)
            at++;
        letters++;
    }
    return letters > 0 && letters <= 4;
}

/* The dot at byte `dot` of the sentence from `start`, before what begins at `next`. */
static bool dot_joins(const struct segment_rules *rules, const uint8_t *utf8,
                      size_t size, size_t start, size_t dot, size_t next)
{
    const struct word before = word_before(utf8, start, dot);

    if (before.size == 0) return false;
    if (is_digit(utf8[next])) return IS_ONE_OF(before, counters);
    if (before.text[0] >= 'a' && before.text[0] <= 'z') return false; /* most words */
    if (!segment_rules_upper(rules, utf8, size, next)) return false;
    if (is_digit(before.text[0]))
        return is_digit(before.text[before.size - 1]) && before.size <= 2 &&
               begins_month(word_after(utf8, size, next));
    if (IS_ONE_OF(before, titles)) return true;
    return is_initials(rules, before) && !IS_ONE_OF(before, final_initials) &&
           !IS_ONE_OF(word_after(utf8, size, next), starters);
}

bool segment_join_check(const struct segment_rules *rules, const uint8_t *utf8,
                        size_t size, size_t start, size_t next)
{
    size_t end = next;

    while (end > start && utf8[end - 1] == ' ')
        end--;
    if (end == next || end == start) return false;
    if (utf8[end - 1] == '.') return dot_joins(rules, utf8, size, start, end - 1, next);
    if (!segment_rules_lower(rules, utf8, size, next)) return false;
    while (end > start + 1 && utf8[end - 1] != '!' && utf8[end - 1] != '?')
        end--; /* the rules let only closing marks stand between */
    return utf8[end - 1] == '!' || utf8[end - 1] == '?';
}

size_t segment_join_back(const uint8_t *utf8, size_t start, size_t next)
{
    size_t at = next;

    while (at > start && utf8[at - 1] > ' ') {
        size_t before = at - 1, again;
        UChar32 c;
        while (before > start && (utf8[before] & 0xC0) == 0x80)
            before--;
        again = before;
        U8_NEXT_OR_FFFD(utf8, again, at, c);
        if (u_charType(c) != U_START_PUNCTUATION &&
            u_charType(c) != U_INITIAL_PUNCTUATION)
            break;
        at = before;
    }
    return at > start ? at : next; /* nothing but opening marks: as it was */
}

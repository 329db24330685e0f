// language.cc -- CLD2 behind a C face.
#include <cstdio> // CLD2 needs it and does not say so

#include <cld2/public/compact_lang_det.h>

extern "C" {
#include "language.h"
}

#include <cstring>

// Bytes to look at. Most texts are in one language, and of those CLD2 says the same after
// 512 bytes as after 4 KiB, in a third of the time. Only a text that is not nearly all one
// language there, or of which CLD2 is not sure, is looked at for longer.
static const size_t first_look = 512, long_look = 4096;
static const int nearly_all = 95; // per cent

// The language of the first `look` bytes. *clear: nearly all of it is, and CLD2 is sure.
static const char *detect(const char *utf8, size_t size, size_t look, bool *clear)
{
    CLD2::Language best, languages[3];
    int percents[3], text_bytes;
    bool reliable = false;

    if (size > look) {
        size = look;
        while (size > 0 && (utf8[size] & 0xC0) == 0x80) // not inside a code point
            size--;
    }
    best = CLD2::DetectLanguageSummary(utf8, static_cast<int>(size), true, languages,
                                       percents, &text_bytes, &reliable);
    *clear = reliable && percents[0] >= nearly_all && languages[0] == best;
    if (!reliable || best == CLD2::UNKNOWN_LANGUAGE) return "und";
    return CLD2::LanguageCode(best);
}

extern "C" const char *language_of(const char *utf8, size_t size)
{
    const char *code = "und";
    bool clear = false;

    if (size > 0) code = detect(utf8, size, first_look, &clear);
    if (!clear && size > first_look) code = detect(utf8, size, long_look, &clear);
    if (!std::strcmp(code, "iw")) return "he"; // CLD2 keeps the old codes
    if (!std::strcmp(code, "jw")) return "jv";
    return code;
}

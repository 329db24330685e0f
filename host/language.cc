// language.cc -- CLD2 behind a C face.
#include <cstdio> // CLD2 needs it and does not say so

#include <cld2/public/compact_lang_det.h>

extern "C" {
#include "language.h"
}

#include <cstring>

static const size_t look = 4096; // bytes; enough to be sure, and the cost stays bounded

extern "C" const char *language_of(const char *utf8, size_t size)
{
    bool reliable = false;
    CLD2::Language language;
    const char *code;

    if (size > look) {
        size = look;
        while (size > 0 && (utf8[size] & 0xC0) == 0x80) // not inside a code point
            size--;
    }
    if (size == 0) return "und";
    language = CLD2::DetectLanguage(utf8, static_cast<int>(size), true, &reliable);
    if (!reliable || language == CLD2::UNKNOWN_LANGUAGE) return "und";
    code = CLD2::LanguageCode(language);
    if (!std::strcmp(code, "iw")) return "he"; // CLD2 keeps the old code
    return code;
}

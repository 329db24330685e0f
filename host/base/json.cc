// json.cc -- the C face of json.h on simdjson's DOM. No exception leaves this file.
#include "json.h"

#include <cstdio>
#include <cstring>
#include <new>
#include <simdjson.h>

namespace dom = simdjson::dom;

// A parser that had to hold a record beyond this is given back when small ones follow.
static const size_t keep = 16u << 20;

struct json_reader {
    dom::parser parser;
    void *padded; // [capacity] simdjson reads some bytes beyond the text
    size_t capacity;
};

static_assert(sizeof(dom::element) <= sizeof(json), "json must hold an element");

static json wrap(dom::element e)
{
    json j{};
    std::memcpy(&j, &e, sizeof e);
    return j;
}

static dom::element unwrap(json j)
{
    dom::element e;
    std::memcpy(static_cast<void *>(&e), &j, sizeof e);
    return e;
}

fecit_status json_reader_new(json_reader **out)
{
    void *place = mem_new(1, sizeof(json_reader));

    if (!place) return FECIT_E_MEMORY;
    *out = new (place) json_reader();
    return FECIT_OK;
}

void json_reader_free(json_reader *r)
{
    if (!r) return;
    mem_free(r->padded);
    r->~json_reader();
    mem_free(r);
}

fecit_status json_parse(json_reader *r, const char *text, size_t size, json *root,
                        bool *bad_utf8)
{
    dom::element e;
    simdjson::error_code error;
    void *grown;

    if (bad_utf8) *bad_utf8 = false;
    if (r->capacity > keep && size < keep / 4) {
        mem_free(r->padded);
        r->padded = nullptr;
        r->capacity = 0;
        r->parser = dom::parser();
    }
    if (size > SIZE_MAX - simdjson::SIMDJSON_PADDING)
        return status_set(FECIT_E_MEMORY, "out of memory for %zu bytes of JSON", size);
    grown = mem_grow(r->padded, &r->capacity, size + simdjson::SIMDJSON_PADDING, 1);
    if (!grown) return FECIT_E_MEMORY;
    r->padded = grown;
    if (size > 0) std::memcpy(grown, text, size);
    error = r->parser.parse(static_cast<const char *>(grown), size, false).get(e);
    if (bad_utf8) *bad_utf8 = error == simdjson::UTF8_ERROR;
    if (error == simdjson::MEMALLOC)
        return status_set(FECIT_E_MEMORY, "out of memory for %zu bytes of JSON", size);
    if (error) return status_set(FECIT_E_INPUT, "%s", simdjson::error_message(error));
    *root = wrap(e);
    return FECIT_OK;
}

bool json_utf8_check(const char *text, size_t size)
{
    return simdjson::validate_utf8(text, size);
}

enum json_kind json_kind(json j)
{
    switch (unwrap(j).type()) {
    case dom::element_type::BOOL:
        return JSON_BOOL;
    case dom::element_type::INT64:
    case dom::element_type::UINT64:
    case dom::element_type::DOUBLE:
        return JSON_NUMBER;
    case dom::element_type::STRING:
        return JSON_TEXT;
    case dom::element_type::ARRAY:
        return JSON_LIST;
    case dom::element_type::OBJECT:
        return JSON_MAP;
    default:
        return JSON_NULL;
    }
}

static bool get_key(dom::element map, const char *key, size_t size, dom::element *out)
{
    dom::object object;
    if (map.get_object().get(object)) return false;
    return !object.at_key(std::string_view(key, size)).get(*out);
}

bool json_get(json map, const char *path, json *out)
{
    dom::element e = unwrap(map), found;

    if (get_key(e, path, std::strlen(path), &found)) {
        *out = wrap(found);
        return true;
    }
    for (const char *dot; (dot = std::strchr(path, '.')); path = dot + 1) {
        if (!get_key(e, path, static_cast<size_t>(dot - path), &found)) return false;
        e = found;
    }
    if (!get_key(e, path, std::strlen(path), &found)) return false;
    *out = wrap(found);
    return true;
}

size_t json_count(json j)
{
    const dom::element e = unwrap(j);
    dom::array array;
    dom::object object;
    size_t n = 0;

    // size() saturates at 2^24 - 1, so the members are counted.
    if (!e.get_array().get(array))
        for (dom::element item : array) {
            (void)item;
            n++;
        }
    else if (!e.get_object().get(object))
        for (dom::key_value_pair item : object) {
            (void)item;
            n++;
        }
    return n;
}

bool json_item(json list, size_t i, json *out)
{
    dom::array array;
    if (unwrap(list).get_array().get(array)) return false;
    for (dom::element item : array)
        if (i-- == 0) {
            *out = wrap(item);
            return true;
        }
    return false;
}

bool json_member(json map, size_t i, const char **key, size_t *key_size, json *out)
{
    dom::object object;
    if (unwrap(map).get_object().get(object)) return false;
    for (dom::key_value_pair item : object)
        if (i-- == 0) {
            *key = item.key.data();
            *key_size = item.key.size();
            *out = wrap(item.value);
            return true;
        }
    return false;
}

bool json_text(json j, const char **utf8, size_t *size)
{
    std::string_view text;
    if (unwrap(j).get_string().get(text)) return false;
    *utf8 = text.data();
    *size = text.size();
    return true;
}

bool json_number(json j, double *out)
{
    return !unwrap(j).get_double().get(*out);
}

bool json_bool(json j, bool *out)
{
    return !unwrap(j).get_bool().get(*out);
}

// NUL-terminated; a NUL inside becomes U+FFFD, so that it does not cut the text.
static fecit_status copy_text(std::string_view text, char **out)
{
    size_t nuls = 0, n = 0;

    for (char c : text)
        nuls += c == 0;
    *out = static_cast<char *>(mem_new(text.size() + 2 * nuls + 1, 1));
    if (!*out) return FECIT_E_MEMORY;
    for (char c : text)
        if (c == 0) {
            std::memcpy(*out + n, "\xEF\xBF\xBD", 3);
            n += 3;
        } else {
            (*out)[n++] = c;
        }
    return FECIT_OK;
}

fecit_status json_copy(json j, char **out)
{
    const dom::element e = unwrap(j);
    char number[64];
    std::string_view text;

    *out = nullptr;
    switch (e.type()) {
    case dom::element_type::STRING:
        text = e.get_string().value_unsafe();
        break;
    case dom::element_type::BOOL:
        text = e.get_bool().value_unsafe() ? "true" : "false";
        break;
    case dom::element_type::INT64:
        std::snprintf(number, sizeof number, "%lld",
                      static_cast<long long>(e.get_int64().value_unsafe()));
        text = number;
        break;
    case dom::element_type::UINT64:
        std::snprintf(number, sizeof number, "%llu",
                      static_cast<unsigned long long>(e.get_uint64().value_unsafe()));
        text = number;
        break;
    case dom::element_type::DOUBLE:
        std::snprintf(number, sizeof number, "%.17g", e.get_double().value_unsafe());
        text = number;
        break;
    default:
        return FECIT_OK;
    }
    return copy_text(text, out);
}

/* text.h -- raw bytes -> valid UTF-8. What is wrong is repaired with U+FFFD and counted;
 * offsets in the results count bytes of the repaired text. */
#ifndef TEXT_H
#define TEXT_H

#include "base/mem.h"

enum text_encoding { TEXT_AUTO, TEXT_UTF8, TEXT_UTF16LE, TEXT_UTF16BE };

/* BOM, else UTF-16 when the first 4 KiB are text in it and are none in UTF-8, else UTF-8.
 * *bom_size: bytes to skip. */
enum text_encoding text_encoding_of(const uint8_t *raw, size_t size, size_t *bom_size);

/* Replace *out (its memory is used again) by `raw` [size] as UTF-8: a leading BOM dropped
 * (when `first`), ill-formed sequences each one U+FFFD (Unicode 15, section 3.9, "maximal
 * subpart"), NUL -> U+FFFD. *repaired: how many. */
enum fecit_status text_read(const uint8_t *raw, size_t size,
                            enum text_encoding encoding, int first, struct bytes *out,
                            uint64_t *repaired);

#endif

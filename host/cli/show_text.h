/* show_text.h -- texts from an archive made fit for a terminal and for JSON. */
#ifndef CLI_SHOW_TEXT_H
#define CLI_SHOW_TEXT_H

#include "../records.h"

/* `text` onto the end of b on one line, in at most `width` columns (0: all of it), with
 * an ellipsis where it was cut. Line ends and tabs become spaces, other control
 * characters and what is no UTF-8 U+FFFD; bidi embeddings are dropped. With `isolate`,
 * right-to-left text is set between U+2068 and U+2069, so that it does not turn the
 * rest of the line. *used: columns, by wcwidth(3) in the current locale. */
enum fecit_status show_text_push(struct bytes *b, const char *text, size_t size,
                                 int width, bool isolate, int *used);

/* A value as JSON: control, bidi and line separator characters escaped, floats in the
 * fewest digits that give the same float32, `hash` as 16 hex digits (JSON numbers lose
 * bits above 2^53). */
enum fecit_status show_json_push(struct bytes *b, struct record value);

#endif

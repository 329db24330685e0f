/* results_pack.h -- one row, header or footer as msgpack onto the end of a buffer: the
 * keys and their order, for results.c alone. On failure (FECIT_E_MEMORY) the buffer
 * ends where it ended before. Texts that are no UTF-8 (file names) get U+FFFD: one bad
 * string would make the whole file unreadable for most msgpack libraries. */
#ifndef RESULTS_PACK_H
#define RESULTS_PACK_H

#include "results.h"

enum results_kind { RESULTS_DOCUMENTS, RESULTS_STATEMENTS, RESULTS_SENTENCES };
#define RESULTS_KINDS 3

/* "documents", "statements", "sentences". Static. */
const char *results_kind_name(enum results_kind kind);

/* `model` may be NULL: nil. */
enum fecit_status results_pack_header(struct bytes *b, enum results_kind kind,
                                      const char *model);
enum fecit_status results_pack_statement(struct bytes *b, const struct row *row);
enum fecit_status results_pack_sentence(struct bytes *b, const struct row *row);
enum fecit_status results_pack_document(struct bytes *b, const struct document_row *d);
enum fecit_status results_pack_footer(struct bytes *b, uint64_t rows, uint64_t sum);

#endif

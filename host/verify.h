/* verify.h -- is a results folder whole, undamaged and in agreement with itself? */
#ifndef VERIFY_H
#define VERIFY_H

#include "base/mem.h"
#include <stdbool.h>

/* What was read; after a failure, up to there. */
struct verify_counts {
    uint64_t documents, sentences, statements, rejects;
    uint64_t files, bytes;
    bool all; /* the folder has every sentence, not only statements */
};

/* One problem, as a whole line without the end of line. Borrows the text for the call.
 */
typedef void (*verify_report)(void *self, const char *problem);

/* Read the whole folder and check that
 *   run.json says the run is complete;
 *   every file it asks for is there, and whole: footer, row count, checksum;
 *   headers name the kind, format and model that belong here;
 *   rows come in order, and every statement and sentence lies in a document that is
 * there; each document has as many rows as its own row says, and run.json the sums;
 *   texts, places, scores and hashes of statements agree.
 * Every problem goes to `report` (NULL is fine), at most one for each file.
 * FECIT_E_INPUT with the first problem when there was one. */
enum fecit_status verify_folder(const char *folder, verify_report report, void *self,
                                struct verify_counts *counts);

#endif

/* score.h -- joins the stations: inputs -> result folder. The only file that knows them
 * all. */
#ifndef SCORE_H
#define SCORE_H

#include "score_facts.h"

/* The whole run. *counts is filled also on failure, with what was done. FECIT_E_INPUT when
 * an input is missing, when more records were rejected than allowed, or when nothing at all
 * could be read (the result folder is then whole and lists why). */
enum fecit_status score_run(const struct score_options *options,
                            struct score_counts *counts);

#endif

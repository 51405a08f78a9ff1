// regroup.h - groups the entries of a sparse matrix by row, in bounded memory: entries come in any order, and
// the rows are read afterwards. A temporary file holds them; 4 bytes for each row (8, if most rows are empty)
// and 56 MiB are in memory.
#ifndef MG_IO_REGROUP_H
#define MG_IO_REGROUP_H

#include "base/status.h"

#include <stdint.h>

typedef struct mg_regroup mg_regroup;

// `row_ends`: the number of entries before each row ([rows + 1]); it must stay in place. `path`, `what`: the
// file and the reason for the temporary file, for messages. Errors: MG_IO, MG_MEMORY.
mg_status mg_regroup_create(const char *path, const char *what, int64_t rows, const int64_t *row_ends,
                            mg_regroup **out, mg_error *error);
void mg_regroup_destroy(mg_regroup *regroup); // NULL is allowed

// Bytes of the temporary file for so many entries.
int64_t mg_regroup_bytes(int64_t entries);

// Adds an entry. Errors: MG_DATA if a row gets more entries than row_ends says: the file changed; MG_IO.
mg_status mg_regroup_add(mg_regroup *regroup, uint32_t row, uint32_t column, float value, mg_error *error);

// Call it when all entries have been added. Errors: as for mg_regroup_add.
mg_status mg_regroup_finish(mg_regroup *regroup, mg_error *error);

// Reads entries first .. first+count, in the order of rows. Within a row they are in the order in which they
// were added. Errors: MG_IO, MG_MEMORY.
mg_status mg_regroup_read(mg_regroup *regroup, int64_t first, int64_t count, uint32_t *column, float *value,
                          mg_error *error);

#endif

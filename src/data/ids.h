// ids.h - what identifies each row of the data in the answers of predict.
#ifndef MG_DATA_IDS_H
#define MG_DATA_IDS_H

#include "base/status.h"
#include "io/h5.h"

#include <stdbool.h>

// The name under which `convert` stores a column of ids, and its attribute with the name of that column.
#define MG_IDS_NAME "id"
#define MG_IDS_COLUMN "column"

typedef struct mg_ids {
    char *column; // name of the column of ids; NULL: there are no ids
    bool counts;  // the id of a row is its number, from `first`
    int64_t first;
    int64_t *number; // [count] or NULL
    char **text;     // [count] or NULL
    int64_t count;
} mg_ids; // must be zero before its first use

// True if `wanted` is a whole number, from which rows are counted. Otherwise it names a data set.
bool mg_ids_counted(const char *wanted, int64_t *first);

// Reads the ids of `rows` rows: whole numbers or texts, or a categorical of AnnData. GROUP/_index is the
// index of an AnnData table, whatever its name. file NULL: `wanted` must be a number. Errors: MG_DATA,
// MG_MEMORY, MG_IO, MG_USAGE (a number beyond 1e18).
mg_status mg_ids_read(mg_h5 *file, const char *wanted, int64_t rows, mg_ids *out, mg_error *error);
void mg_ids_clear(mg_ids *ids);

enum { MG_ID_BUFFER = 24 };
const char *mg_ids_text(const mg_ids *ids, int64_t row, char buffer[MG_ID_BUFFER]);

#endif

// header.h - the first record of a table as names of columns.
#ifndef MG_FORMAT_HEADER_H
#define MG_FORMAT_HEADER_H

#include "base/names.h"
#include "format/fields.h"

typedef struct mg_header {
    mg_names names;   // of the columns but the label's and those left out
    char *label_name; // NULL without a column of labels
} mg_header;          // starts zeroed

// Reads the fields of the record just read; `label` is the index of the label's column, -1 without one;
// dropped[columns] marks those that are left out. Errors: MG_DATA when a name is
// too long, no UTF-8, or stands twice; MG_MEMORY.
mg_status mg_header_read(mg_record *record, int64_t columns, int64_t label, const bool *dropped,
                         mg_header *header, mg_error *error);
void mg_header_clear(mg_header *header);

// Is the header the one of the file `like`, whose columns have these names? Errors: MG_DATA naming the first
// difference.
mg_status mg_header_compare(const mg_header *header, const char *path, const mg_names *names,
                            const char *label_name, const char *like, mg_error *error);

#endif

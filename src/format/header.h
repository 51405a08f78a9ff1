// header.h - the header of a table: the names of its columns.
#ifndef MG_FORMAT_HEADER_H
#define MG_FORMAT_HEADER_H

#include "base/names.h"
#include "format/fields.h"

typedef struct mg_header {
    mg_names names;   // names of all columns but the label column and dropped ones
    char *label_name; // NULL without a label column
} mg_header;          // must be zero before its first use

// Reads the names from the record just read. `label`: index of the label column, -1 if there is none.
// dropped[columns]: columns to leave out. Errors: MG_DATA if a name is too long, not UTF-8, or repeated;
// MG_MEMORY.
mg_status mg_header_read(mg_record *record, int64_t columns, int64_t label, const bool *dropped,
                         mg_header *header, mg_error *error);
void mg_header_clear(mg_header *header);

// Refuses names that occur twice, because they do not identify a column. `record`: the file, for the message.
mg_status mg_header_check(const mg_record *record, const mg_header *header, mg_error *error);

// Compares the header with the names and label name of the file `like`. Errors: MG_DATA with the first
// difference.
mg_status mg_header_compare(const mg_header *header, const char *path, const mg_names *names,
                            const char *label_name, const char *like, mg_error *error);

#endif

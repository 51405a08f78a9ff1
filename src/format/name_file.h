// name_file.h - files with a name in the first column of each line, such as barcodes.tsv and features.tsv.
#ifndef MG_FORMAT_NAME_FILE_H
#define MG_FORMAT_NAME_FILE_H

#include "base/names.h"
#include "format/format.h"

// True if `path` is a regular file.
bool mg_is_file(const char *path);

// Reads `count` names into memory. Errors: MG_DATA, also if there are more or fewer.
mg_status mg_name_file_read(const char *path, int64_t count, mg_names *names, mg_error *error);

// Passes `count` names of rows to the sink.
mg_status mg_name_file_pass(const char *path, int64_t count, mg_sink *sink, mg_error *error);

#endif

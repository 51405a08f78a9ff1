// name_file.h - files with a name in the first column of each line, such as barcodes.tsv and features.tsv.
#ifndef MG_FORMAT_NAME_FILE_H
#define MG_FORMAT_NAME_FILE_H

#include "base/names.h"
#include "format/format.h"
#include "io/text.h"

// True if `path` is a regular file.
bool mg_is_file(const char *path);

// The version of a file that was read first; zero before that.
typedef struct mg_name_seen {
    bool known;
    mg_input_version version;
} mg_name_seen;

// Reads `count` names into memory. Errors: MG_DATA, also if there are more or fewer, or if the file is not
// the one that was seen before.
mg_status mg_name_file_read(const char *path, int64_t count, mg_name_seen *seen, mg_names *names,
                            mg_error *error);

// Passes `count` names of rows to the sink.
mg_status mg_name_file_pass(const char *path, int64_t count, mg_name_seen *seen, mg_sink *sink,
                            mg_error *error);

#endif

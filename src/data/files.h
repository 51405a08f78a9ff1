// files.h - the files that an option of section data names: one file, the files that match a pattern, or a
// list of files. The rows of several files follow one another. In the value of an option, the paths and
// patterns of a list are on lines of their own.
#ifndef MG_DATA_FILES_H
#define MG_DATA_FILES_H

#include "data/convert_inputs.h"
#include "io/h5.h"

#include <stdbool.h>

// True for a list, and for a pattern that is not the name of a file.
bool mg_files_several(const char *text);

// How messages call the files: the path, the pattern, or the first path and how many files follow.
enum { MG_FILES_SHOWN = MG_PATH_TEXT };
const char *mg_files_shown(const char *text, char out[MG_FILES_SHOWN]);

// Lists the files in the order of their rows: that of the list; those of a pattern by the bytes of their
// names. Errors: MG_IO if none matches; MG_MEMORY.
mg_status mg_files_list(const char *text, mg_input_list *out, mg_error *error);

// Opens the HDF5 files. Several files are joined to one (mg_h5_join). Errors: those of mg_files_list,
// mg_h5_open and mg_h5_join.
mg_status mg_files_open(const char *text, mg_h5 **out, mg_error *error);

#endif

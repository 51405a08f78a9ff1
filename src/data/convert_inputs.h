// convert_inputs.h - the files of a conversion: a folder stands for the files in it, a pattern for those that
// match.
#ifndef MG_DATA_CONVERT_INPUTS_H
#define MG_DATA_CONVERT_INPUTS_H

#include "base/status.h"

typedef struct mg_input_list {
    char **path; // [count]
    int count;
    size_t room;
} mg_input_list; // must be zero before its first use

// Lists the files that `inputs` stand for. Those of a folder are sorted by name; names that begin with a dot
// or an underscore are left out. Errors: MG_DATA if a folder has no file, or something that is no file;
// MG_IO, MG_MEMORY.
mg_status mg_input_list_make(const char *const *inputs, int count, mg_input_list *out, mg_error *error);

// Adds a file, or the files that match a pattern, sorted by name. Errors: MG_IO if none matches; MG_MEMORY.
mg_status mg_input_list_add(mg_input_list *list, const char *path, mg_error *error);
void mg_input_list_clear(mg_input_list *list);

#endif

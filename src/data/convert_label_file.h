// convert_label_file.h - labels in a file of their own (--labels): one label a line, in the order of the
// rows, or a name of a row and its label in each line, separated by a tab or a comma. Names and labels are
// kept in memory; labels without names are not. Fields may be in quotes, as in CSV. Blank lines of a file
// with names are skipped.
#ifndef MG_DATA_CONVERT_LABEL_FILE_H
#define MG_DATA_CONVERT_LABEL_FILE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mg_label_file mg_label_file;

// Errors: MG_IO; MG_DATA with the line: more than two columns, a name that occurs with two labels.
mg_status mg_label_file_open(const char *path, mg_label_file **out, mg_error *error);
void mg_label_file_close(mg_label_file *file); // NULL is allowed

bool mg_label_file_has_names(const mg_label_file *file);

// For files without names: the number of lines, with or without the blank ones at the end; the first line,
// and whether a later line has the same text.
int64_t mg_label_file_lines(const mg_label_file *file, bool blank);
const char *mg_label_file_first(const mg_label_file *file, bool *repeats);

// Finds the label of the row `name`; NULL if there is none. *line becomes the number of its line.
const char *mg_label_file_find(mg_label_file *file, const char *name, size_t bytes, int64_t *line);

// The number of lines whose name mg_label_file_find has not found, without a header line.
int64_t mg_label_file_unused(const mg_label_file *file);

// Passes `count` labels of a file without names to `take`, after `skip` lines. Errors get the place in the
// file.
typedef mg_status mg_label_file_take(void *context, const char *label, size_t bytes, mg_error *error);
mg_status mg_label_file_each(mg_label_file *file, int64_t skip, int64_t count, mg_label_file_take *take,
                             void *context, mg_error *error);

#endif

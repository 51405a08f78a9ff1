// inspect.h - the parts of a description. inspect.c determines the kind of a file; data.c describes data
// files.
#ifndef MG_INSPECT_INSPECT_H
#define MG_INSPECT_INSPECT_H

#include "base/writer.h"
#include "data/columns.h"
#include "data/labels.h"
#include "io/h5.h"

#include <margin/inspect.h>

enum { MG_INSPECT_CLASSES = 20 }; // most classes that are listed; others are only counted

// Describes a file that is neither a model nor a checkpoint. features or labels NULL: X or y, if they exist.
// Errors: MG_DATA, MG_IO, MG_MEMORY.
mg_status mg_inspect_data(mg_h5 *file, const char *features, const char *labels, mg_writer *out,
                          mg_error *error);

// Lists the data sets that could be features and the columns that could be labels, if there are others than
// `features` and `labels` (NULL: these do not exist). rows 0: the number of rows of the first candidate.
mg_status mg_inspect_candidates(mg_h5 *file, const char *features, const char *labels, int64_t rows,
                                mg_writer *out, mg_error *error);

// Writes the label and the number of rows of each class of a data file, with a TAB between them. Errors:
// MG_DATA, MG_IO, MG_MEMORY.
mg_status mg_inspect_class_counts(mg_h5 *file, const char *features, const char *labels, mg_writer *out,
                                  mg_error *error);

// Writes lines about names and recipe, if there are any. The first word of each line is padded to `width`.
void mg_inspect_columns(const mg_columns *columns, int width, mg_writer *out);

#endif

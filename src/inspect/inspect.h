// inspect.h - the parts of a description. inspect.c determines the kind of a file; data.c describes data
// files.
#ifndef MG_INSPECT_INSPECT_H
#define MG_INSPECT_INSPECT_H

#include "base/writer.h"
#include "data/columns.h"
#include "data/labels.h"
#include "io/h5.h"
#include "model/model.h"
#include "train/checkpoint.h"

#include <margin/inspect.h>
#include <math.h>

enum { MG_INSPECT_CLASSES = 20 }; // most classes that are listed; others are only counted

// A description, as text for people and as JSON.
typedef struct mg_inspect_page {
    mg_writer *out;   // the text
    mg_writer advice; // its notes: lines with two spaces before them
    mg_writer json;   // the fields of a JSON object, without the brackets
} mg_inspect_page;

// Describes a file that is neither a model nor a checkpoint. features or labels NULL: X or y, if they exist.
// Errors: MG_DATA, MG_IO, MG_MEMORY.
mg_status mg_inspect_data(mg_h5 *file, const char *features, const char *labels, mg_inspect_page *page,
                          mg_error *error);

// True if the model has no lower bound of its objective that says anything.
static inline bool mg_inspect_has_no_bound(const mg_model *model) {
    return isnan(model->dual) || (!(model->dual > 0) && model->objective > 0);
}

// Add the fields of a JSON object.
void mg_inspect_model_json(const mg_model *model, mg_writer *json);
void mg_inspect_checkpoint_json(const char *version, const mg_position *at, const char *config,
                                mg_writer *json);

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

// export.h - the registry of formats in which other programs read a model. A format gets a model with weights
// for all features.
#ifndef MG_EXPORT_EXPORT_H
#define MG_EXPORT_EXPORT_H

#include "base/writer.h"
#include "model/model.h"

typedef struct mg_export_format {
    const char *name;
    const char *help;
    bool keeps_preparation; // the file says how rows are prepared
    mg_status (*write)(const mg_model *model, mg_writer *out, mg_error *error);
} mg_export_format;

const mg_export_format *mg_export_at(int i);
const mg_export_format *mg_export_find(const char *name);

// Adds the `bytes` low bytes of a number, lowest first.
void mg_export_number(mg_writer *out, uint64_t number, int bytes);

// Calls `put` for the texts that say how to use the model: loss, rows, transform, and the recipe if it is
// known.
void mg_export_describe(const mg_model *model, void (*put)(mg_writer *to, const char *name, const char *text),
                        mg_writer *to);

// A list of texts in JSON. Errors: MG_MEMORY.
mg_status mg_export_list(char *const *texts, int64_t count, char **out, mg_error *error);

#endif

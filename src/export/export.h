// export.h - the registry of model formats of other programs. A format receives a model with weights for all
// features.
#ifndef MG_EXPORT_EXPORT_H
#define MG_EXPORT_EXPORT_H

#include "base/writer.h"
#include "model/model.h"

typedef struct mg_export_format {
    const char *name;
    const char *help;
    bool keeps_preparation; // the exported file describes or computes the preparation of rows
    bool keeps_bytes;       // labels are written byte for byte; other formats hold UTF-8 only
    // Bytes that every file of this format has at a place near its begin: only such files are replaced.
    const char *mark;
    size_t mark_at;
    mg_status (*write)(const mg_model *model, mg_writer *out, mg_error *error);
} mg_export_format;

enum { MG_EXPORT_HEAD = 64 }; // all marks are within this many bytes

// True if a file that begins with these bytes may be an export, of any format.
bool mg_export_has_mark(const unsigned char *head, size_t bytes);

const mg_export_format *mg_export_at(int i);
const mg_export_format *mg_export_find(const char *name);

// Adds the lowest `bytes` bytes of a number, little-endian.
void mg_export_number(mg_writer *out, uint64_t number, int bytes);

// Adds a number that reads back as the same float.
void mg_export_real(mg_writer *out, float value);

// Calls `put` for each text that says how to use the model: loss, rows, transform and, if there are any,
// recipe and calibration.
void mg_export_describe(const mg_model *model, void (*put)(mg_writer *to, const char *name, const char *text),
                        mg_writer *to);

// A parameter of the calibration: its name, how many values it has, and the values.
typedef struct mg_export_parameter {
    const char *name;
    int64_t count; // 0: a single value
    const double *values;
} mg_export_parameter;

// Fills the parameters of the calibration of the model, and returns how many there are.
int mg_export_calibration(const mg_model *model, mg_export_parameter to[2]);

// One of the two limits of prepared rows (data.clip): its name, and a value for each feature.
typedef struct mg_export_limits {
    const char *name;
    const float *values;
} mg_export_limits;

// Fills the limits of the model, the lower ones first, and returns how many there are: 0 or 2.
int mg_export_limits_of(const mg_model *model, mg_export_limits to[2]);

// Writes a list of texts as JSON; the caller frees *out. Errors: MG_MEMORY.
mg_status mg_export_list(char *const *texts, int64_t count, char **out, mg_error *error);

#endif

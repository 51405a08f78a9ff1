// convert.h - one conversion in the making: what the pieces of the driver share. The public call is in
// <margin/convert.h>.
#ifndef MG_DATA_CONVERT_H
#define MG_DATA_CONVERT_H

#include <margin/convert.h>

#include "data/columns.h"
#include "data/convert_labels.h"
#include "format/format.h"
#include "io/h5_write.h"

typedef struct mg_conversion {
    const mg_convert_options *options;
    const mg_format *format;
    void *values; // of the format's section
    mg_format_like like;
    mg_h5 *like_file;  // of --like, while options are read
    float *like_scale; // owned, like.scale
    mg_columns like_columns;
    char *like_label; // owned, like.label_name
    mg_watch watch;
    int pass;        // 0 counts, 1 writes
    double fraction; // told last
    void *reader;
    mg_format_shape shape;
    mg_census labels;
    mg_sink sinks[2];            // one per pass, mg_sink first
    int64_t rows, stored, cells; // written so far; cells in bytes
    mg_h5_writer *writer;
    int x, indices, indptr, y; // numbers of the writer's arrays; x is X or X/data
} mg_conversion;

// Opens the file of --like, and reads what it says of its columns. mg_convert_close_like is called whatever
// happens.
mg_status mg_convert_open_like(mg_conversion *conversion, mg_error *error);
void mg_convert_close_like(mg_conversion *conversion);

// The format of the file of --like takes the place of a guess. Errors: MG_USAGE when the two cannot agree.
mg_status mg_convert_follow_like(mg_conversion *conversion, bool sure, mg_error *error);

// Sets the options of the format: presets, then what --like says, then the settings.
mg_status mg_convert_read_options(mg_conversion *conversion, mg_error *error);

// Declares the arrays and attributes of the output, once the shape is known, and starts it.
mg_status mg_convert_plan(mg_conversion *conversion, mg_error *error);

#endif

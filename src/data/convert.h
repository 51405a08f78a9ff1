// convert.h - one conversion in the making: what the pieces of the driver share. The public call is in
// <margin/convert.h>.
#ifndef MG_DATA_CONVERT_H
#define MG_DATA_CONVERT_H

#include <margin/convert.h>

#include "data/convert_labels.h"
#include "format/format.h"
#include "io/h5_write.h"

typedef struct mg_conversion {
    const mg_convert_options *options;
    const mg_format *format;
    void *values; // of the format's section
    mg_format_like like;
    float *like_scale; // owned, like.scale
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

// Sets the options of the format: presets, then what --like says, then the settings.
mg_status mg_convert_read_options(mg_conversion *conversion, mg_error *error);

// Declares the arrays and attributes of the output, once the shape is known, and starts it.
mg_status mg_convert_plan(mg_conversion *conversion, mg_error *error);

#endif

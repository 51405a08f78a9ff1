// image.h - small square images in a data URL.
#ifndef MG_REPORT_IMAGE_H
#define MG_REPORT_IMAGE_H

#include "base/writer.h"

#include <stdint.h>

typedef enum mg_image_palette {
    MG_IMAGE_SIGNED, // from -1 (orange) over 0 (white) to 1 (blue)
    MG_IMAGE_GREY,   // from 0 (white) to 1 (black)
} mg_image_palette;

// Adds the URL of an image of side x side values, row by row.
void mg_image_add(mg_writer *to, int64_t side, const float *values, mg_image_palette palette);

#endif

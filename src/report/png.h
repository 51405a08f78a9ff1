// png.h - small images as PNG in a data URL.
#ifndef MG_REPORT_PNG_H
#define MG_REPORT_PNG_H

#include "base/writer.h"

#include <stdint.h>

typedef enum mg_png_palette {
    MG_PNG_SIGNED, // 128 is 0 and transparent; lower ones are orange, higher ones blue, the more the further
                   // away
    MG_PNG_GREY,   // 0 is white, 255 is black
} mg_png_palette;

// Adds the URL of an image of side x side pixels, row by row.
void mg_png_add(mg_writer *to, int64_t side, const unsigned char *pixels, mg_png_palette palette);

#endif

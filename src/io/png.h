// png.h - writes small images as PNG.
#ifndef MG_IO_PNG_H
#define MG_IO_PNG_H

#include "base/writer.h"

#include <stdint.h>

// Adds a PNG file of 8-bit colours to the writer; rgb: [height][width][3]. Errors: MG_MEMORY.
mg_status mg_png_add(mg_writer *out, int64_t width, int64_t height, const unsigned char *rgb,
                     mg_error *error);

#endif

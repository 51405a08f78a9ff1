// image.c - colours values, and writes them as PNG.
#include "report/image.h"

#include "base/memory.h"
#include "io/png.h"
#include "report/html.h"

#include <math.h>

static void colour(float value, mg_image_palette palette, unsigned char out[3]) {
    static const float full[][3] = {{0, 114, 178}, {213, 94, 0}, {20, 20, 20}};
    const float *end = full[palette == MG_IMAGE_GREY ? 2 : value < 0];
    float part = fminf(1, fabsf(value));
    for (int c = 0; c < 3; c++) out[c] = (unsigned char)lrintf(252 + part * (end[c] - 252));
}

void mg_image_add(mg_writer *to, int64_t side, const float *values, mg_image_palette palette) {
    unsigned char *rgb;
    mg_writer png = {0};
    mg_error error = {0};
    mg_status status = mg_memory_get(&rgb, (size_t)(side * side), 3, &error);
    for (int64_t i = 0; !status && i < side * side; i++) colour(values[i], palette, rgb + 3 * i);
    if (!status) status = mg_png_add(&png, side, side, rgb, &error);
    mg_writer_add(to, "data:image/png;base64,");
    if (!status) mg_html_base64(to, (const unsigned char *)png.text, png.length);
    mg_writer_fail(to, &error);
    mg_writer_clear(&png);
    mg_memory_free(rgb);
}

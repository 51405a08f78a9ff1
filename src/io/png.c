// png.c - PNG: a signature, then chunks with their lengths and checksums. The pixels are one zlib stream of
// rows, each after a byte that names its filter (0: none).
#include "io/png.h"

#include "base/memory.h"

#include <string.h>
#include <zlib.h>

static void put_32(unsigned char *to, uint32_t value) {
    for (int i = 0; i < 4; i++) to[i] = (unsigned char)(value >> (24 - 8 * i));
}

static void add_chunk(mg_writer *out, const char *name, const unsigned char *bytes, size_t count) {
    unsigned char head[8], end[4];
    put_32(head, (uint32_t)count);
    memcpy(head + 4, name, 4);
    uLong sum = crc32_z(crc32_z(0, head + 4, 4), bytes, count);
    put_32(end, (uint32_t)sum);
    mg_writer_add_bytes(out, (const char *)head, sizeof head);
    mg_writer_add_bytes(out, (const char *)bytes, count);
    mg_writer_add_bytes(out, (const char *)end, sizeof end);
}

mg_status mg_png_add(mg_writer *out, int64_t width, int64_t height, const unsigned char *rgb,
                     mg_error *error) {
    unsigned char header[13] = {[8] = 8, [9] = 2}; // 8 bits for each of red, green and blue
    unsigned char *rows = NULL, *packed = NULL;
    enum { MOST = 1 << 29 }; // the format has 31 bits for the bytes of a chunk
    if (width > MOST / 4 || height > MOST / (3 * width + 1))
        return mg_fail(error, MG_USAGE, "an image of %lld x %lld pixels is too large for PNG",
                       (long long)width, (long long)height);
    size_t line = (size_t)width * 3, size = (line + 1) * (size_t)height;
    uLongf bytes = compressBound(size);
    mg_status status = mg_memory_get(&rows, size, 1, error);
    if (!status) status = mg_memory_get(&packed, bytes, 1, error);
    for (int64_t y = 0; !status && y < height; y++) {
        unsigned char *row = rows + (size_t)y * (line + 1);
        row[0] = 0;
        memcpy(row + 1, rgb + (size_t)y * line, line);
    }
    if (!status && compress(packed, &bytes, rows, size) != Z_OK)
        status = mg_fail(error, MG_MEMORY, "out of memory: zlib cannot pack an image");
    if (!status) {
        put_32(header, (uint32_t)width);
        put_32(header + 4, (uint32_t)height);
        mg_writer_add_bytes(out, "\x89PNG\r\n\x1a\n", 8);
        add_chunk(out, "IHDR", header, sizeof header);
        add_chunk(out, "IDAT", packed, bytes);
        add_chunk(out, "IEND", (const unsigned char *)"", 0);
        if (out->status) status = mg_fail(error, out->status, "%s", out->error.text);
    }
    mg_memory_free(rows);
    mg_memory_free(packed);
    return status;
}

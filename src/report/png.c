// png.c - writes PNG files with a palette. The pixels are stored without compression, because they are few.
#include "report/png.h"

#include "io/crc.h"
#include "report/html.h"

#include <string.h>

enum { COLOURS = 256, BLOCK = 65535 };

static void put_word(unsigned char to[4], uint32_t word) {
    for (int i = 0; i < 4; i++) to[i] = (unsigned char)(word >> (24 - 8 * i));
}

static void add_word(mg_writer *to, uint32_t word) {
    unsigned char bytes[4];
    put_word(bytes, word);
    mg_writer_add_bytes(to, (const char *)bytes, 4);
}

// A chunk: length, type, content, checksum of type and content.
static void add_chunk(mg_writer *to, const char type[5], const void *content, size_t count) {
    size_t from = to->length + 4;
    add_word(to, (uint32_t)count);
    mg_writer_add_bytes(to, type, 4);
    mg_writer_add_bytes(to, content, count);
    if (!to->status) add_word(to, mg_crc32(to->text + from, count + 4));
}

static uint32_t adler(const mg_writer *bytes) {
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < bytes->length; i++) {
        a = (a + (unsigned char)bytes->text[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

// The zlib format with stored blocks.
static void add_stored(mg_writer *to, const mg_writer *bytes) {
    mg_writer_add_bytes(to, "\x78\x01", 2);
    for (size_t at = 0; at < bytes->length; at += BLOCK) {
        size_t left = bytes->length - at, count = left < BLOCK ? left : BLOCK;
        const unsigned char head[5] = {count == left, (unsigned char)count, (unsigned char)(count >> 8),
                                       (unsigned char)~count, (unsigned char)(~count >> 8)};
        mg_writer_add_bytes(to, (const char *)head, sizeof head);
        mg_writer_add_bytes(to, bytes->text + at, count);
    }
    add_word(to, adler(bytes));
}

static void add_palette(mg_writer *to, mg_png_palette palette) {
    static const unsigned char orange[3] = {0xd5, 0x5e, 0x00}, blue[3] = {0x00, 0x72, 0xb2};
    unsigned char colours[3 * COLOURS], alpha[COLOURS];
    for (int i = 0; i < COLOURS; i++) {
        int away = i < 128 ? 128 - i : i - 128;
        alpha[i] = palette == MG_PNG_GREY ? 255 : (unsigned char)(away > 127 ? 255 : 2 * away);
        for (int c = 0; c < 3; c++) {
            unsigned char grey = (unsigned char)(250 - i * 230 / 255), sign = i < 128 ? orange[c] : blue[c];
            colours[3 * i + c] = palette == MG_PNG_GREY ? grey : sign;
        }
    }
    add_chunk(to, "PLTE", colours, sizeof colours);
    add_chunk(to, "tRNS", alpha, sizeof alpha);
}

void mg_png_add(mg_writer *to, int64_t side, const unsigned char *pixels, mg_png_palette palette) {
    mg_writer file = {0}, lines = {0}, stored = {0};
    unsigned char header[13] = {[8] = 8, [9] = 3}; // 8 bits, palette
    put_word(header, (uint32_t)side);
    put_word(header + 4, (uint32_t)side);
    for (int64_t y = 0; y < side; y++) {
        mg_writer_add_bytes(&lines, "", 1); // a line without a filter
        mg_writer_add_bytes(&lines, (const char *)pixels + y * side, (size_t)side);
    }
    if (!lines.status) add_stored(&stored, &lines);
    mg_writer_add_bytes(&file, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(&file, "IHDR", header, sizeof header);
    add_palette(&file, palette);
    if (!stored.status) add_chunk(&file, "IDAT", stored.text, stored.length);
    add_chunk(&file, "IEND", "", 0);
    const mg_writer *const all[] = {&lines, &stored, &file};
    for (int i = 0; i < 3; i++)
        if (all[i]->status && !to->status) to->status = all[i]->status, to->error = all[i]->error;
    mg_writer_add(to, "data:image/png;base64,");
    if (!to->status) mg_html_base64(to, (const unsigned char *)file.text, file.length);
    mg_writer_clear(&file);
    mg_writer_clear(&lines);
    mg_writer_clear(&stored);
}

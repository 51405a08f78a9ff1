// utf8.c - decodes UTF-8; refuses overlong forms, surrogates, and values above U+10FFFF.
#include "base/utf8.h"

// The number of bytes that follow this first byte of a character; -1 if it cannot be a first byte.
static int tail_bytes(unsigned char first) {
    if (first < 0x80) return 0;
    if (first < 0xc0 || first >= 0xf8) return -1;
    return first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
}

int32_t mg_utf8_next(const char **text) {
    static const int32_t least[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *c = (const unsigned char *)*text;
    if (*c == 0) return 0;
    int tail = tail_bytes(*c);
    if (tail < 0) return -1;
    int32_t value = tail == 0 ? *c : *c & (0x3f >> tail);
    // A truncated text is not read beyond its end, because its terminating zero is no continuation byte.
    for (int i = 1; i <= tail; i++) {
        if ((c[i] & 0xc0) != 0x80) return -1;
        value = value << 6 | (c[i] & 0x3f);
    }
    if (value < least[tail] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return -1;
    *text += tail + 1;
    return value;
}

bool mg_utf8_valid(const char *text) {
    for (;;) {
        int32_t c = mg_utf8_next(&text);
        if (c <= 0) return c == 0;
    }
}

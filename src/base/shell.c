// shell.c - words of commands in messages.
#include "base/shell.h"

#include <stdbool.h>
#include <string.h>

const char *mg_shell_word(const char *text, const char *otherwise, char *out, size_t size) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-=:,@%";
    size_t bytes = strlen(text);
    bool quoted = bytes == 0 || *text == '-' || strspn(text, plain) < bytes;
    if (bytes * 4 + 3 > size) return otherwise;
    char *to = out;
    if (quoted) *to++ = '\'';
    for (const char *c = text; *c; c++) {
        if (*c == '\'') memcpy(to, "'\\'", 3), to += 3;
        *to++ = *c;
    }
    if (quoted) *to++ = '\'';
    *to = '\0';
    return out;
}

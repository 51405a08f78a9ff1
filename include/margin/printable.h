/* printable.h - escapes texts from files (labels, names, paths), so that they are harmless on a terminal. */
#ifndef MARGIN_PRINTABLE_H
#define MARGIN_PRINTABLE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MG_PRINTABLE_PIECE = 8 };

/*
 * Copies the next character of *text to `out` as printable UTF-8 with a terminating zero, and moves *text
 * after it. Returns the number of bytes written without the zero; 0 at the end of the text. Control
 * characters (C0, DEL, C1), the line and paragraph separators, and the characters that change the direction
 * of text (U+202A to U+202E, U+2066 to U+2069) become \n, \r, \t, \xNN or \uNNNN. A byte that is not UTF-8
 * becomes \xNN. A backslash remains a backslash, so text that is already printable does not change.
 */
int mg_printable_next(const char **text, char out[MG_PRINTABLE_PIECE]);

/*
 * Copies the whole text in this form to out[size], with a terminating zero. If `size` is too small, the last
 * characters are left out. Like snprintf, returns the number of bytes of the complete result without the
 * zero.
 */
size_t mg_printable(const char *text, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif

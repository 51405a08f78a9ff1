/* printable.h - makes texts from files (labels, names, paths) safe to show on a terminal. */
#ifndef MARGIN_PRINTABLE_H
#define MARGIN_PRINTABLE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MG_PRINTABLE_PIECE = 8 };

/*
 * Copies the next character of *text to `out` as printable UTF-8 with a terminating zero, and moves *text
 * past it. Returns the bytes written; 0 at the end of the text. Control characters (C0, DEL, C1), the line
 * and paragraph separators and the characters that change the direction of text (U+202A to U+202E, U+2066 to
 * U+2069) become \n, \r, \t, \xNN or \uNNNN. A byte that is not UTF-8 becomes \xNN. A backslash stays a
 * backslash. So printable text does not change.
 */
int mg_printable_next(const char **text, char out[MG_PRINTABLE_PIECE]);

/*
 * Copies the whole text in this form to out[size], with a terminating zero. Returns the bytes that it needs
 * without the zero, as snprintf does. If `size` is too small, the end is left out, in whole characters.
 */
size_t mg_printable(const char *text, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif

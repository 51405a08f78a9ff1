/* printable.h - texts from files (labels, names, paths) as a terminal may show them. */
#ifndef MARGIN_PRINTABLE_H
#define MARGIN_PRINTABLE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MG_PRINTABLE_PIECE = 8 };

/*
 * The next character of *text, which moves past it, as printable UTF-8 in `out`, with a terminating zero.
 * Returns its bytes; 0 at the end. Control characters (C0, DEL, C1), the line and paragraph separators and
 * the characters that reorder text (U+202A to U+202E, U+2066 to U+2069) become \n, \r, \t, \xNN or \uNNNN; a
 * byte that is not UTF-8 becomes \xNN. A backslash stays as it is, so a text without such characters is
 * unchanged, and what is printable already does not change again.
 */
int mg_printable_next(const char **text, char out[MG_PRINTABLE_PIECE]);

/*
 * The whole of `text` so, in out[size] with a terminating zero. Returns the bytes it takes without the zero,
 * as snprintf does; what does not fit is left out in whole characters.
 */
size_t mg_printable(const char *text, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif

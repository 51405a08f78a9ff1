// text.h - reads lines of any length from a plain or gzip file, parses numbers strictly, and reports faults
// as file:line:column.
#ifndef MG_IO_TEXT_H
#define MG_IO_TEXT_H

#include "io/input.h"

#include <stdbool.h>

typedef struct mg_text mg_text;

#define MG_TEXT_LONGEST ((size_t)256 << 20) // longest line or quoted record, in bytes

// Opens a text. It keeps pointers to `path` and `watch` (may be NULL), which must outlive the text. Skips a
// byte order mark of UTF-8; refuses UTF-16.
mg_status mg_text_open(mg_text **out, const char *path, const mg_watch *watch, mg_error *error);

// Opens several files, which are read one after the other as one text. Messages name the file of the line
// just read. `paths` must outlive the text. A file that is replaced or written to after it was opened first
// is an error (MG_DATA) when it is opened again, or at its end.
mg_status mg_text_open_parts(mg_text **out, const char *const *paths, int count, const mg_watch *watch,
                             mg_error *error);

// From the next rewind on, the first line of every later file must be that of the first file, and is skipped.
void mg_text_repeat_header(mg_text *text, bool repeat);

// Opens a copy of lines that are in memory; the first has the number `number`. It keeps a pointer to `name`,
// which messages show. Errors: MG_MEMORY.
mg_status mg_text_open_lines(mg_text **out, const char *name, int64_t number, const char *lines, size_t bytes,
                             mg_error *error);

// Reads the next line, without its LF or CRLF; *line becomes NULL at the end. The bytes are valid until the
// next call, and the caller may change them. line[bytes] may be read; it never continues a number or a UTF-8
// character.
mg_status mg_text_line(mg_text *text, char **line, size_t *bytes, mg_error *error);

// Extends the line just read by its line break and the next line, for a quoted field that continues there.
// *line may change. At the end of the file *bytes does not change.
mg_status mg_text_more(mg_text *text, char **line, size_t *bytes, mg_error *error);

// Makes the next line the first one again.
mg_status mg_text_rewind(mg_text *text, mg_error *error);

// Returns the error "file:line:column: ..." for the byte at `offset` in the line just read.
mg_status mg_text_fail(const mg_text *text, size_t offset, mg_status status, mg_error *error,
                       const char *format, ...) __attribute__((format(printf, 5, 6)));

// Puts "file:line:column: " before the text in *error; returns `status`.
mg_status mg_text_place(const mg_text *text, size_t offset, mg_status status, mg_error *error);

// Values that are not 0 but too small for float32. mg_text_lose adds the number of such values in the line
// just read. mg_text_lost returns their number since the first line, and the line of the first one.
void mg_text_lose(mg_text *text, int64_t values);
int64_t mg_text_lost(const mg_text *text, int64_t *line);
const char *mg_text_lost_path(const mg_text *text); // the file with this line

// Returns true if the value is not 0 but smaller than the normal numbers of float32.
static inline bool mg_text_vanishes(double value) {
    return value != 0 && value < 0x1p-126 && value > -0x1p-126;
}

const char *mg_text_path(const mg_text *text);
bool mg_text_packed(const mg_text *text);

// Those of the file, which must not be lines in memory: see input.h.
mg_input_version mg_text_opened(const mg_text *text);
mg_status mg_text_check_version(const mg_text *text, const mg_input_version *version, mg_error *error);

// The number of the line just read, from 1; if it was extended, of its first line.
int64_t mg_text_line_number(const mg_text *text);

// NULL is allowed.
void mg_text_close(mg_text *text);

// Parses the decimal number at `at`, correctly rounded. Returns the position after it; NULL if there is no
// number. Overflow gives infinity; underflow gives the smallest number of the same sign.
const char *mg_text_number(const char *at, const char *end, double *out);

// The words that mean a missing value, in upper or lower case. An empty text means it too. All formats use
// this list: X(word).
#define MG_MISSING_WORDS(X)                                                                                  \
    X("nan")                                                                                                 \
    X("-nan")                                                                                                \
    X("+nan")                                                                                                \
    X("na")                                                                                                  \
    X("n/a")                                                                                                 \
    X("n.a.")                                                                                                \
    X("<na>")                                                                                                \
    X("#n/a")                                                                                                \
    X("#na")                                                                                                 \
    X("#value!")                                                                                             \
    X("nat")                                                                                                 \
    X("null")                                                                                                \
    X("none")                                                                                                \
    X("?")

bool mg_text_missing(const char *text, size_t bytes);

// Returns true if all of [at, end) is a whole number (7, +7, 7.0 or 7e0) that fits an int64_t.
bool mg_text_whole(const char *at, const char *end, int64_t *out);

// Offset of the first byte that is zero or not UTF-8; `bytes` if there is none. text[bytes] must be readable.
size_t mg_text_utf8(const char *text, size_t bytes);

#endif

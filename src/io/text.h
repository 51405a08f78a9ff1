// text.h - lines of any length from a plain or gzip file, numbers read strictly, and faults told as
// file:line:column.
#ifndef MG_IO_TEXT_H
#define MG_IO_TEXT_H

#include "io/input.h"

#include <stdbool.h>

typedef struct mg_text mg_text;

#define MG_TEXT_LONGEST ((size_t)256 << 20) // bytes of the longest line (or quoted record) that is read

// `path` and `watch` (may be NULL) are borrowed until close. A byte order mark of UTF-8 is passed over,
// UTF-16 refused.
mg_status mg_text_open(mg_text **out, const char *path, const mg_watch *watch, mg_error *error);

// The next line without its LF or CRLF; *line is NULL at the end. The bytes may be changed in place and hold
// until the next call; line[bytes] may be read and is no part of a number or of a UTF-8 character.
mg_status mg_text_line(mg_text *text, char **line, size_t *bytes, mg_error *error);

// Lengthens the line just read by the line break and the line after it (a quoted field goes on there). *line
// may move. At the end of the file *bytes stays as it is.
mg_status mg_text_more(mg_text *text, char **line, size_t *bytes, mg_error *error);

// Back to the first line.
mg_status mg_text_rewind(mg_text *text, mg_error *error);

// Fails with "file:line:column: ..." for the byte at `offset` of the line just read.
mg_status mg_text_fail(const mg_text *text, size_t offset, mg_status status, mg_error *error,
                       const char *format, ...) __attribute__((format(printf, 5, 6)));

// Puts "file:line:column: " before the text a callee left in *error; returns its status.
mg_status mg_text_place(const mg_text *text, size_t offset, mg_status status, mg_error *error);

// Counts values of the line just read that are not 0 but too small for float32; how many since the first
// line, and the line of the first.
void mg_text_lose(mg_text *text, int64_t values);
int64_t mg_text_lost(const mg_text *text, int64_t *line);

// Is the value not 0, but below the normal numbers of float32?
static inline bool mg_text_vanishes(double value) {
    return value != 0 && value < 0x1p-126 && value > -0x1p-126;
}

const char *mg_text_path(const mg_text *text);

// NULL is fine.
void mg_text_close(mg_text *text);

// The decimal number at `at`, correctly rounded; returns what follows it, NULL when there is none. Too large
// is infinite; what is not 0 but below the range is the smallest number of its sign.
const char *mg_text_number(const char *at, const char *end, double *out);

// Is the text empty or one of the words that stand for a missing value: NA, NaN, null, None, ? and the like?
bool mg_text_missing(const char *text, size_t bytes);

// Is all of [at, end) a whole number, such as 7, +7, 7.0 or 7e0, that an int64_t holds?
bool mg_text_whole(const char *at, const char *end, int64_t *out);

// Offset of the first byte that is not UTF-8 (or is zero); `bytes` when there is none. text[bytes] is
// readable.
size_t mg_text_utf8(const char *text, size_t bytes);

#endif

// lines.h - reads files of JSON lines that margin writes (metrics.jsonl, path.jsonl, cv.jsonl): one flat
// object a line, with texts, numbers, true, false and null.
#ifndef MG_REPORT_LINES_H
#define MG_REPORT_LINES_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mg_line_value {
    const char *key;
    const char *text; // NULL unless the value is a text
    double number;    // true is 1, false is 0; NaN for texts and null
} mg_line_value;

typedef struct mg_line {
    int64_t first, count; // values[first .. first + count)
} mg_line;

typedef struct mg_lines {
    char *bytes; // owns the texts
    mg_line_value *values;
    mg_line *line; // [count]
    int64_t count;
    size_t value_count, value_room, line_room;
} mg_lines; // must be zero before mg_lines_read

// Reads all complete lines of the file; none if it does not exist. A last line without a line feed is left
// out, because a run may be writing it. Errors: MG_DATA with "path:line:", MG_IO, MG_MEMORY.
mg_status mg_lines_read(const char *path, mg_lines *out, mg_error *error);
void mg_lines_clear(mg_lines *lines);

// The value of `key` in line i: NaN or NULL if the line has no such number or text.
double mg_lines_number(const mg_lines *lines, int64_t i, const char *key);
const char *mg_lines_text(const mg_lines *lines, int64_t i, const char *key);

// True if the text "event" of line i is `event`.
bool mg_lines_is(const mg_lines *lines, int64_t i, const char *event);

// The last line with this event; -1 if there is none.
int64_t mg_lines_last(const mg_lines *lines, const char *event);

#endif

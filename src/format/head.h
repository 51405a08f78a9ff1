// head.h - iterates over the first lines of a file, for guesses about it.
#ifndef MG_FORMAT_HEAD_H
#define MG_FORMAT_HEAD_H

#include "format/pairs.h"

#include <string.h>

typedef struct mg_head_lines {
    const char *at, *end;
    bool cut;                // the last line may be incomplete, because the file goes on after `end`
    int left;                // number of lines that may still be read
    int64_t number;          // number of the current line, from 1
    const char *line, *stop; // the current line, without its line end
} mg_head_lines;

static inline mg_head_lines mg_head_begin(const char *head, size_t bytes) {
    return (mg_head_lines){.at = head, .end = head + bytes, .cut = bytes > (size_t)60 << 10, .left = 50};
}

// Moves to the next line that is not blank. An incomplete line counts only if it is the first.
static inline bool mg_head_next(mg_head_lines *lines) {
    bool first = !lines->line;
    while (lines->at < lines->end && lines->left-- > 0) {
        const char *stop = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
        if (!stop && lines->cut && !first) return false;
        lines->number++;
        lines->line = lines->at;
        lines->stop = stop ? stop : lines->end;
        lines->at = stop ? stop + 1 : lines->end;
        if (lines->stop > lines->line && lines->stop[-1] == '\r') lines->stop--;
        if (mg_skip_blanks(lines->line, lines->stop) < lines->stop) return true;
    }
    return false;
}

#endif

// progress.h - the progress line: one line of stderr that is drawn again and again, on a terminal only. It
// fits the width of the terminal. A thread adds what the library is doing if that takes longer than a second.
#ifndef MG_CLI_PROGRESS_H
#define MG_CLI_PROGRESS_H

#include <stdbool.h>

// The parts of a line, in the order in which they are shown. If the terminal is too narrow, those of the
// highest rank are left out.
enum { MG_CLI_MOST_PARTS = 12, MG_CLI_PART_TEXT = 64 };
typedef struct mg_cli_line {
    int count;
    struct {
        int rank;
        char text[MG_CLI_PART_TEXT];
    } part[MG_CLI_MOST_PARTS];
} mg_cli_line;

void mg_cli_add_part(mg_cli_line *line, int rank, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Writes the parts that fit into `width` columns, in their order, with two spaces between them.
void mg_cli_fit_line(const mg_cli_line *line, int width, char *out, int size);

// Begins to show progress, if stderr is a terminal. mg_cli_end_progress erases the line; it may be called
// without a beginning.
void mg_cli_begin_progress(void);
void mg_cli_end_progress(void);

// True if progress is shown.
bool mg_cli_shows_progress(void);

// Replaces the progress line. `keep`: the line stays on the terminal, and the next one begins below it.
void mg_cli_draw_progress(const mg_cli_line *line, bool keep);

// Erases the progress line, before other output to the terminal.
void mg_cli_clear_progress(void);

// A time for people, such as "12 s" or "1:02:03"; "?" if it is not known.
const char *mg_cli_time(double seconds, char out[32]);

#endif

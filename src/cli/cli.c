// cli.c - functions that the commands share.
#include "cli/cli.h"

#include "cli/progress.h"

#include <margin/printable.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool mg_cli_is_terminal(FILE *file) {
    const char *kind = getenv("TERM");
    return kind && *kind && strcmp(kind, "dumb") && isatty(fileno(file));
}

// The escape sequence of a colour; "" where colours are not wanted (no-color.org).
static const char *colour(FILE *file, const char *sequence) {
    const char *no = getenv("NO_COLOR");
    return mg_cli_is_terminal(file) && !(no && *no) ? sequence : "";
}

const char *mg_cli_good(FILE *file) { return colour(file, "\033[32m"); }
const char *mg_cli_doubtful(FILE *file) { return colour(file, "\033[33m"); }
const char *mg_cli_bad(FILE *file) { return colour(file, "\033[31m"); }
const char *mg_cli_plain(FILE *file) { return colour(file, "\033[0m"); }

int mg_cli_fail(const char *command, const mg_error *error) {
    mg_cli_end_progress();
    fprintf(stderr, "%smargin %s:%s ", mg_cli_bad(stderr), command, mg_cli_plain(stderr));
    mg_cli_put(stderr, error->text);
    fputc('\n', stderr);
    return mg_status_exit(error->status);
}

const char *mg_cli_count(double number, char out[32]) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%.0f", number), at = 0;
    for (int i = 0; i < length && at < 30; i++) {
        if (i && digits[i - 1] != '-' && (length - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
    return out;
}

const char *mg_cli_bytes(double bytes, char out[32]) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    int unit = 0;
    while (bytes >= 999.5 && unit < 5) {
        bytes /= 1000;
        unit++;
    }
    snprintf(out, 32, bytes < 9.95 && unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return out;
}

void mg_cli_put(FILE *file, const char *text) {
    char piece[MG_PRINTABLE_PIECE];
    while (mg_printable_next(&text, piece)) fputs(piece, file);
}

void mg_cli_put_line(FILE *file, const char *head, const char *text) {
    fputs(head, file);
    mg_cli_put(file, text);
    fputc('\n', file);
}

void mg_cli_notice(void *context, const char *line) {
    (void)context;
    mg_cli_clear_progress();
    size_t head = !strncmp(line, "warning:", 8) ? 8 : 0;
    if (head) fprintf(stderr, "%swarning:%s", mg_cli_doubtful(stderr), mg_cli_plain(stderr));
    mg_cli_put_line(stderr, "", line + head);
}

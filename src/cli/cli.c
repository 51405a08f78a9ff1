// cli.c - functions that the commands share.
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <margin/printable.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int mg_cli_fail(const char *command, const mg_error *error) {
    fprintf(stderr, "margin %s: ", command);
    mg_cli_put(stderr, error->text);
    fputc('\n', stderr);
    return mg_status_exit(error->status);
}

int mg_cli_parse(const struct argp *argp, int argc, char **argv, void *input) {
    static char name[64];
    snprintf(name, sizeof name, "margin %s", argv[0]);
    argv[0] = name;
    argp_err_exit_status = 2;
    return argp_parse(argp, argc, argv, 0, NULL, input) ? 2 : 0;
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

int64_t mg_cli_int(struct argp_state *state, const char *option, const char *value, int64_t low,
                   int64_t high) {
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (end == value || *end || errno || number < low || number > high)
        mg_cli_wrong(state, "%s: %s is not allowed (%" PRId64 " to %" PRId64 ")", option, value, low, high);
    return number;
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
    mg_cli_put_line(stderr, "", line);
}

void mg_cli_wrong(struct argp_state *state, const char *format, ...) {
    char raw[1024], text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    mg_printable(raw, text, sizeof text);
    argp_error(state, "%s", text);
}

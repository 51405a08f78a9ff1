// cli.c - what the commands share.
#include "cli/cli.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

int mg_cli_fail(const char *command, const mg_error *error) {
    fprintf(stderr, "margin %s: %s\n", command, error->text);
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

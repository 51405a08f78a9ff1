// grid.c - parses grids: from:to:factor, or lists of values.
#include "train/grid.h"

#include "base/number.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LEAST 1e-30
#define MOST 1e30
#define LEAST_FACTOR 1.01
// Rounding error of a point, relative to its value: 1e-3:1:10 must include 1, although powers are rounded.
#define ROUNDING 1e-9
// the values that a message advises beyond the end of a grid
enum { POINTS_BEYOND = 3, FACTOR_BEYOND = 10 };

// Splits "from:to:factor" into three numbers. Returns false if there are not exactly three.
static bool split(const char *text, double out[3]) {
    char part[64];
    for (int i = 0; i < 3; i++) {
        size_t length = strcspn(text, ":");
        if (length >= sizeof part || (text[length] == ':') != (i < 2)) return false;
        snprintf(part, sizeof part, "%.*s", (int)length, text);
        if (!mg_parse_real(part, &out[i])) return false;
        text += length + (i < 2);
    }
    return true;
}

static double point(double from, double factor, bool falling, int i) {
    double power = 1;
    while (i-- > 0) power *= factor;
    return falling ? from / power : from * power;
}

static mg_status fail_syntax(const mg_grid *grid, mg_error *error) {
    return mg_fail(
        error, MG_USAGE,
        "--%s: %s is not allowed (from:to:factor, such as 1e-3:1:10, or values with commas, such as "
        "0.1,1,5)",
        grid->name, grid->text);
}

static mg_status fail_many(const mg_grid *grid, const char *advice, mg_error *error) {
    return mg_fail(error, MG_USAGE, "--%s: %s gives more than the %d points that are allowed: %s", grid->name,
                   grid->text, MG_PATH_POINTS, advice);
}

static mg_status check_value(const mg_grid *grid, const char *what, double value, mg_error *error) {
    if (value >= LEAST && value <= MOST) return MG_OK;
    return mg_fail(error, MG_USAGE, "--%s: %s %g is not allowed (%g to %g)", grid->name, what, value, LEAST,
                   MOST);
}

// Parses a list; the values keep their order.
static mg_status parse_list(mg_grid *grid, mg_error *error) {
    mg_status status = MG_OK;
    char part[64];
    const char *text = grid->text;
    for (size_t length; !status; text += length + 1) {
        length = strcspn(text, ",");
        if (grid->count == MG_PATH_POINTS) return fail_many(grid, "use fewer values", error);
        if (length >= sizeof part) return fail_syntax(grid, error);
        snprintf(part, sizeof part, "%.*s", (int)length, text);
        double *value = &grid->value[grid->count++];
        if (!mg_parse_real(part, value)) return fail_syntax(grid, error);
        status = check_value(grid, "value", *value, error);
        if (!text[length]) break;
    }
    return status;
}

mg_status mg_grid_parse(const char *C, const char *lambda, mg_grid *grid, mg_error *error) {
    double number[3];
    *grid = (mg_grid){.holds_C = C, .name = C ? "C" : "lambda", .text = C ? C : lambda};
    if (!grid->text || (C && lambda))
        return mg_fail(
            error, MG_USAGE,
            "one of --C and --lambda is required, not both: from:to:factor, such as --C 1e-3:1:10");
    if (!strchr(grid->text, ':')) return parse_list(grid, error);
    if (!split(grid->text, number)) return fail_syntax(grid, error);
    double from = number[0], to = number[1], factor = number[2];
    mg_status status = check_value(grid, "from", from, error);
    if (!status) status = check_value(grid, "to", to, error);
    if (status) return status;
    if (!(factor >= LEAST_FACTOR))
        return mg_fail(
            error, MG_USAGE,
            "--%s: factor %g is not allowed (at least %g; for falling values, make from greater than to)",
            grid->name, factor, LEAST_FACTOR);
    bool falling = from > to;
    double next = from;
    while (falling ? next >= to * (1 - ROUNDING) : next <= to * (1 + ROUNDING)) {
        if (grid->count == MG_PATH_POINTS) return fail_many(grid, "use a larger factor", error);
        grid->value[grid->count++] = next;
        next = point(from, factor, falling, grid->count);
    }
    return MG_OK;
}

// The grid for model.C: auto. lambda falls, beginning at a tenth of the mean squared norm over delta: there
// all weights are nearly means of rows. At its end all rows that can be separated have a wide enough margin.
// The best values in measurements were from 1e-2 to 1e-7 (docs/decisions.md). Weak regularisation takes
// longest, but paths usually end before they reach it.
enum { AUTO_POINTS = 17, AUTO_PATIENCE = 4 };
#define AUTO_FIRST 0.1
#define AUTO_FACTOR 3.1622776601683795

void mg_grid_auto(mg_grid *grid) {
    *grid = (mg_grid){
        .holds_C = true, .name = "C", .text = "auto", .count = AUTO_POINTS, .patience = AUTO_PATIENCE};
    for (int i = 0; i < AUTO_POINTS; i++) grid->value[i] = 1;
}

void mg_grid_fit(mg_grid *grid, double mean_square_norm, double delta, double total_weight) {
    double norm = mean_square_norm > 0 ? mean_square_norm : 1; // 0 if all rows are 0
    double first = delta / (AUTO_FIRST * norm * total_weight);
    for (int i = 0; i < grid->count; i++) grid->value[i] = point(first, AUTO_FACTOR, false, i);
}

double mg_grid_lambda(const mg_grid *grid, int i, double total_weight) {
    return grid->holds_C ? 1 / (grid->value[i] * total_weight) : grid->value[i];
}

double mg_grid_C(const mg_grid *grid, int i, double total_weight) {
    return grid->holds_C ? grid->value[i] : 1 / (grid->value[i] * total_weight);
}

void mg_grid_report_end(const mg_grid *grid, int best, const mg_observer *observer) {
    double number[3], value = grid->value[best < 0 ? 0 : best];
    double factor = split(grid->text, number) ? number[2] : FACTOR_BEYOND;
    bool largest = true, smallest = true;
    char line[300];
    for (int i = 0; i < grid->count; i++) {
        largest = largest && grid->value[i] <= value;
        smallest = smallest && grid->value[i] >= value;
    }
    if (best < 0 || largest == smallest || !observer || !observer->message) return;
    double beyond = pow(factor, POINTS_BEYOND), least = fmax(value / beyond, LEAST),
           most = fmin(value * beyond, MOST);
    snprintf(line, sizeof line,
             "note: the best %s, %.4g, is the %s of the values, so a %s one may be better: try --%s "
             "%.4g:%.4g:%.4g with another output.directory, or with --overwrite",
             grid->name, value, largest ? "largest" : "smallest", largest ? "larger" : "smaller", grid->name,
             largest ? value : least, largest ? most : value, factor);
    observer->message(observer->context, line);
}

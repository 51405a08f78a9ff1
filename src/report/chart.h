// chart.h - a chart as static SVG, with its numbers for the script that makes it interactive.
#ifndef MG_REPORT_CHART_H
#define MG_REPORT_CHART_H

#include "base/writer.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum mg_series_kind {
    MG_SERIES_LINE,
    MG_SERIES_DASHED,
    MG_SERIES_POINTS, // a line with a mark at every point
    MG_SERIES_DOTS,   // marks without a line
    MG_SERIES_BARS,   // a bar from x to the next x; the last x has no bar
} mg_series_kind;

// x must ascend. A point with a coordinate that is not finite is not drawn; where y is infinite, the line is
// interrupted.
typedef struct mg_series {
    const char *name;
    const double *x, *y; // [count]
    const double *error; // [count] half the length of the error bars; NULL: none
    int64_t count;
    mg_series_kind kind;
    int colour;     // a number of the palette
    bool may_leave; // its points do not widen the vertical axis by more than the range of the others
} mg_series;

enum { MG_CHART_SERIES = 16, MG_CHART_COLOURS = 8 };

typedef struct mg_chart {
    const char *id, *title; // id: letters, unique in the page
    const char *text;       // one sentence: what the chart shows; read by screen readers
    const char *x_name, *y_name;
    bool log_x, log_y, percent; // percent: y is a fraction, shown as a percentage
    bool from_zero;             // the vertical axis begins at 0
    bool whole_x;               // x are whole numbers, such as epochs
    bool still;                 // the script leaves it as it is
    bool diagonal;              // a thin line y = x
    double mark;                // x of a vertical line; NaN: none
    const char *mark_name;
    const mg_series *series; // [count]
    int count;
} mg_chart;

// Adds the chart as a <figure>; nothing if no series has a point.
void mg_chart_add(mg_writer *to, const mg_chart *chart);

#endif

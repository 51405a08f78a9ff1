// axis.h - the axes of a chart: their ranges, ticks and labels.
#ifndef MG_REPORT_AXIS_H
#define MG_REPORT_AXIS_H

#include "base/writer.h"

#include <stdbool.h>

enum { MG_AXIS_TICKS = 12 };

typedef struct mg_axis {
    bool log, percent;
    double low, high;   // what the axis shows
    double begin, size; // coordinate of `low`, and length of the axis, negative if it goes upwards
    double tick[MG_AXIS_TICKS];
    int ticks;
    int decimals; // of the labels of a linear axis
} mg_axis;

// Widens the range a little, and chooses ticks. `whole`: ticks are whole numbers.
void mg_axis_fit(mg_axis *axis, bool whole, bool from_zero);

double mg_axis_place(const mg_axis *axis, double value);

// Adds the label of a tick, as the content of an SVG text.
void mg_axis_label(mg_writer *to, const mg_axis *axis, double value);

#endif

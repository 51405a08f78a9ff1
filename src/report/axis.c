// axis.c - chooses ticks that people can read: 1, 2 or 5 times a power of ten.
#include "report/axis.h"

#include "base/number.h"

#include <math.h>
#include <string.h>

enum { WANTED = 5, MOST_DECIMALS = 8 };

double mg_axis_place(const mg_axis *axis, double value) {
    double part = axis->log ? log10(value / axis->low) / log10(axis->high / axis->low)
                            : (value - axis->low) / (axis->high - axis->low);
    return axis->begin + part * axis->size;
}

static void add_tick(mg_axis *axis, double value) {
    if (axis->ticks < MG_AXIS_TICKS && value >= axis->low && value <= axis->high)
        axis->tick[axis->ticks++] = value;
}

// Linear: the smallest of 1, 2, 5 times a power of ten with few enough steps.
static void fit_linear(mg_axis *axis, bool whole) {
    double unit = axis->percent ? 0.01 : 1, range = (axis->high - axis->low) / unit;
    double power = pow(10, floor(log10(range / WANTED))), step = power;
    static const double factor[] = {1, 2, 5, 10};
    for (int i = 0; i < 4; i++) {
        step = factor[i] * power;
        if (range / step <= WANTED + 1) break;
    }
    if (whole && step < 1) step = 1;
    axis->decimals = (int)fmin(MOST_DECIMALS, fmax(0, ceil(-log10(step) - 1e-9)));
    double first = ceil(axis->low / unit / step - 1e-9);
    for (int i = 0; i < MG_AXIS_TICKS; i++) {
        double value = (first + i) * step * unit;
        if (value <= axis->high * (1 + 1e-12)) add_tick(axis, fmin(value, axis->high) + 0.0); // not -0
    }
}

// Logarithmic: powers of ten; between them 2 and 5 if there are few.
static void fit_log(mg_axis *axis) {
    double first = floor(log10(axis->low)), last = ceil(log10(axis->high)), decades = last - first;
    double step = fmax(1, ceil(decades / 7));
    for (double e = first; e <= last; e += step) {
        double power = pow(10, e);
        add_tick(axis, power);
        if (log10(axis->high / axis->low) > 2.5) continue;
        add_tick(axis, 2 * power);
        add_tick(axis, 5 * power);
    }
}

void mg_axis_fit(mg_axis *axis, bool whole, bool from_zero) {
    axis->ticks = 0;
    if (axis->log) {
        if (!(axis->high > axis->low)) axis->low /= 2, axis->high *= 2;
        double pad = pow(axis->high / axis->low, 0.04);
        axis->low /= pad;
        axis->high *= pad;
        fit_log(axis);
        return;
    }
    if (from_zero) axis->low = fmin(0, axis->low);
    if (!(axis->high > axis->low)) {
        double half = axis->low == 0 ? 1 : 0.05 * fabs(axis->low);
        if (!from_zero || axis->low < 0) axis->low -= whole ? 0.5 : half;
        axis->high += whole ? 0.5 : half;
    }
    double pad = 0.04 * (axis->high - axis->low);
    if (!from_zero) axis->low -= pad;
    axis->high += pad;
    fit_linear(axis, whole);
}

static void add_power(mg_writer *to, double value) {
    int e = (int)lround(floor(log10(value) + 1e-9));
    int factor = (int)lround(value / pow(10, e));
    if (factor > 1) mg_writer_format(to, "%d·", factor);
    mg_writer_format(to, "10<tspan class=\"up\" dy=\"-4\">%s%d</tspan>", e < 0 ? "−" : "", e < 0 ? -e : e);
}

void mg_axis_label(mg_writer *to, const mg_axis *axis, double value) {
    char text[MG_REAL_TEXT];
    double shown = axis->percent ? 100 * value : value;
    if (axis->log && !axis->percent && (value < 0.00099 || value > 9999)) {
        add_power(to, value);
        return;
    }
    const char *unit = "";
    if (value == 0) {
        mg_writer_add(to, axis->percent ? "0\u202f%" : "0");
        return;
    }
    int decimals = axis->decimals;
    if (!axis->log && !axis->percent && fabs(axis->high) >= 1e4) {
        bool millions = fabs(axis->high) >= 1e6;
        shown /= millions ? 1e6 : 1e3;
        unit = millions ? "\u202fM" : "\u202fk";
        mg_print_short(shown, 4, text);
    } else if (axis->log) mg_print_short(shown, 3, text);
    else mg_print_fixed(shown, decimals, text);
    if (text[0] == '-') mg_writer_add(to, "−");
    mg_writer_add(to, text + (text[0] == '-'));
    mg_writer_add(to, axis->percent ? "\u202f%" : unit);
}

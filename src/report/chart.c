// chart.c - draws a chart as SVG whose colours are those of the page.
#include "report/chart.h"

#include "base/number.h"
#include "report/axis.h"
#include "report/html.h"

#include <math.h>

enum { WIDTH = 360, HEIGHT = 216, LEFT = 50, RIGHT = 12, TOP = 10, BOTTOM = 36, MOST_POINTS = 600 };

typedef struct frame {
    const mg_chart *chart;
    mg_writer *to;
    mg_axis x, y;
} frame;

static bool is_drawn(const mg_chart *chart, const mg_series *s, int64_t i) {
    return isfinite(s->x[i]) && isfinite(s->y[i]) && (!chart->log_x || s->x[i] > 0) &&
           (!chart->log_y || s->y[i] > 0);
}

static int64_t points_of(const mg_chart *chart, const mg_series *s) {
    int64_t count = 0;
    for (int64_t i = 0; i < s->count; i++) count += is_drawn(chart, s, i);
    return count;
}

static void widen(const mg_chart *chart, const mg_series *s, double range[4]) {
    for (int64_t i = 0; i < s->count; i++) {
        if (!is_drawn(chart, s, i)) continue;
        double error = s->error && isfinite(s->error[i]) ? s->error[i] : 0;
        double low = s->y[i] - error, high = s->y[i] + error;
        range[0] = fmin(range[0], s->x[i]);
        range[1] = fmax(range[1], s->x[i]);
        range[2] = fmin(range[2], chart->log_y && low <= 0 ? s->y[i] : low);
        range[3] = fmax(range[3], high);
    }
}

// The ranges of x and y of all series. Series that may leave the chart widen it by at most its own height.
static void find_ranges(const mg_chart *chart, double range[4]) {
    double all[4] = {INFINITY, -INFINITY, INFINITY, -INFINITY}, most[4];
    for (int i = 0; i < 4; i++) most[i] = all[i];
    for (int i = 0; i < chart->count; i++) {
        if (!chart->series[i].may_leave) widen(chart, &chart->series[i], most);
        widen(chart, &chart->series[i], all);
    }
    double room = most[3] - most[2];
    for (int i = 0; i < 4; i++) range[i] = all[i];
    if (!(room >= 0)) return;
    if (room == 0) room = 0.05 * fabs(most[3]);
    range[2] = fmax(all[2], most[2] - room);
    range[3] = fmin(all[3], most[3] + room);
}

static void add_coordinate(mg_writer *to, double value) {
    char text[MG_REAL_TEXT];
    mg_print_fixed(fmin(1e5, fmax(-1e5, value)), 1, text);
    mg_writer_add(to, text);
}

static void add_attribute(mg_writer *to, const char *name, double value) {
    mg_writer_format(to, " %s=\"", name);
    add_coordinate(to, value);
    mg_writer_add(to, "\"");
}

static void add_rule(mg_writer *to, const char *kind, const double at[4]) {
    static const char *const names[] = {"x1", "y1", "x2", "y2"};
    mg_writer_format(to, "<line class=\"%s\"", kind);
    for (int i = 0; i < 4; i++) add_attribute(to, names[i], at[i]);
    mg_writer_add(to, "/>");
}

static void add_axes(frame *f) {
    mg_writer *to = f->to;
    for (int i = 0; i < f->y.ticks; i++) {
        double at = mg_axis_place(&f->y, f->y.tick[i]);
        add_rule(to, "grid", (const double[]){LEFT, at, WIDTH - RIGHT, at});
        mg_writer_format(to, "<text class=\"tick\" text-anchor=\"end\" x=\"%d\"", LEFT - 6);
        add_attribute(to, "y", at + 3.5);
        mg_writer_add(to, ">");
        mg_axis_label(to, &f->y, f->y.tick[i]);
        mg_writer_add(to, "</text>");
    }
    add_rule(to, "axis", (const double[]){LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM});
    for (int i = 0; i < f->x.ticks; i++) {
        double at = mg_axis_place(&f->x, f->x.tick[i]);
        add_rule(to, "axis", (const double[]){at, HEIGHT - BOTTOM, at, HEIGHT - BOTTOM + 4});
        mg_writer_format(to, "<text class=\"tick\" text-anchor=\"middle\" y=\"%d\"", HEIGHT - BOTTOM + 16);
        add_attribute(to, "x", at);
        mg_writer_add(to, ">");
        mg_axis_label(to, &f->x, f->x.tick[i]);
        mg_writer_add(to, "</text>");
    }
    mg_writer_format(to, "<text class=\"name\" text-anchor=\"end\" x=\"%d\" y=\"%d\">", WIDTH - RIGHT,
                     HEIGHT - 4);
    mg_html_text(to, f->chart->x_name);
    mg_writer_add(to, "</text>\n");
}

// Points that are drawn of many: every n-th, and the last.
static bool is_chosen(int64_t i, int64_t count) {
    int64_t every = count / MOST_POINTS + 1;
    return i % every == 0 || i == count - 1;
}

static void add_line(frame *f, const mg_series *s) {
    bool pen = false;
    mg_writer_format(f->to, "<path class=\"line s%d%s\" d=\"", s->colour % MG_CHART_COLOURS,
                     s->kind == MG_SERIES_DASHED ? " dashed" : "");
    for (int64_t i = 0; i < s->count; i++) {
        if (isinf(s->y[i])) pen = false;
        if (!is_drawn(f->chart, s, i) || !is_chosen(i, s->count)) continue;
        mg_writer_add(f->to, pen ? "L" : "M");
        add_coordinate(f->to, mg_axis_place(&f->x, s->x[i]));
        mg_writer_add(f->to, " ");
        add_coordinate(f->to, mg_axis_place(&f->y, s->y[i]));
        pen = true;
    }
    mg_writer_add(f->to, "\"/>");
}

static void add_marks(frame *f, const mg_series *s) {
    int colour = s->colour % MG_CHART_COLOURS;
    char kind[24];
    snprintf(kind, sizeof kind, "error s%d", colour);
    for (int64_t i = 0; i < s->count; i++) {
        if (!is_drawn(f->chart, s, i) || !is_chosen(i, s->count)) continue;
        double x = mg_axis_place(&f->x, s->x[i]), y = mg_axis_place(&f->y, s->y[i]);
        if (s->error && isfinite(s->error[i])) {
            double low = mg_axis_place(&f->y, s->y[i] - s->error[i]),
                   high = mg_axis_place(&f->y, s->y[i] + s->error[i]);
            add_rule(f->to, kind, (const double[]){x, low, x, high});
            add_rule(f->to, kind, (const double[]){x - 3, low, x + 3, low});
            add_rule(f->to, kind, (const double[]){x - 3, high, x + 3, high});
        }
        mg_writer_format(f->to, "<circle class=\"dot s%d%s\" r=\"%s\"", colour,
                         s->kind == MG_SERIES_DOTS ? " light" : "", s->kind == MG_SERIES_DOTS ? "2" : "2.6");
        add_attribute(f->to, "cx", x);
        add_attribute(f->to, "cy", y);
        mg_writer_add(f->to, "/>");
    }
}

static void add_bars(frame *f, const mg_series *s) {
    double floor_at = mg_axis_place(&f->y, fmax(0, f->y.low));
    for (int64_t i = 0; i + 1 < s->count; i++) {
        if (!is_drawn(f->chart, s, i) || s->y[i] == 0) continue;
        double from = mg_axis_place(&f->x, s->x[i]), to = mg_axis_place(&f->x, s->x[i + 1]),
               top = mg_axis_place(&f->y, s->y[i]);
        mg_writer_format(f->to, "<rect class=\"bar s%d\"", s->colour % MG_CHART_COLOURS);
        add_attribute(f->to, "x", from + 0.4);
        add_attribute(f->to, "y", top);
        add_attribute(f->to, "width", fmax(0.4, to - from - 0.8));
        add_attribute(f->to, "height", fmax(0, floor_at - top));
        mg_writer_add(f->to, "/>");
    }
}

static void add_series(frame *f, const mg_series *s) {
    if (s->kind == MG_SERIES_BARS) add_bars(f, s);
    else if (s->kind != MG_SERIES_DOTS) add_line(f, s);
    bool alone = s->kind == MG_SERIES_LINE && points_of(f->chart, s) == 1;
    if (s->kind == MG_SERIES_POINTS || s->kind == MG_SERIES_DOTS || alone) add_marks(f, s);
    mg_writer_add(f->to, "\n");
}

static void add_drawing(frame *f) {
    const mg_chart *chart = f->chart;
    mg_writer *to = f->to;
    mg_writer_format(to,
                     "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"%s-t %s-d\">"
                     "<title id=\"%s-t\">",
                     WIDTH, HEIGHT, chart->id, chart->id, chart->id);
    mg_html_text(to, chart->title);
    mg_writer_format(to, "</title><desc id=\"%s-d\">", chart->id);
    mg_html_text(to, chart->text);
    mg_writer_format(
        to,
        "</desc>\n<clipPath id=\"%s-c\"><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/></clipPath>\n",
        chart->id, LEFT - 3, TOP - 4, WIDTH - LEFT - RIGHT + 6, HEIGHT - TOP - BOTTOM + 5);
    add_axes(f);
    mg_writer_format(to, "<g clip-path=\"url(#%s-c)\">\n", chart->id);
    if (chart->diagonal) {
        double low = fmax(f->x.low, f->y.low), high = fmin(f->x.high, f->y.high);
        add_rule(to, "diagonal",
                 (const double[]){mg_axis_place(&f->x, low), mg_axis_place(&f->y, low),
                                  mg_axis_place(&f->x, high), mg_axis_place(&f->y, high)});
    }
    if (isfinite(chart->mark)) {
        double at = mg_axis_place(&f->x, chart->mark);
        add_rule(to, "mark", (const double[]){at, TOP, at, HEIGHT - BOTTOM});
    }
    for (int i = 0; i < chart->count; i++) add_series(f, &chart->series[i]);
    mg_writer_add(to, "</g></svg>\n");
}

static void add_legend(mg_writer *to, const mg_chart *chart) {
    mg_writer_add(to, "<ul class=\"legend\">");
    for (int i = 0; i < chart->count; i++) {
        const mg_series *s = &chart->series[i];
        if (!points_of(chart, s)) continue;
        mg_writer_format(to, "<li><i class=\"k s%d%s\"></i>", s->colour % MG_CHART_COLOURS,
                         s->kind == MG_SERIES_DASHED ? " dashed" : "");
        mg_html_cut(to, s->name, 48);
        mg_writer_add(to, "</li>");
    }
    if (isfinite(chart->mark)) {
        mg_writer_add(to, "<li><i class=\"k mark\"></i>");
        mg_html_text(to, chart->mark_name);
        mg_writer_add(to, "</li>");
    }
    mg_writer_add(to, "</ul>");
}

static void add_numbers(mg_writer *to, const char *name, const double *values, const mg_chart *chart,
                        const mg_series *s) {
    bool first = true;
    mg_writer_format(to, ",\"%s\":[", name);
    for (int64_t i = 0; i < s->count; i++) {
        bool gap = isinf(s->y[i]) && isfinite(s->x[i]);
        if (!gap && (!is_drawn(chart, s, i) || !is_chosen(i, s->count))) continue;
        if (!first) mg_writer_add(to, ",");
        first = false;
        mg_html_data(to, values[i]);
    }
    mg_writer_add(to, "]");
}

// The numbers of the chart, for the script of the page (report.js).
static void add_data(mg_writer *to, const mg_chart *chart) {
    mg_writer_format(
        to,
        "<script type=\"application/json\">{\"whole\":%d,\"logx\":%d,\"logy\":%d,\"percent\":%d,\"mark\":",
        chart->whole_x, chart->log_x, chart->log_y, chart->percent);
    mg_html_data(to, chart->mark);
    mg_writer_add(to, ",\"xname\":");
    mg_html_script_text(to, chart->x_name);
    mg_writer_add(to, ",\"series\":[");
    for (int i = 0; i < chart->count; i++) {
        const mg_series *s = &chart->series[i];
        mg_writer_add(to, i ? ",{\"name\":" : "{\"name\":");
        mg_html_script_text(to, s->name);
        mg_writer_format(to, ",\"kind\":%d,\"colour\":%d", (int)s->kind, s->colour % MG_CHART_COLOURS);
        add_numbers(to, "x", s->x, chart, s);
        add_numbers(to, "y", s->y, chart, s);
        if (s->error) add_numbers(to, "error", s->error, chart, s);
        mg_writer_add(to, "}");
    }
    mg_writer_add(to, "]}</script>");
}

static void add_range(mg_writer *to, const mg_axis *y) {
    mg_writer_add(to, " data-chart data-range=\"");
    mg_html_data(to, y->low);
    mg_writer_add(to, " ");
    mg_html_data(to, y->high);
    mg_writer_add(to, "\"");
}

void mg_chart_add(mg_writer *to, const mg_chart *chart) {
    double range[4];
    find_ranges(chart, range);
    if (!(range[0] <= range[1])) return;
    frame f = {.chart = chart,
               .to = to,
               .x = {.log = chart->log_x,
                     .low = range[0],
                     .high = range[1],
                     .begin = LEFT,
                     .size = WIDTH - LEFT - RIGHT},
               .y = {.log = chart->log_y,
                     .percent = chart->percent,
                     .low = range[2],
                     .high = range[3],
                     .begin = HEIGHT - BOTTOM,
                     .size = -(HEIGHT - TOP - BOTTOM)}};
    if (isfinite(chart->mark)) {
        f.x.low = fmin(f.x.low, chart->mark);
        f.x.high = fmax(f.x.high, chart->mark);
    }
    mg_axis_fit(&f.x, chart->whole_x, false);
    mg_axis_fit(&f.y, false, chart->from_zero);
    mg_writer_format(to, "<figure class=\"chart\" id=\"%s\"", chart->id);
    if (!chart->still) add_range(to, &f.y);
    mg_writer_add(to, "><figcaption>");
    mg_html_text(to, chart->title);
    if (chart->y_name) {
        mg_writer_add(to, " <small>");
        mg_html_text(to, chart->y_name);
        mg_writer_add(to, "</small>");
    }
    mg_writer_add(to, "</figcaption>\n");
    if (chart->count > 1 || isfinite(chart->mark)) add_legend(to, chart);
    mg_writer_add(to, "<div class=\"plot\">");
    add_drawing(&f);
    mg_writer_add(to, "</div>");
    if (!chart->still) add_data(to, chart);
    mg_writer_add(to, "</figure>\n");
}

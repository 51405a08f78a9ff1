// curves.c - the curves of one training, or those of several on top of each other.
#include "report/chart.h"
#include "report/page.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// One chart: which values of the `epoch` lines it shows.
typedef struct curve {
    const char *id, *title, *y_name, *text;
    struct {
        const char *key, *name;
    } line[3]; // a key of NULL ends the list
    bool log_y, percent, from_zero;
    bool one_problem; // says nothing if the problem changes during the training
} curve;

static const curve curves[] = {
    {"objective",
     "Objective",
     NULL,
     "Objective of the weights and its certified lower bound after each epoch.",
     {{"objective", "objective"}, {"dual", "certified lower bound"}},
     false,
     false,
     false,
     true},
    {"gap",
     "Certified gap",
     "relative, log scale",
     "Relative gap between objective and lower bound after each epoch.",
     {{"gap", "gap"}},
     true,
     false,
     false,
     false},
    {"loss",
     "Mean loss",
     NULL,
     "Mean loss of all training rows after each epoch, and of the rows as they were visited during the "
     "epoch.",
     {{"train_loss", "training rows"}, {"pass_loss", "during the epoch"}},
     false,
     false,
     true,
     true},
    {"accuracy",
     "Validation accuracy",
     NULL,
     "Share of the validation rows that are right after each epoch.",
     {{"accuracy", "accuracy"}},
     false,
     true,
     false,
     false},
    {"rate",
     "Learning rate",
     NULL,
     "Learning rate of each epoch.",
     {{"learning_rate", "rate"}},
     false,
     false,
     true,
     false},
    {"speed",
     "Speed",
     "rows a second",
     "Rows that training visited in a second, for each epoch.",
     {{"rows_per_second", "rows a second"}},
     false,
     false,
     true,
     false},
    {"waiting",
     "Waiting for rows",
     "seconds",
     "Seconds of each epoch in which training waited for rows.",
     {{"wait_seconds", "seconds"}},
     false,
     false,
     true,
     false},
};
enum { CURVES = sizeof curves / sizeof *curves, LINES = 3 };

static int64_t epochs_of(const mg_record *record) {
    int64_t count = 0;
    for (int64_t i = 0; i < record->events.count; i++) count += mg_lines_is(&record->events, i, "epoch");
    return count;
}

// Copies the values of the epoch lines; x and y have room for twice as many. x is the number of the epoch; on
// a path, which counts them anew at every point, that of all points together, and the line is interrupted
// between two points. *count becomes the number of values, 0 if there is nothing to see.
static void take_values(const mg_record *record, const char *key, double *x, double *y, int64_t *count) {
    bool found = false;
    double last = 0, before = 0;
    int64_t n = 0;
    for (int64_t i = 0; i < record->events.count; i++) {
        if (!mg_lines_is(&record->events, i, "epoch")) continue;
        double epoch = mg_lines_number(&record->events, i, "epoch");
        if (epoch <= last) {
            before += last;
            x[n] = before + 0.5;
            y[n++] = INFINITY;
        }
        last = epoch;
        x[n] = before + epoch;
        y[n] = mg_lines_number(&record->events, i, key);
        found |= isfinite(y[n]) && y[n] != 0;
        n++;
    }
    *count = found ? n : 0;
}

// True for a path, also one of a fold: its points have different objectives.
static bool has_points(const mg_record *record) {
    double C = mg_lines_number(&record->points, record->points.count - 1, "C"),
           lambda = mg_lines_number(&record->points, record->points.count - 1, "lambda");
    return record->kind == MG_RECORD_PATH || !isnan(C) || !isnan(lambda);
}

static void add_chart(const mg_page *page, const curve *c, const char *x_name, const mg_series *series,
                      int count) {
    const mg_chart chart = {.id = c->id,
                            .title = c->title,
                            .text = c->text,
                            .x_name = x_name,
                            .y_name = c->y_name,
                            .log_y = c->log_y,
                            .percent = c->percent,
                            .from_zero = c->from_zero,
                            .whole_x = true,
                            .mark = NAN,
                            .series = series,
                            .count = count};
    mg_chart_add(page->to, &chart);
}

static void add_one(const mg_page *page, const curve *c, double *memory) {
    mg_series series[LINES];
    int count = 0;
    int64_t epochs = epochs_of(page->record);
    for (int l = 0; l < LINES && c->line[l].key; l++) {
        double *x = memory + 4 * count * epochs, *y = x + 2 * epochs;
        int64_t values;
        take_values(page->record, c->line[l].key, x, y, &values);
        if (!values) continue;
        bool bound = !strcmp(c->line[l].key, "dual");
        series[count++] = (mg_series){.name = c->line[l].name,
                                      .x = x,
                                      .y = y,
                                      .count = values,
                                      .kind = l > 0 ? MG_SERIES_DASHED : MG_SERIES_LINE,
                                      .colour = l,
                                      .may_leave = bound};
    }
    add_chart(page, c, has_points(page->record) ? "epoch, all points" : "epoch", series, count);
}

// The values as a table, for those who cannot see the charts, or want the numbers.
static void add_table(const mg_page *page) {
    enum { MOST_ROWS = 500 };
    static const struct {
        const char *key, *name;
    } column[] = {{"epoch", "epoch"},
                  {"seconds", "seconds"},
                  {"objective", "objective"},
                  {"dual", "lower bound"},
                  {"gap", "gap"},
                  {"train_loss", "training loss"},
                  {"pass_loss", "loss during the epoch"},
                  {"accuracy", "validation accuracy"}};
    enum { COLUMNS = sizeof column / sizeof *column };
    mg_writer *to = page->to;
    int64_t epochs = epochs_of(page->record), every = epochs / MOST_ROWS + 1, n = 0;
    mg_writer_add(to,
                  "<details><summary>Values of the epochs</summary><div class=\"scroll\" tabindex=\"0\" "
                  "role=\"region\" aria-label=\"Values of the epochs\"><table class=\"sortable\"><caption>");
    if (every > 1) mg_writer_format(to, "One of %lld epochs", (long long)every);
    else mg_writer_add(to, "After each epoch; a dash: not measured");
    mg_writer_add(to, "</caption><thead><tr>");
    for (int c = 0; c < COLUMNS; c++) mg_html_head(to, column[c].name, true);
    mg_writer_add(to, "</tr></thead><tbody>\n");
    for (int64_t i = 0; i < page->record->events.count; i++) {
        if (!mg_lines_is(&page->record->events, i, "epoch")) continue;
        if (n++ % every && n != epochs) continue;
        mg_writer_add(to, "<tr>");
        for (int c = 0; c < COLUMNS; c++) {
            double value = mg_lines_number(&page->record->events, i, column[c].key);
            mg_html_number_cell(to, value);
            if (c == COLUMNS - 1) mg_html_percent(to, value);
            else mg_html_short(to, value, c == 0 ? 15 : 5);
            mg_writer_add(to, "</td>");
        }
        mg_writer_add(to, "</tr>\n");
    }
    mg_writer_add(to, "</tbody></table></div></details>\n");
}

// The curve of every training on one chart.
static void add_overlay(const mg_page *page, const curve *c, double *memory) {
    mg_series series[MG_CHART_SERIES];
    int count = 0;
    for (int r = 0; r < page->records && count < MG_CHART_SERIES; r++) {
        const mg_record *record = &page->record[r];
        int64_t epochs = epochs_of(record);
        double *x = memory, *y = memory + 2 * epochs;
        int64_t values;
        memory += 4 * epochs;
        take_values(record, c->line[0].key, x, y, &values);
        if (!values || (c->one_problem && has_points(record))) continue;
        series[count++] = (mg_series){.name = record->path,
                                      .x = x,
                                      .y = y,
                                      .count = values,
                                      .kind = r >= MG_CHART_COLOURS ? MG_SERIES_DASHED : MG_SERIES_LINE,
                                      .colour = r};
    }
    add_chart(page, c, "epoch", series, count);
}

void mg_page_curves(const mg_page *page) {
    double *memory;
    int64_t epochs = 0;
    for (int r = 0; r < page->records; r++) epochs += epochs_of(&page->record[r]);
    if (!epochs || page->to->status) return;
    size_t numbers = 4 * (size_t)epochs * (page->records > 1 ? 1 : LINES);
    mg_error error = {0};
    mg_memory_get(&memory, numbers, sizeof *memory, &error);
    mg_writer_fail(page->to, &error);
    if (page->to->status) return;
    mg_html_section(page->to, "curves", "Curves");
    if (page->record->kind == MG_RECORD_CV)
        mg_writer_add(page->to, "<p class=\"note\">Those of the first fold.</p>\n");
    mg_writer_add(page->to, "<div class=\"charts\">\n");
    for (int i = 0; i < CURVES; i++) {
        if (page->records > 1) add_overlay(page, &curves[i], memory);
        else if (!curves[i].one_problem || !has_points(page->record)) add_one(page, &curves[i], memory);
    }
    mg_writer_add(page->to, "</div>\n");
    if (page->records == 1) add_table(page);
    mg_writer_add(page->to, "</section>\n");
    mg_memory_free(memory);
}

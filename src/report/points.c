// points.c - the points of a path, and the means and folds of a cross-validation.
#include "report/chart.h"
#include "report/page.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

typedef struct columns {
    double *memory;
    double *value[6];
    int64_t count;
} columns;

// Copies numbers of those lines for which `event` is NULL or their event, in ascending order of the first
// key.
static mg_status take(const mg_record *record, const char *event, const char *const *keys, int count,
                      columns *out, mg_error *error) {
    int64_t lines = record->points.count;
    *out = (columns){0};
    mg_status status = mg_memory_get(&out->memory, (size_t)(count * lines), sizeof *out->memory, error);
    if (status) return status;
    for (int c = 0; c < count; c++) out->value[c] = out->memory + c * lines;
    for (int64_t i = 0; i < lines; i++) {
        if (event && !mg_lines_is(&record->points, i, event)) continue;
        double first = mg_lines_number(&record->points, i, keys[0]);
        int64_t at = out->count++;
        for (; at > 0 && out->value[0][at - 1] > first; at--)
            for (int c = 0; c < count; c++) out->value[c][at] = out->value[c][at - 1];
        for (int c = 0; c < count; c++) out->value[c][at] = mg_lines_number(&record->points, i, keys[c]);
    }
    return MG_OK;
}

// True if the points are values of lambda instead of C.
static bool by_lambda(const mg_record *record) {
    return record->kind == MG_RECORD_CV && record->points.count &&
           !isnan(mg_lines_number(&record->points, record->points.count - 1, "lambda"));
}

static void add_path_charts(const mg_page *page, double chosen, mg_error *error) {
    static const char *const keys[] = {"C", "accuracy", "objective", "dual", "passes"};
    columns c;
    if (take(page->record, NULL, keys, 5, &c, error)) return;
    const mg_series accuracy = {"validation accuracy", c.value[0], c.value[1], NULL, c.count,
                                MG_SERIES_POINTS,      0,          false};
    const mg_series objective[] = {
        {"objective", c.value[0], c.value[2], NULL, c.count, MG_SERIES_POINTS, 0, false},
        {"certified lower bound", c.value[0], c.value[3], NULL, c.count, MG_SERIES_DASHED, 1, true},
    };
    const mg_series passes = {"passes", c.value[0], c.value[4], NULL, c.count, MG_SERIES_POINTS, 0, false};
    const mg_chart charts[] = {
        {.id = "pathaccuracy",
         .title = "Validation accuracy",
         .text = "Accuracy on the validation rows for each C.",
         .x_name = "C",
         .log_x = true,
         .percent = true,
         .mark = chosen,
         .mark_name = "chosen C",
         .series = &accuracy,
         .count = 1},
        {.id = "pathobjective",
         .title = "Objective",
         .text = "Objective and its lower bound for each C.",
         .x_name = "C",
         .log_x = true,
         .mark = chosen,
         .mark_name = "chosen C",
         .series = objective,
         .count = 2},
        {.id = "pathpasses",
         .title = "Work",
         .y_name = "passes over the rows",
         .text = "Visits of rows divided by the number of rows, for each C.",
         .x_name = "C",
         .log_x = true,
         .from_zero = true,
         .mark = chosen,
         .mark_name = "chosen C",
         .series = &passes,
         .count = 1},
    };
    for (size_t i = 0; i < sizeof charts / sizeof *charts; i++) mg_chart_add(page->to, &charts[i]);
    mg_memory_free(c.memory);
}

static void add_cv_chart(const mg_page *page, double chosen, mg_error *error) {
    bool lambda = by_lambda(page->record);
    const char *x = lambda ? "lambda" : "C";
    const char *const mean_keys[] = {x, "mean", "deviation"}, *const fold_keys[] = {x, "accuracy"};
    columns mean, fold;
    if (take(page->record, "mean", mean_keys, 3, &mean, error)) return;
    if (!take(page->record, "fold", fold_keys, 2, &fold, error)) {
        const mg_series series[] = {
            {"a fold", fold.value[0], fold.value[1], NULL, fold.count, MG_SERIES_DOTS, 1, false},
            {"mean and deviation", mean.value[0], mean.value[1], mean.value[2], mean.count, MG_SERIES_POINTS,
             0, false},
        };
        const mg_chart chart = {.id = "cv",
                                .title = "Accuracy on held-out rows",
                                .text =
                                    "Mean accuracy of the folds with its standard deviation, and every fold.",
                                .x_name = x,
                                .still = true, // folds have equal x, which the script cannot show
                                .log_x = true,
                                .percent = true,
                                .mark = chosen,
                                .mark_name = lambda ? "chosen lambda" : "chosen C",
                                .series = series,
                                .count = 2};
        mg_chart_add(page->to, &chart);
        mg_memory_free(fold.memory);
    }
    mg_memory_free(mean.memory);
}

// ---- tables -----------------------------------------------------------------------------------

typedef struct column {
    const char *key, *name;
    char kind; // 's': short number, 'o': objective, 'f': fixed decimals, 'p': percentage, 't': seconds, 'y':
               // yes or no
    int digits;
} column;

static const column path_columns[] = {
    {"C", "C", 's', 4},
    {"lambda", "lambda", 's', 4},
    {"accuracy", "validation", 'p', 2},
    {"objective", "objective", 'o', 6},
    {"dual", "lower bound", 'o', 6},
    {"gap", "gap", 's', 2},
    {"converged", "certified", 'y', 0},
    {"passes", "passes", 'f', 1},
    {"seconds", "time", 't', 0},
};
static const column mean_columns[] = {
    {"C", "C", 's', 4},
    {"lambda", "lambda", 's', 4},
    {"mean", "mean accuracy", 'p', 2},
    {"deviation", "deviation", 'p', 2},
    {"not_converged", "folds not certified", 's', 3},
};
static const column fold_columns[] = {
    {"fold", "fold", 's', 3},           {"C", "C", 's', 4},     {"accuracy", "accuracy", 'p', 2},
    {"objective", "objective", 'o', 6}, {"gap", "gap", 's', 2}, {"seconds", "time", 't', 0},
};

static void add_cell(mg_writer *to, const column *c, double value) {
    mg_html_number_cell(to, value);
    if (c->kind == 'o' && fabs(value) >= 1e-3 && fabs(value) < 1e6) mg_html_fixed(to, value, c->digits);
    else if (c->kind == 's' || c->kind == 'o') mg_html_short(to, value, c->digits);
    else if (c->kind == 'f') mg_html_fixed(to, value, c->digits);
    else if (c->kind == 'p') mg_html_percent(to, value);
    else if (c->kind == 't') mg_html_seconds(to, value);
    else mg_writer_add(to, value > 0 ? "yes" : "no");
    mg_writer_add(to, "</td>");
}

static bool has_column(const mg_record *record, const char *event, const char *key) {
    for (int64_t i = 0; i < record->points.count; i++)
        if ((!event || mg_lines_is(&record->points, i, event)) &&
            !isnan(mg_lines_number(&record->points, i, key)))
            return true;
    return false;
}

typedef struct points_table {
    const char *caption, *event;
    const column *columns;
    int count;
    int64_t best;
} points_table;

static void add_table(const mg_page *page, const points_table *table) {
    mg_writer *to = page->to;
    const mg_record *record = page->record;
    mg_writer_add(to, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    mg_html_text(to, table->caption);
    mg_writer_add(to, "\"><table class=\"sortable\"><caption>");
    mg_html_text(to, table->caption);
    mg_writer_add(to, "</caption><thead><tr>");
    for (int c = 0; c < table->count; c++)
        if (has_column(record, table->event, table->columns[c].key))
            mg_html_head(to, table->columns[c].name, true);
    mg_writer_add(to, "</tr></thead><tbody>\n");
    for (int64_t i = 0; i < record->points.count; i++) {
        if (table->event && !mg_lines_is(&record->points, i, table->event)) continue;
        mg_writer_add(to, i == table->best ? "<tr class=\"best\">" : "<tr>");
        for (int c = 0; c < table->count; c++)
            if (has_column(record, table->event, table->columns[c].key))
                add_cell(to, &table->columns[c], mg_lines_number(&record->points, i, table->columns[c].key));
        mg_writer_add(to, "</tr>\n");
    }
    mg_writer_add(to, "</tbody></table></div>\n");
}

#define COLUMNS(list) (list), (int)(sizeof(list) / sizeof *(list))

static void add_folds(const mg_page *page, const mg_record_facts *facts) {
    const points_table means = {"Means over the folds; the chosen one is marked", "mean",
                                COLUMNS(mean_columns), facts->best};
    const points_table folds = {"Every fold", "fold", COLUMNS(fold_columns), -1};
    mg_writer_add(page->to, "<div>\n");
    add_table(page, &means);
    mg_writer_add(page->to, "<details><summary>Every fold</summary>");
    add_table(page, &folds);
    mg_writer_add(page->to, "</details>\n</div>\n");
}

void mg_page_points(const mg_page *page) {
    const mg_record *record = page->record;
    mg_writer *to = page->to;
    bool folds = record->kind == MG_RECORD_CV;
    if (record->kind == MG_RECORD_RUN || !record->points.count || to->status) return;
    mg_record_facts facts = mg_record_summarise(record);
    mg_error error = {0};
    mg_html_section(to, "points", folds ? "Cross-validation" : "Path");
    mg_writer_add(to, folds ? "<div class=\"two narrow\">\n" : "<div class=\"charts\">\n");
    double chosen = by_lambda(record) ? facts.lambda : facts.C;
    if (folds) add_cv_chart(page, chosen, &error);
    else add_path_charts(page, facts.best >= 0 ? chosen : NAN, &error);
    if (folds) add_folds(page, &facts);
    mg_writer_add(to, "</div>\n");
    if (!folds) {
        const points_table points = {"Points; the chosen one is marked", NULL, COLUMNS(path_columns),
                                     facts.best};
        add_table(page, &points);
    }
    mg_writer_add(to, "</section>\n");
    mg_writer_fail(to, &error);
}

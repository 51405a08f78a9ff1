// worked.c - prints a calculation step by step, in plain loops over the definitions of docs/math.md.
#include "inspect/worked.h"

#include "base/arithmetic.h"
#include "base/memory.h"
#include "base/number.h"
#include "rows/rows.h"

#include <math.h>
#include <stdio.h>

static void put(mg_writer *out, double value) {
    char text[MG_REAL_TEXT];
    mg_print_short(value == 0 ? 0 : value, 4, text); // no -0
    mg_writer_format(out, " %10s", isnan(value) ? "." : text);
}

static void put_head(mg_writer *out, const char *corner, const char *column, int64_t count,
                     const int64_t *number) {
    mg_writer_format(out, "%14s", corner);
    for (int64_t j = 0; j < count; j++) {
        char text[32];
        snprintf(text, sizeof text, "%s %lld", column, (long long)(number ? number[j] : j));
        mg_writer_format(out, " %10s", text);
    }
    mg_writer_add(out, "\n");
}

static int64_t shown_classes(const mg_worked *w) { return mg_min(w->classes, MG_WORKED_CLASSES); }

static void put_row(const mg_worked *w, mg_writer *out, int64_t i, const double *values, int64_t count) {
    mg_writer_format(out, "row %lld, true %lld", (long long)i, (long long)w->label[i]);
    for (int64_t j = 0; j < count; j++) put(out, values[j]);
    mg_writer_add(out, "\n");
}

static void put_table(const mg_worked *w, mg_writer *out, const char *title, const double *values) {
    mg_writer_format(out, "\n%s\n", title);
    put_head(out, "", "class", shown_classes(w), NULL);
    for (int64_t i = 0; i < w->rows; i++) put_row(w, out, i, values + i * w->classes, shown_classes(w));
}

void mg_worked_scores(const mg_worked *w, mg_writer *out) {
    int64_t features = mg_min(w->features, MG_WORKED_FEATURES);
    mg_writer_add(out, "rows X\n");
    put_head(out, "", "feature", features, w->feature);
    for (int64_t i = 0; i < w->rows; i++) put_row(w, out, i, w->x + i * w->features, features);
    mg_writer_add(out, "\nweights W\n");
    put_head(out, "", "feature", features, w->feature);
    for (int64_t k = 0; k < shown_classes(w); k++) {
        mg_writer_format(out, "%8s %5lld", "class", (long long)k);
        for (int64_t d = 0; d < features; d++) put(out, w->w[k * w->features + d]);
        mg_writer_add(out, "\n");
    }
    put_table(w, out, "scores S = X W' + the bias (M1)", w->scores);
}

// The margin of a rival: its score minus that of the true class, plus delta. Above 0 it violates the margin.
static double margin_of(const mg_worked *w, int64_t i, int64_t k) {
    const double *s = w->scores + i * w->classes;
    return k == w->label[i] ? NAN : s[k] - s[w->label[i]] + w->delta;
}

static void put_gradient(const mg_worked *w, mg_writer *out, const double *coef) {
    int64_t classes = shown_classes(w), features = mg_min(w->features, MG_WORKED_FEATURES);
    mg_writer_format(out, "\ngradient G = X' M / %lld (M10): features by classes\n", (long long)w->rows);
    put_head(out, "", "class", classes, NULL);
    for (int64_t d = 0; d <= features; d++) {
        bool constant = d == features;
        if (constant && !(w->bias > 0)) break;
        if (constant) mg_writer_format(out, "%14s", "bias");
        else mg_writer_format(out, "%8s %5lld", "feature", (long long)(w->feature ? w->feature[d] : d));
        for (int64_t k = 0; k < classes; k++) {
            double sum = 0;
            for (int64_t i = 0; i < w->rows; i++)
                sum += (constant ? w->bias : w->x[i * w->features + d]) * coef[i * w->classes + k];
            put(out, sum / (double)w->rows);
        }
        mg_writer_add(out, "\n");
    }
}

static void put_losses(const mg_worked *w, const mg_loss *loss, mg_writer *out) {
    double mean = 0;
    mg_writer_add(out, "\nlosses of the rows");
    for (int64_t i = 0; i < w->rows; i++) {
        double value = loss->value(w->classes, w->scores + i * w->classes, w->label[i], w->delta);
        put(out, value);
        mean += value / (double)w->rows;
    }
    mg_writer_add(out, ", mean");
    put(out, mean);
    mg_writer_add(out, "\n");
}

// The coefficients of all rows, from the function that training uses.
static mg_status find_coefficients(const mg_worked *w, const mg_loss *loss, double *coef, mg_error *error) {
    int64_t lanes = mg_round_up(w->classes, MG_LANES);
    float *line;
    mg_status status = mg_memory_get(&line, 2 * (size_t)lanes, sizeof *line, error);
    for (int64_t i = 0; !status && i < w->rows; i++) {
        for (int64_t k = 0; k < lanes; k++)
            line[k] = k < w->classes ? (float)w->scores[i * w->classes + k] : -INFINITY;
        loss->row(lanes, line, w->label[i], (float)w->delta, line + lanes);
        for (int64_t k = 0; k < w->classes; k++) coef[i * w->classes + k] = (double)line[lanes + k];
    }
    mg_memory_free(line);
    return status;
}

mg_status mg_worked_loss(const mg_worked *w, const mg_loss *loss, mg_writer *out, mg_error *error) {
    double *margins = NULL, *indicators = NULL, *coef = NULL;
    size_t cells = (size_t)(w->rows * w->classes);
    mg_status status = mg_memory_get(&margins, cells, sizeof *margins, error);
    if (!status) status = mg_memory_get(&indicators, cells, sizeof *indicators, error);
    if (!status) status = mg_memory_get(&coef, cells, sizeof *coef, error);
    if (!status) status = find_coefficients(w, loss, coef, error);
    for (int64_t j = 0; !status && j < (int64_t)cells; j++) {
        margins[j] = margin_of(w, j / w->classes, j % w->classes);
        indicators[j] = isnan(margins[j]) ? NAN : margins[j] > 0;
    }
    if (!status) {
        mg_writer_format(out, "\nloss %s\n", loss->name);
        put_table(w, out, "margins m: score - true score + delta; above 0 the rival violates the margin",
                  margins);
        put_table(w, out, "indicators 1(m > 0)", indicators);
        put_losses(w, loss, out);
        put_table(w, out, "coefficients M: derivatives of the losses with respect to the scores", coef);
        put_gradient(w, out, coef);
    }
    mg_memory_free(margins);
    mg_memory_free(indicators);
    mg_memory_free(coef);
    return status;
}

// classes.c - the figures of each class, and which classes the model confuses.
#include "report/page.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// A matrix of more classes cannot be read; the most frequent confusions are listed instead.
enum { MANY_CLASSES = 200, MATRIX_CLASSES = 40, FEW_CONFUSIONS = 15, CONFUSIONS = 40 };

typedef struct class_figures {
    int64_t k, support, predicted, right;
    double precision, recall, f1;
} class_figures;

// Rows of class `y` for which the model answers `k`.
typedef struct confusion {
    int32_t y, k;
    int64_t rows;
} confusion;

typedef struct confusions {
    confusion *pair; // most frequent first
    int64_t count;
} confusions;

static void add_label(const mg_page *page, int64_t k) {
    char buffer[MG_LABEL_BUFFER];
    mg_html_cut(page->to, mg_classes_label(&page->model->classes, k, buffer), 60);
}

static double ratio(int64_t part, int64_t whole) { return whole ? (double)part / (double)whole : NAN; }

// Worst F1 first; classes without rows come last.
static int by_f1(const void *a, const void *b) {
    const class_figures *x = a, *y = b;
    double p = x->support ? x->f1 : 2, q = y->support ? y->f1 : 2;
    return p != q ? (p > q) - (p < q) : (x->k > y->k) - (x->k < y->k);
}

static mg_status count_classes(const mg_examined *rows, class_figures **out, mg_error *error) {
    class_figures *all;
    mg_status status = mg_memory_zeroed(&all, (size_t)rows->classes, sizeof *all, error);
    *out = all;
    if (status) return status;
    for (int64_t i = 0; i < rows->rows; i++) {
        all[rows->label[i]].support++;
        all[rows->best[i]].predicted++;
        all[rows->best[i]].right += rows->best[i] == rows->label[i];
    }
    for (int64_t k = 0; k < rows->classes; k++) {
        all[k].k = k;
        all[k].precision = ratio(all[k].right, all[k].predicted);
        all[k].recall = ratio(all[k].right, all[k].support);
        all[k].f1 = ratio(2 * all[k].right, all[k].support + all[k].predicted);
    }
    return MG_OK;
}

static int by_classes(const void *a, const void *b) {
    const confusion *x = a, *y = b;
    return x->y != y->y ? (x->y > y->y) - (x->y < y->y) : (x->k > y->k) - (x->k < y->k);
}

static int by_rows(const void *a, const void *b) {
    const confusion *x = a, *y = b;
    return x->rows != y->rows ? (x->rows < y->rows) - (x->rows > y->rows) : by_classes(a, b);
}

static mg_status count_confusions(const mg_examined *rows, confusions *out, mg_error *error) {
    int64_t wrong = rows->rows - rows->right, n = 0;
    *out = (confusions){0};
    mg_status status = mg_memory_get(&out->pair, (size_t)wrong, sizeof *out->pair, error);
    if (status) return status;
    for (int64_t i = 0; i < rows->rows; i++)
        if (rows->label[i] != rows->best[i]) out->pair[n++] = (confusion){rows->label[i], rows->best[i], 1};
    qsort(out->pair, (size_t)n, sizeof *out->pair, by_classes);
    for (int64_t i = 0; i < n; i++) {
        confusion *last = out->count ? &out->pair[out->count - 1] : NULL;
        if (last && !by_classes(last, &out->pair[i])) last->rows++;
        else out->pair[out->count++] = out->pair[i];
    }
    qsort(out->pair, (size_t)out->count, sizeof *out->pair, by_rows);
    return MG_OK;
}

// ---- tables -----------------------------------------------------------------------------------

static void add_share(mg_writer *to, double share) {
    mg_html_number_cell(to, share);
    mg_html_percent(to, share);
    mg_writer_add(to, "</td>");
}

static void add_classes(const mg_page *page, const class_figures *all) {
    static const char *const names[] = {"precision", "recall", "F1", "rows"};
    mg_writer *to = page->to;
    mg_writer_add(to, page->rows->classes > MANY_CLASSES ? "<div class=\"scroll tall many\""
                                                         : "<div class=\"scroll tall\"");
    mg_writer_add(to,
                  " tabindex=\"0\" role=\"region\" aria-label=\"Figures of each "
                  "class\"><table class=\"sortable bars\"><caption>Each class, the lowest F1 first</caption>"
                  "<thead><tr>");
    mg_html_head(to, "class", false);
    for (int i = 0; i < 4; i++) mg_html_head(to, names[i], true);
    mg_writer_add(to, "</tr></thead><tbody>\n");
    for (int64_t i = 0; i < page->rows->classes; i++) {
        const class_figures *one = &all[i];
        mg_writer_add(to, "<tr><th scope=\"row\">");
        add_label(page, one->k);
        mg_writer_add(to, "</th>");
        add_share(to, one->precision);
        add_share(to, one->recall);
        mg_writer_add(to, "<td class=\"n f\"");
        if (isfinite(one->f1)) {
            mg_writer_add(to, " data-v=\"");
            mg_html_data(to, one->f1);
            mg_writer_format(to, "\" style=\"--v:%d%%\"", (int)lround(100 * one->f1));
        }
        mg_writer_add(to, ">");
        mg_html_percent(to, one->f1);
        mg_writer_add(to, "</td>");
        mg_html_number_cell(to, (double)one->support);
        mg_html_count(to, one->support);
        mg_writer_add(to, "</td></tr>\n");
    }
    mg_writer_add(to, "</tbody></table></div>\n");
}

static void add_list(const mg_page *page, const confusions *found, const int64_t *support) {
    mg_writer *to = page->to;
    int64_t most = page->rows->classes > MATRIX_CLASSES ? CONFUSIONS : FEW_CONFUSIONS,
            count = found->count < most ? found->count : most;
    if (!count) return;
    mg_writer_add(to, "<div class=\"scroll tall\" tabindex=\"0\" role=\"region\" aria-label=\"Most frequent "
                      "confusions\"><table class=\"sortable\"><caption>Most frequent confusions");
    if (count < found->count)
        mg_writer_format(to, " (%lld of %lld)", (long long)count, (long long)found->count);
    mg_writer_add(to, "</caption><thead><tr>");
    mg_html_head(to, "true class", false);
    mg_html_head(to, "taken for", false);
    mg_html_head(to, "rows", true);
    mg_html_head(to, "of its class", true);
    mg_writer_add(to, "</tr></thead><tbody>\n");
    for (int64_t i = 0; i < count; i++) {
        const confusion *one = &found->pair[i];
        mg_writer_add(to, "<tr><th scope=\"row\">");
        add_label(page, one->y);
        mg_writer_add(to, "</th><td>");
        add_label(page, one->k);
        mg_writer_add(to, "</td>");
        mg_html_number_cell(to, (double)one->rows);
        mg_html_count(to, one->rows);
        mg_writer_add(to, "</td>");
        add_share(to, ratio(one->rows, support[one->y]));
        mg_writer_add(to, "</tr>\n");
    }
    mg_writer_add(to, "</tbody></table></div>\n");
}

// ---- the matrix -------------------------------------------------------------------------------

// How dark a cell is, from 0 to 9: by its share of the rows of the class, so that rare classes are visible
// too.
static int shade_of(int64_t rows, int64_t support) {
    if (!rows) return 0;
    int shade = (int)ceil(9 * sqrt(ratio(rows, support)));
    return shade > 9 ? 9 : shade;
}

static void add_matrix_row(const mg_page *page, const int64_t *rows, int64_t y) {
    mg_writer *to = page->to;
    int64_t classes = page->rows->classes, support = 0;
    for (int64_t k = 0; k < classes; k++) support += rows[k];
    mg_writer_add(to, "<tr><th scope=\"row\">");
    add_label(page, y);
    mg_writer_add(to, "</th>");
    for (int64_t k = 0; k < classes; k++) {
        mg_writer_format(to, "<td class=\"%s%d\">", y == k ? "d" : "e", shade_of(rows[k], support));
        if (rows[k]) mg_html_count(to, rows[k]);
        mg_writer_add(to, "</td>");
    }
    mg_writer_add(to, "</tr>\n");
}

static bool has_long_label(const mg_page *page) {
    char buffer[MG_LABEL_BUFFER];
    for (int64_t k = 0; k < page->rows->classes; k++)
        if (strlen(mg_classes_label(&page->model->classes, k, buffer)) > 5) return true;
    return false;
}

static mg_status add_matrix(const mg_page *page, mg_error *error) {
    const mg_examined *rows = page->rows;
    mg_writer *to = page->to;
    int64_t *matrix, classes = rows->classes;
    if (classes > MATRIX_CLASSES) return MG_OK;
    mg_status status = mg_memory_zeroed(&matrix, (size_t)(classes * classes), sizeof *matrix, error);
    if (status) return status;
    for (int64_t i = 0; i < rows->rows; i++) matrix[rows->label[i] * classes + rows->best[i]]++;
    mg_writer_format(
        to,
        "<p class=\"note\">Confusion matrix: a row for each true class, a column for each answer. The "
        "stronger the colour, the larger the share of the row.</p>\n"
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Confusion matrix\">"
        "<table class=\"matrix%s\"><caption>True class by answer</caption><thead><tr><td></td>",
        has_long_label(page) ? " long" : "");
    for (int64_t k = 0; k < classes; k++) {
        mg_writer_add(to, "<th scope=\"col\"><span>");
        add_label(page, k);
        mg_writer_add(to, "</span></th>");
    }
    mg_writer_add(to, "</tr></thead><tbody>\n");
    for (int64_t y = 0; y < classes; y++) add_matrix_row(page, matrix + y * classes, y);
    mg_writer_add(to, "</tbody></table></div>\n");
    mg_memory_free(matrix);
    return MG_OK;
}

// ---- the section ------------------------------------------------------------------------------

static void add_lead(const mg_page *page) {
    const mg_examined *rows = page->rows;
    mg_writer *to = page->to;
    mg_writer_add(to, "<p class=\"note\">Measured on ");
    mg_html_count(to, rows->rows);
    mg_writer_add(to, " rows of <code>");
    mg_html_text(to, rows->data);
    mg_writer_add(to, "</code> (");
    mg_html_text(to, rows->origin);
    mg_writer_add(to, "): ");
    mg_html_count(to, rows->right);
    mg_writer_add(to, " right, accuracy ");
    mg_html_percent(to, rows->accuracy);
    mg_writer_add(to, ", mean loss ");
    mg_html_short(to, rows->loss, 5);
    if (rows->skipped) {
        mg_writer_add(to, ". Left out, because the model does not know their labels: ");
        mg_html_count(to, rows->skipped);
        mg_writer_add(to, " rows");
    }
    mg_writer_add(to, ".</p>\n");
    if (!page->note) return;
    mg_writer_add(to, "<p class=\"note\">");
    mg_html_text(to, page->note);
    mg_writer_add(to, ".</p>\n");
}

static mg_status add_figures(const mg_page *page, class_figures *all, mg_error *error) {
    confusions found;
    int64_t *support;
    mg_status status = count_confusions(page->rows, &found, error);
    if (status) return status;
    status = mg_memory_get(&support, (size_t)page->rows->classes, sizeof *support, error);
    if (!status) {
        for (int64_t k = 0; k < page->rows->classes; k++) support[k] = all[k].support;
        qsort(all, (size_t)page->rows->classes, sizeof *all, by_f1);
        mg_writer_add(page->to, "<div class=\"two\">\n");
        add_classes(page, all);
        add_list(page, &found, support);
        mg_writer_add(page->to, "</div>\n");
        status = add_matrix(page, error);
    }
    mg_memory_free(support);
    mg_memory_free(found.pair);
    return status;
}

mg_status mg_page_classes(const mg_page *page, mg_error *error) {
    class_figures *all;
    if (!page->rows && !page->note) return MG_OK;
    mg_html_section(page->to, "classes", "Classes");
    if (!page->rows) {
        mg_writer_add(page->to, "<p class=\"note\">No rows were measured: ");
        mg_html_text(page->to, page->note);
        mg_writer_add(page->to,
                      ". To see the figures of each class, confusions, probabilities and errors, give "
                      "labelled rows: <code>margin report RUN --data FILE</code>.</p>\n</section>\n");
        return MG_OK;
    }
    add_lead(page);
    mg_status status = count_classes(page->rows, &all, error);
    if (!status) status = add_figures(page, all, error);
    mg_memory_free(all);
    mg_writer_add(page->to, "</section>\n");
    return status;
}

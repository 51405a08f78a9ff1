// mistakes.c - the rows that are wrong although the model is confident: often rows with a wrong label.
#include "report/image.h"
#include "report/page.h"

#include <math.h>
#include <string.h>

static void add_label(const mg_page *page, int64_t k) {
    char buffer[MG_LABEL_BUFFER];
    mg_html_cut(page->to, mg_classes_label(&page->model->classes, k, buffer), 40);
}

static void add_confidence(const mg_page *page, const mg_mistake *one) {
    double confidence = (double)page->rows->confidence[one->kept];
    if (page->rows->probable) mg_html_percent(page->to, confidence);
    else mg_html_fixed(page->to, confidence, 3);
}

static void add_image(const mg_page *page, const mg_mistake *one, int64_t side) {
    mg_writer *to = page->to;
    float low = 0, high = 0;
    for (int64_t d = 0; d < side * side; d++) {
        low = fminf(low, one->cells[d]);
        high = fmaxf(high, one->cells[d]);
    }
    float range = high > low ? high - low : 1;
    for (int64_t d = 0; d < side * side; d++) one->cells[d] = (one->cells[d] - low) / range;
    mg_writer_format(to, "<figure><img width=\"%lld\" height=\"%lld\" alt=\"Row %lld\" src=\"",
                     (long long)side, (long long)side, (long long)one->row);
    mg_image_add(to, side, one->cells, MG_IMAGE_GREY);
    mg_writer_add(to, "\"><figcaption>");
    add_label(page, page->rows->label[one->kept]);
    mg_writer_add(to, " → ");
    add_label(page, page->rows->best[one->kept]);
    mg_writer_add(to, "<br><small>");
    add_confidence(page, one);
    mg_writer_format(to, "<br>row %lld</small></figcaption></figure>\n", (long long)one->row);
}

static void add_table(const mg_page *page) {
    mg_writer *to = page->to;
    mg_writer_add(to,
                  "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table of the errors\">"
                  "<table class=\"sortable\"><caption>The most confident first</caption><thead><tr>");
    mg_html_head(to, "row", true);
    mg_html_head(to, "true class", false);
    mg_html_head(to, "answer", false);
    mg_html_head(to, page->rows->probable ? "probability" : "lead of the answer", true);
    mg_writer_add(to, "</tr></thead><tbody>\n");
    for (int m = 0; m < page->rows->mistakes; m++) {
        const mg_mistake *one = &page->rows->mistake[m];
        mg_writer_add(to, "<tr>");
        mg_html_number_cell(to, (double)one->row);
        mg_html_count(to, one->row);
        mg_writer_add(to, "</td><td>");
        add_label(page, page->rows->label[one->kept]);
        mg_writer_add(to, "</td><td>");
        add_label(page, page->rows->best[one->kept]);
        mg_writer_add(to, "</td>");
        mg_html_number_cell(to, (double)page->rows->confidence[one->kept]);
        add_confidence(page, one);
        mg_writer_add(to, "</td></tr>\n");
    }
    mg_writer_add(to, "</tbody></table></div>\n");
}

void mg_page_mistakes(const mg_page *page) {
    if (!page->rows || !page->rows->mistakes) return;
    int64_t side = mg_page_side(page->model);
    mg_writer *to = page->to;
    mg_html_section(to, "errors", "Most confident errors");
    mg_writer_add(to, "<p class=\"note\">Rows whose answer is wrong, with the ");
    mg_writer_add(to, page->rows->probable ? "highest probabilities." : "largest lead of the best score.");
    mg_writer_add(to, " Look at their labels: some may be wrong in the data. Rows of <code>");
    mg_html_text(to, page->rows->data);
    mg_writer_add(to, "</code> are numbered from 0.");
    if (side) mg_writer_add(to, " Each shows the true class → the answer.");
    mg_writer_add(to, "</p>\n");
    if (side) mg_writer_add(to, "<div class=\"templates mistakes\">\n");
    for (int m = 0; side && m < page->rows->mistakes; m++) add_image(page, &page->rows->mistake[m], side);
    if (side) mg_writer_add(to, "</div>\n");
    else add_table(page);
    mg_writer_add(to, "</section>\n");
}

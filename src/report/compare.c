// compare.c - the head of a report of several trainings: a table with a line for each.
#include "report/fact_columns.h"
#include "report/page.h"

#include <math.h>

static void add_cell(mg_writer *to, const mg_fact_column *c, const mg_record *record,
                     const mg_record_facts *facts) {
    if (c->text) {
        const char *text = c->text(record);
        mg_writer_add(to, "<td>");
        if (text) mg_html_text(to, text);
        else mg_html_short(to, NAN, 1);
        mg_writer_add(to, "</td>");
        return;
    }
    double value = c->number(facts);
    mg_html_number_cell(to, value);
    if (c->kind == MG_FACT_SHARE) mg_html_percent(to, value);
    else if (c->kind == MG_FACT_SECONDS) mg_html_seconds(to, value);
    else mg_html_short(to, value, c->digits);
    mg_writer_add(to, "</td>");
}

void mg_page_runs(const mg_page *page) {
    mg_writer *to = page->to;
    const mg_fact_column *c;
    mg_writer_format(to,
                     "<header id=\"summary\">\n<p class=\"kind\">margin report</p>\n<h1>%d "
                     "trainings</h1>\n</header>\n<main>\n",
                     page->records);
    mg_html_section(to, "runs", "Results");
    mg_writer_add(
        to, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table of the results\">"
            "<table class=\"sortable\"><caption>One line for each training; of a path its best point, of a "
            "cross-validation its best mean</caption><thead><tr>");
    for (int i = 0; (c = mg_fact_column_at(i)); i++) mg_html_head(to, c->name, !c->text);
    mg_writer_add(to, "</tr></thead><tbody>\n");
    for (int r = 0; r < page->records; r++) {
        mg_record_facts facts = mg_record_summarise(&page->record[r]);
        mg_writer_add(to, "<tr>");
        for (int i = 0; (c = mg_fact_column_at(i)); i++) {
            if (i) add_cell(to, c, &page->record[r], &facts);
            else {
                mg_writer_format(to, "<th scope=\"row\"><i class=\"k s%d%s\"></i>", r % 8,
                                 r >= 8 ? " dashed" : "");
                mg_html_text(to, page->record[r].path);
                mg_writer_add(to, "</th>");
            }
        }
        mg_writer_add(to, "</tr>\n");
    }
    mg_writer_add(to, "</tbody></table></div>\n</section>\n");
}

// page.h - the sections of a report. Each adds its HTML to the writer of the page, or nothing if the run has
// nothing to show there.
#ifndef MG_REPORT_PAGE_H
#define MG_REPORT_PAGE_H

#include "model/model.h"
#include "report/examine.h"
#include "report/html.h"
#include "report/record.h"

typedef struct mg_page {
    mg_writer *to;
    const mg_record *record; // [records]
    int records;
    const mg_model *model;   // of the first record; NULL: none
    const mg_examined *rows; // labelled rows that the model has scored; NULL: none
    const char *note;        // one line: why there are none, and what to give; or NULL
    char seal[20];           // digest in the seal of model.h5
} mg_page;

void mg_page_summary(const mg_page *page); // what the result is, its certificate in words, warnings
void mg_page_runs(const mg_page *page);    // a table of several trainings
void mg_page_points(const mg_page *page);  // a path or a cross-validation
void mg_page_curves(const mg_page *page);
mg_status mg_page_classes(const mg_page *page, mg_error *error); // per class, confusions
mg_status mg_page_scores(const mg_page *page, mg_error *error);  // probabilities, margins, rejection
void mg_page_mistakes(const mg_page *page);                      // the most confident errors
mg_status mg_page_weights(const mg_page *page, mg_error *error); // templates, or top features
void mg_page_about(const mg_page *page);                         // data, machine, configuration

// The side of the square image that a row of the model's features can be; 0 if it is none.
int64_t mg_page_side(const mg_model *model);

// Adds a row of a table of two columns.
void mg_page_fact(mg_writer *to, const char *name, const char *value);

#endif

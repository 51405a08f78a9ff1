// examine.h - scores labelled rows with the model of a run, and keeps of each row what a report shows.
#ifndef MG_REPORT_EXAMINE_H
#define MG_REPORT_EXAMINE_H

#include "report/record.h"
#include "train/scoring.h"

enum { MG_EXAMINE_BINS = 15, MG_EXAMINE_MISTAKES = 24 };

// Sums over the rows whose most probable class has a probability in one bin (M36).
typedef struct mg_examined_bin {
    int64_t rows, right;
    double probability;
} mg_examined_bin;

typedef struct mg_examined_quality {
    mg_examined_bin bin[MG_EXAMINE_BINS];
    double log_loss, ece;
} mg_examined_quality;

// A row that is wrong although the model is confident.
typedef struct mg_mistake {
    int64_t row;  // number in the file, from 0
    int64_t kept; // position among the examined rows
    float *cells; // [features] as the model reads them; NULL if rows are no images
} mg_mistake;

typedef struct mg_examined {
    char *data;         // path of the file
    const char *origin; // where it was named, such as "data.test"
    int64_t rows;       // rows with a known label
    int64_t skipped;    // rows whose label is no class of the model
    int64_t classes;
    int32_t *label, *best; // [rows]
    float *margin;         // [rows] score of the own class minus the highest other one
    float *
        confidence; // [rows] probability of the best class; without probabilities, its score minus the second
    int64_t right;
    double accuracy, loss;
    bool probable;                           // `confidence` is a probability
    bool calibrated;                         // the model has a calibration
    mg_examined_quality before, after;       // without and with the calibration; equal if there is none
    mg_mistake mistake[MG_EXAMINE_MISTAKES]; // the most confident first
    int mistakes;
} mg_examined; // must be zero before its first use

typedef struct mg_examine_request {
    const mg_record *record;
    mg_scoring *scoring; // the model
    const char *data;    // NULL: the test or validation rows of the run
    const char *features, *names, *labels;
    bool complete;        // features of the model that `data` lack are an error; false: they are 0
    bool drop_unlabelled; // leave out rows of `data` without a label; false: they are an error
    bool skip_unknown;    // leave out rows whose label is not a class of the model; false: they are an error
    int64_t side;         // rows are square images of this side; 0: they are not
} mg_examine_request;

// Examines the rows of the request. If they are those of the run, and cannot be read any more or have
// changed, *note becomes one line that says so, and out->rows is 0; the caller frees it. Errors: those of
// mg_measure.
mg_status mg_examine(const mg_examine_request *request, mg_examined *out, char **note, mg_error *error);
void mg_examined_clear(mg_examined *examined);

#endif

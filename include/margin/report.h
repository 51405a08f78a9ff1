/* report.h - writes a report of a training for people: one HTML file that needs nothing else. */
#ifndef MARGIN_REPORT_H
#define MARGIN_REPORT_H

#include <margin/status.h>

#include <stdbool.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mg_report_request {
    /* [count] directories of margin train, path or cv. Several are compared. */
    const char *const *directories;
    int count;
    /* HDF5 file with labelled rows to measure the model on; only for one directory. NULL: the rows of
     * data.test or, without them, of data.validation, if they are still there and unchanged. */
    const char *data;
    const char *features; /* data set of the features in `data`; NULL: the name used in training */
    const char *labels;   /* data set of the labels in `data`; NULL: the name used in training */
    const char *
        names; /* data set with the names of the features of `data`, "auto" or "none"; NULL: as in training */
    bool complete;        /* features of the model whose names `data` lack are an error; false: they are 0 */
    bool skip_unknown;    /* leave out rows of `data` whose label is not a class of the model */
    bool drop_unlabelled; /* leave out rows of `data` without a label */
    int threads;          /* 0: all that this process may use */
    mg_notices notices;
} mg_report_request;

/*
 * Writes the report to `file`. Nothing in the directories is changed. Errors: MG_DATA (not a directory of a
 * training, or damaged files), MG_IO, MG_MEMORY, MG_USAGE; those of mg_measure if `data` is given.
 */
mg_status mg_report_write(const mg_report_request *request, FILE *file, mg_error *error);

/*
 * Checks that `path` does not exist, or is a report that may be replaced. Errors: MG_USAGE if it is another
 * file, so that no input can be lost; MG_IO.
 */
mg_status mg_report_check_output(const char *path, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif

/* runs.h - lists trainings with their results, one line each. */
#ifndef MARGIN_RUNS_H
#define MARGIN_RUNS_H

#include <margin/status.h>

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mg_runs_format { MG_RUNS_TABLE, MG_RUNS_JSON, MG_RUNS_TSV } mg_runs_format;

typedef struct mg_runs_request {
    /* [count] directories of trainings. If one is none itself, the trainings directly in it are listed. */
    const char *const *directories;
    int count;
    const char *sort; /* a column; '-' before it reverses the order; NULL: the order given */
    mg_runs_format format;
    /* Of a table: if it is wider than this, columns are left out, and a last line names them; 0: never. The
     * column `sort` stays. */
    int width;
} mg_runs_request;

/*
 * Writes the list to `file`. Rows are sorted by the column: accuracies with the highest first, everything
 * else with the lowest first, unknown values last. Errors: MG_USAGE (no such column), MG_DATA, MG_IO,
 * MG_MEMORY.
 */
mg_status mg_runs_print(const mg_runs_request *request, FILE *file, mg_error *error);

/*
 * Checks that model.h5 in the directory, if it is there, can be read and is of the training that the other
 * files describe. Errors: MG_DATA, MG_IO, MG_MEMORY.
 */
mg_status mg_runs_check_model(const char *directory, mg_error *error);

/* The name of column i; NULL after the last. */
const char *mg_runs_column(int i);

#ifdef __cplusplus
}
#endif
#endif

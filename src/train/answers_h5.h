// answers_h5.h - writes the answers of predict to an HDF5 file.
#ifndef MG_TRAIN_ANSWERS_H5_H
#define MG_TRAIN_ANSWERS_H5_H

#include "train/answers.h"

#define MG_ANSWERS_FORMAT "margin answers" // the attribute `format` of every file of answers

typedef struct mg_answers_h5 mg_answers_h5;

// Creates the file for answers to `rows` rows, with the columns that `answers` describes. It has its name
// when it has been committed; older answers there are replaced. `answers` must outlive it. Errors: MG_IO,
// MG_MEMORY, MG_USAGE (mg_predict_check_output).
mg_status mg_answers_h5_open(mg_answers *answers, const char *path, int64_t rows, mg_answers_h5 **out,
                             mg_error *error);

// Adds the answer to the next row. Errors: MG_IO.
mg_status mg_answers_h5_add(mg_answers_h5 *file, const mg_answer *answer, mg_error *error);

// Syncs the file and gives it its name. Errors: MG_IO.
mg_status mg_answers_h5_commit(mg_answers_h5 *file, mg_error *error);

// Deletes the file unless it was committed; NULL is allowed.
void mg_answers_h5_close(mg_answers_h5 *file);

#endif

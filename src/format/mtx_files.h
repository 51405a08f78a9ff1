// mtx_files.h - finds the files of a matrix of Matrix Market: in a folder, or beside the matrix.
#ifndef MG_FORMAT_MTX_FILES_H
#define MG_FORMAT_MTX_FILES_H

#include "base/status.h"

#include <limits.h>
#include <stdbool.h>

typedef struct mg_mtx_files {
    char path[PATH_MAX];                         // the matrix
    char barcodes[PATH_MAX], features[PATH_MAX]; // "" if there is no such file
} mg_mtx_files;

// True if the path is a folder with matrix.mtx.
bool mg_mtx_is_folder(const char *path);

// Finds the matrix in a folder, and the files of names beside a matrix called *matrix.mtx. Errors: MG_DATA if
// there are names of the rows or of the columns only.
mg_status mg_mtx_files_find(mg_mtx_files *files, const char *input, mg_error *error);

#endif

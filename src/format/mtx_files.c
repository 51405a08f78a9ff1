// mtx_files.c - the names of the files of a matrix, plain or gzip.
#include "format/mtx_files.h"

#include "format/name_file.h"

#include <stdio.h>
#include <string.h>

// Finds the file `prefix``name`, plain or gzip. *out becomes "" if it does not exist.
static bool find(const char *prefix, size_t bytes, const char *name, char out[PATH_MAX]) {
    static const char *const endings[] = {"", ".gz"};
    for (int i = 0; i < 2; i++)
        if (snprintf(out, PATH_MAX, "%.*s%s%s", (int)bytes, prefix, name, endings[i]) < PATH_MAX &&
            mg_is_file(out))
            return true;
    *out = 0;
    return false;
}

bool mg_mtx_is_folder(const char *path) {
    char folder[PATH_MAX], found[PATH_MAX];
    size_t bytes = (size_t)snprintf(folder, sizeof folder, "%s/", path);
    return bytes < sizeof folder && find(folder, bytes, "matrix.mtx", found);
}

mg_status mg_mtx_files_find(mg_mtx_files *files, const char *input, mg_error *error) {
    char folder[PATH_MAX];
    size_t bytes = (size_t)snprintf(folder, sizeof folder, "%s/", input);
    if (!mg_mtx_is_folder(input)) {
        const char *at = strstr(input, "matrix.mtx");
        for (const char *next = at; next; next = strstr(next + 1, "matrix.mtx")) at = next;
        bool last = at && !strchr(at, '/');
        bytes = last ? (size_t)(at - input) : 0;
        snprintf(folder, sizeof folder, "%.*s", (int)bytes, input);
        snprintf(files->path, sizeof files->path, "%s", input);
        if (!last) return MG_OK;
    } else {
        find(folder, bytes, "matrix.mtx", files->path);
    }
    find(folder, bytes, "barcodes.tsv", files->barcodes);
    if (!find(folder, bytes, "features.tsv", files->features))
        find(folder, bytes, "genes.tsv", files->features);
    if (!*files->barcodes == !*files->features) return MG_OK;
    return mg_fail(error, MG_DATA, "%s: there is %s beside it, but no %s: put all files of the sample there",
                   files->path, *files->barcodes ? "barcodes.tsv" : "features.tsv",
                   *files->barcodes ? "features.tsv" : "barcodes.tsv");
}

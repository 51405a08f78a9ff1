// h5_joined.c - several files that are opened, checked and closed as one.
#include "io/h5_file.h"

#include "base/memory.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static bool same(const mg_h5 *a, const mg_h5 *b) { return a->device == b->device && a->inode == b->inode; }

static mg_status refuse_repeated(mg_h5 *const *files, int count, mg_error *error) {
    for (int i = 1; i < count; i++)
        for (int j = 0; j < i; j++) {
            if (!same(files[i], files[j])) continue;
            const char *a = files[j]->path, *b = files[i]->path;
            char also[PATH_MAX + 16] = "";
            if (strcmp(a, b)) snprintf(also, sizeof also, " (also as %s)", a);
            return mg_fail(error, MG_DATA,
                           "%s: is given twice%s: its rows would count twice; leave one of them out", b,
                           also);
        }
    return MG_OK;
}

mg_status mg_h5_join(const char *name, mg_h5 *const *files, int count, mg_h5 **out, mg_error *error) {
    mg_h5 *file = NULL;
    *out = NULL;
    mg_status status = refuse_repeated(files, count, error);
    if (!status) status = mg_memory_zeroed(&file, 1, sizeof *file, error);
    if (!status) {
        *file = (mg_h5){.file = H5I_INVALID_HID, .fd = -1, .users = 1};
        status = mg_memory_text(&file->path, name, error);
    }
    if (!status) status = mg_memory_get(&file->part, (size_t)count, sizeof(mg_h5 *), error);
    if (status) {
        mg_h5_close(file);
        for (int i = 0; i < count; i++) mg_h5_close(files[i]);
        return status;
    }
    memcpy(file->part, files, (size_t)count * sizeof(mg_h5 *));
    file->parts = count;
    *out = file;
    return MG_OK;
}

int mg_h5_parts(const mg_h5 *file) { return file->part ? file->parts : 1; }

mg_h5 *mg_h5_part(mg_h5 *file, int i) { return file->part ? file->part[i] : file; }

const char *mg_h5_path_of_row(const mg_h5 *file, const int64_t *first, int64_t *row) {
    int part = 0;
    if (!file->part) return file->path;
    while (part + 1 < file->parts && first[part + 1] <= *row) part++;
    *row -= first[part];
    return file->part[part]->path;
}

void mg_h5_joined_close(mg_h5 *file) {
    for (int i = 0; i < file->parts; i++) mg_h5_close(file->part[i]);
    mg_memory_free(file->part);
}

mg_status mg_h5_joined_check(const mg_h5 *file, mg_status (*check)(const mg_h5 *, mg_error *),
                             mg_error *error) {
    mg_status status = MG_OK;
    for (int i = 0; !status && i < file->parts; i++) status = check(file->part[i], error);
    return status;
}

bool mg_h5_joined_has_paths(const mg_h5 *file) {
    bool all = true;
    for (int i = 0; all && i < file->parts; i++) all = mg_h5_has_its_path(file->part[i]);
    return all;
}

// output.c - the output of a command: a file of the user, or standard output.
#include "cli/output.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

mg_status mg_cli_refuse(mg_error *error, mg_status status, const char *path, const char *why) {
    enum { HALF = 350 };
    size_t bytes = strlen(path);
    bool whole = bytes <= 2 * HALF;
    error->status = status;
    snprintf(error->text, sizeof error->text, "%.*s%s%s: %s", whole ? 2 * HALF : HALF, path,
             whole ? "" : " ... ", whole ? "" : path + bytes - HALF, why);
    return status;
}

mg_status mg_cli_complain(mg_error *error, const char *path, const char *what) {
    char why[200];
    snprintf(why, sizeof why, "%s: %s", what, strerror(errno));
    return mg_cli_refuse(error, path ? MG_IO : MG_FAILED, path ? path : "standard output", why);
}

mg_status mg_cli_output_open(mg_cli_output *out, const char *path, mg_error *error) {
    *out = (mg_cli_output){.file = stdout, .path = path, .at_once = true};
    if (!path) return MG_OK;
    mg_status status = mg_output_open(path, &out->named, &out->file, error);
    out->at_once = !status && mg_output_is_direct(out->named);
    return status;
}

mg_status mg_cli_output_write(void *context, const char *text, size_t bytes, mg_error *error) {
    mg_cli_output *out = context;
    if (fwrite(text, 1, bytes, out->file) == bytes) return MG_OK;
    return mg_cli_complain(error, out->path, "cannot be written");
}

mg_status mg_cli_output_close(mg_cli_output *out, mg_status status, mg_error *error) {
    if (out->named) return mg_output_close(out->named, status, error);
    if (!status && !out->path && fflush(out->file))
        status = mg_cli_complain(error, NULL, "cannot be written");
    return status;
}

static bool is_file(const char *path, const struct stat *file) {
    struct stat about;
    bool found = strcmp(path, "-") ? !stat(path, &about) : !fstat(STDIN_FILENO, &about);
    return found && about.st_dev == file->st_dev && about.st_ino == file->st_ino;
}

// True if `output` is in the folder `other`, which may be one of Cell Ranger.
static bool is_inside(const char *output, const char *other) {
    struct stat folder;
    char parent[PATH_MAX];
    const char *slash = strrchr(output, '/');
    if (stat(other, &folder) || !S_ISDIR(folder.st_mode)) return false;
    int bytes = slash ? (int)(slash - output) + 1 : 2;
    return snprintf(parent, sizeof parent, "%.*s", bytes, slash ? output : "./") < (int)sizeof parent &&
           is_file(parent, &folder);
}

mg_status mg_cli_keep(const char *output, const char *other, const char *what, const char *by,
                      mg_error *error) {
    struct stat about;
    if (!output || stat(output, &about) || !S_ISREG(about.st_mode)) return MG_OK;
    if (!is_file(other, &about) && !is_inside(output, other)) return MG_OK;
    char why[200];
    snprintf(why, sizeof why, "is %s, which %s would replace: give another name with -o", what, by);
    return mg_cli_refuse(error, MG_USAGE, output, why);
}

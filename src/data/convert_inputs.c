// convert_inputs.c - replaces folders and patterns by files.
#include "data/convert_inputs.h"

#include "base/memory.h"
#include "format/format.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static mg_status add(mg_input_list *list, const char *path, mg_error *error) {
    mg_status status =
        mg_memory_grow(&list->path, &list->room, (size_t)list->count + 1, sizeof *list->path, error);
    return status ? status : mg_memory_text(&list->path[list->count++], path, error);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

// Adds a file of a folder. Everything that is not a file is refused, so that no rows are lost silently.
static mg_status add_entry(mg_input_list *list, const char *folder, const char *name, mg_error *error) {
    char path[PATH_MAX];
    struct stat about;
    if (name[0] == '.' || name[0] == '_') return MG_OK;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= PATH_MAX)
        return mg_fail(error, MG_IO, "%s: the path of its file %s is too long: move the folder", folder,
                       name);
    if (stat(path, &about))
        return mg_fail(error, MG_IO, "%s: cannot be examined: %s: remove it from the folder, or repair it",
                       path, strerror(errno));
    if (S_ISREG(about.st_mode)) return add(list, path, error);
    return mg_fail(error, MG_DATA,
                   "%s: is %s, which is not read: move it out of the folder, or give the files themselves",
                   path, S_ISDIR(about.st_mode) ? "a folder in a folder" : "no regular file");
}

static mg_status add_folder(mg_input_list *list, const char *folder, mg_error *error) {
    int first = list->count;
    struct dirent *entry;
    DIR *stream = opendir(folder);
    mg_status status = MG_OK;
    if (!stream) return mg_fail(error, MG_IO, "%s: cannot be read: %s", folder, strerror(errno));
    while (!status && (errno = 0, entry = readdir(stream)))
        status = add_entry(list, folder, entry->d_name, error);
    if (!status && errno) status = mg_fail(error, MG_IO, "%s: cannot be read: %s", folder, strerror(errno));
    closedir(stream);
    if (status) return status;
    if (list->count == first)
        return mg_fail(error, MG_DATA, "%s: is a folder without files: give files, or a folder with them",
                       folder);
    qsort(list->path + first, (size_t)(list->count - first), sizeof *list->path, by_name);
    return MG_OK;
}

// Adds the files in the order of the bytes of their names, whatever the language of the user is.
static mg_status add_matches(mg_input_list *list, const char *pattern, mg_error *error) {
    glob_t found;
    int code = glob(pattern, GLOB_ERR | GLOB_NOSORT, NULL, &found);
    if (code == GLOB_NOMATCH)
        return mg_fail(
            error, MG_IO,
            "%s: no file has such a name: check the folder and the name, or give the name of a file",
            pattern);
    if (code)
        return mg_fail(error, code == GLOB_NOSPACE ? MG_MEMORY : MG_IO, "%s: a folder cannot be read: %s",
                       pattern, code == GLOB_NOSPACE ? "out of memory" : strerror(errno));
    mg_status status = MG_OK;
    qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, by_name);
    for (size_t i = 0; !status && i < found.gl_pathc; i++) status = add(list, found.gl_pathv[i], error);
    globfree(&found);
    return status;
}

mg_status mg_input_list_add(mg_input_list *list, const char *path, mg_error *error) {
    struct stat about;
    bool pattern = strpbrk(path, "*?[") && stat(path, &about);
    return pattern ? add_matches(list, path, error) : add(list, path, error);
}

mg_status mg_input_list_make(const char *const *inputs, int count, mg_input_list *out, mg_error *error) {
    mg_status status = MG_OK;
    for (int i = 0; !status && i < count; i++) {
        struct stat about;
        bool there = !stat(inputs[i], &about), claimed = false;
        bool folder = there && S_ISDIR(about.st_mode);
        if (folder) status = mg_format_claimed(inputs[i], &claimed, error);
        if (status) break;
        if (folder && !claimed) status = add_folder(out, inputs[i], error);
        else status = mg_input_list_add(out, inputs[i], error);
    }
    return status;
}

void mg_input_list_clear(mg_input_list *list) {
    for (int i = 0; i < list->count; i++) mg_memory_free(list->path[i]);
    mg_memory_free(list->path);
    *list = (mg_input_list){0};
}

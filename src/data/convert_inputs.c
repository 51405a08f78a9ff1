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

static mg_status add_folder(mg_input_list *list, const char *folder, mg_error *error) {
    int first = list->count;
    char path[PATH_MAX];
    struct stat about;
    DIR *stream = opendir(folder);
    mg_status status = MG_OK;
    if (!stream) return mg_fail(error, MG_IO, "%s: cannot be read: %s", folder, strerror(errno));
    for (struct dirent *entry; !status && (entry = readdir(stream));) {
        bool hidden = entry->d_name[0] == '.' || entry->d_name[0] == '_';
        if (hidden || snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= PATH_MAX) continue;
        if (!stat(path, &about) && S_ISREG(about.st_mode)) status = add(list, path, error);
    }
    closedir(stream);
    if (status) return status;
    if (list->count == first)
        return mg_fail(error, MG_DATA, "%s: is a folder without files: give files, or a folder with them",
                       folder);
    qsort(list->path + first, (size_t)(list->count - first), sizeof *list->path, by_name);
    return MG_OK;
}

static mg_status add_matches(mg_input_list *list, const char *pattern, mg_error *error) {
    glob_t found;
    if (glob(pattern, 0, NULL, &found))
        return add(list, pattern, error); // opening it reports that there is none
    mg_status status = MG_OK;
    for (size_t i = 0; !status && i < found.gl_pathc; i++) status = add(list, found.gl_pathv[i], error);
    globfree(&found);
    return status;
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
        else if (!there && strpbrk(inputs[i], "*?[")) status = add_matches(out, inputs[i], error);
        else status = add(out, inputs[i], error);
    }
    return status;
}

void mg_input_list_clear(mg_input_list *list) {
    for (int i = 0; i < list->count; i++) mg_memory_free(list->path[i]);
    mg_memory_free(list->path);
    *list = (mg_input_list){0};
}

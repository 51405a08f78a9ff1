// files.c - opens lists and patterns of files.
#include "data/files.h"

#include "base/memory.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { OTHER_DESCRIPTORS = 64 }; // room for the files of the run, besides those with its rows

bool mg_files_several(const char *text) {
    struct stat about;
    return strchr(text, '\n') || (strpbrk(text, "*?[") && stat(text, &about));
}

const char *mg_files_shown(const char *text, char out[MG_FILES_SHOWN]) {
    int more = 0;
    size_t first = strcspn(text, "\n");
    for (const char *c = text; *c; c++) more += *c == '\n';
    if (!more) snprintf(out, MG_FILES_SHOWN, "%s", text);
    else
        snprintf(out, MG_FILES_SHOWN, "%.*s and %d more", (int)(first < PATH_MAX ? first : PATH_MAX), text,
                 more);
    return out;
}

mg_status mg_files_list(const char *text, mg_input_list *out, mg_error *error) {
    mg_status status = MG_OK;
    while (!status) {
        size_t length = strcspn(text, "\n");
        char *path;
        status = mg_memory_zeroed(&path, length + 1, 1, error);
        if (status) break;
        memcpy(path, text, length);
        status = mg_input_list_add(out, path, error);
        mg_memory_free(path);
        if (!text[length]) break;
        text += length + 1;
    }
    return status;
}

// Every file has a descriptor, and the usual limit of 1024 is lower than the one that a process may set.
static void allow_descriptors(int count) {
    struct rlimit limit;
    rlim_t need = (rlim_t)count + OTHER_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= need) return;
    bool enough = limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= need;
    limit.rlim_cur = enough ? need : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit); // if it fails, opening the files says so
}

static mg_status join(const char *text, const mg_input_list *list, mg_h5 **out, mg_error *error) {
    char shown[MG_FILES_SHOWN];
    mg_h5 **files = NULL;
    int opened = 0;
    allow_descriptors(list->count);
    mg_status status = mg_memory_zeroed(&files, (size_t)list->count, sizeof(mg_h5 *), error);
    while (!status && opened < list->count) {
        status = mg_h5_open(list->path[opened], &files[opened], error);
        if (!status) opened++;
    }
    if (!status) status = mg_h5_join(mg_files_shown(text, shown), files, list->count, out, error);
    else
        for (int i = 0; i < opened; i++) mg_h5_close(files[i]);
    mg_memory_free(files);
    return status;
}

mg_status mg_files_open(const char *text, mg_h5 **out, mg_error *error) {
    mg_input_list list = {0};
    *out = NULL;
    mg_status status = mg_files_list(text, &list, error);
    if (!status)
        status = list.count == 1 ? mg_h5_open(list.path[0], out, error) : join(text, &list, out, error);
    mg_input_list_clear(&list);
    return status;
}

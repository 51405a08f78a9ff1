// name_file.c - reads the first column of a file of lines with tabs.
#include "format/name_file.h"

#include "base/memory.h"

#include <string.h>
#include <sys/stat.h>

bool mg_is_file(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

typedef mg_status take_name(void *context, int64_t i, const char *name, size_t bytes, mg_error *error);

static mg_status check_seen(const mg_text *text, mg_name_seen *seen, mg_error *error) {
    if (seen->known) return mg_text_check_version(text, &seen->version, error);
    *seen = (mg_name_seen){true, mg_text_opened(text)};
    return MG_OK;
}

static mg_status each_name(const char *path, int64_t count, mg_name_seen *seen, take_name *take,
                           void *context, mg_error *error) {
    mg_text *text;
    char *line;
    size_t bytes;
    int64_t i = 0;
    mg_status status = mg_text_open(&text, path, NULL, error);
    if (status) return status;
    status = check_seen(text, seen, error);
    while (!status && !(status = mg_text_line(text, &line, &bytes, error)) && line) {
        const char *tab = memchr(line, '\t', bytes);
        size_t length = tab ? (size_t)(tab - line) : bytes;
        if (memchr(line, 0, length))
            status = mg_text_fail(text, 0, MG_DATA, error, "the name contains a zero byte: remove it");
        else if (!length) status = mg_text_fail(text, 0, MG_DATA, error, "the name is missing");
        else if (i == count)
            status = mg_text_fail(text, 0, MG_DATA, error, "there are more than the %lld names of the matrix",
                                  (long long)count);
        else status = take(context, i, line, length, error);
        if (status) break;
        i++;
    }
    mg_text_close(text);
    if (status || i == count) return status;
    return mg_fail(error, MG_DATA,
                   "%s: has %lld names, but the matrix needs %lld: give one name on each line", path,
                   (long long)i, (long long)count);
}

static mg_status keep(void *context, int64_t i, const char *name, size_t bytes, mg_error *error) {
    char **text = context;
    mg_status status = mg_memory_get(&text[i], bytes + 1, 1, error);
    if (status) return status;
    memcpy(text[i], name, bytes);
    text[i][bytes] = 0;
    return MG_OK;
}

mg_status mg_name_file_read(const char *path, int64_t count, mg_name_seen *seen, mg_names *names,
                            mg_error *error) {
    char **text;
    mg_status status = mg_memory_zeroed(&text, (size_t)count, sizeof *text, error);
    if (status) return status;
    status = each_name(path, count, seen, keep, text, error);
    if (!status) status = mg_names_take(names, text, count, path, error);
    if (status) mg_h5_free_texts(text, count);
    return status;
}

static mg_status pass(void *context, int64_t i, const char *name, size_t bytes, mg_error *error) {
    (void)i;
    mg_sink *sink = context;
    return sink->id ? sink->id(sink, name, bytes, error) : MG_OK;
}

mg_status mg_name_file_pass(const char *path, int64_t count, mg_name_seen *seen, mg_sink *sink,
                            mg_error *error) {
    return each_name(path, count, seen, pass, sink, error);
}

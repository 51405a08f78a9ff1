// export.c - mg_model_export: writes a model in a format of another program.
#include "export/export.h"
#include "api/words.h"
#include "base/float_mode.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "io/file.h"

#include <margin/export.h>
#include <margin/nearest.h>
#include <margin/output.h>

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

const char *mg_export_format_name(int i) { return mg_export_at(i) ? mg_export_at(i)->name : NULL; }

const char *mg_export_format_help(int i) { return mg_export_at(i) ? mg_export_at(i)->help : NULL; }

const char *mg_export_format_of(const char *path) {
    if (!path) return NULL;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    for (int i = 0; dot && dot > name && mg_export_at(i); i++)
        if (!strcasecmp(dot + 1, mg_export_at(i)->name)) return mg_export_at(i)->name;
    return NULL;
}

static const char *candidate(int i, const void *context) {
    (void)context;
    return mg_export_format_name(i);
}

static mg_status refuse_format(const char *name, mg_error *error) {
    mg_writer names = {0};
    char *list = NULL, hint[MG_NEAREST_TEXT];
    for (int i = 0; mg_export_at(i); i++) mg_writer_format(&names, i ? ", %s" : "%s", mg_export_at(i)->name);
    mg_status status = mg_writer_take(&names, &list, error);
    if (!status)
        status = mg_fail(error, MG_USAGE, "%s: is not a format for models (%s are allowed)%s", name, list,
                         mg_nearest_hint(name, candidate, NULL, hint));
    mg_memory_free(list);
    return status;
}

// A label of HDF5 data may have any bytes.
static mg_status check_labels(const mg_model *model, const char *name, mg_error *error) {
    const mg_classes *classes = &model->classes;
    for (int64_t k = 0; classes->texts && k < classes->count; k++)
        if (!mg_utf8_valid(classes->text[k]))
            return mg_fail(
                error, MG_CONFIG,
                "%s: classes[%lld] is '%s', which is not UTF-8, but a file of %s holds UTF-8 only: "
                "train with labels in UTF-8, or use the format csv",
                model->path, (long long)k, classes->text[k], name);
    return MG_OK;
}

static mg_status check(const mg_model *model, const char *name, const mg_export_format *format,
                       mg_error *error) {
    if (!format) return refuse_format(name, error);
    mg_status status = format->keeps_bytes ? MG_OK : check_labels(model, name, error);
    if (status) return status;
    bool clips = model->columns.low.value;
    if (format->keeps_preparation ||
        (!strcmp(model->rows, "none") && !strcmp(model->transform, "none") && !clips))
        return MG_OK;
    return mg_fail(
        error, MG_CONFIG,
        "%s: prepares rows (data.rows: %s, data.transform: %s%s), which a file of %s cannot say: use the "
        "format onnx, or npz or safetensors and prepare the rows in your program",
        model->path, model->rows, model->transform, clips ? ", data.clip" : "", name);
}

mg_status mg_model_export_to(const mg_model *model, const char *name, const mg_export_sink *sink,
                             mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_writer out = {0};
    mg_status status = mg_words_need(name, "format", "the name of a format", error);
    if (!status) status = mg_words_need(sink, "sink", "a sink", error);
    const mg_export_format *format = status ? NULL : mg_export_find(name);
    if (!status) status = check(model, name, format, error);
    if (!status) status = format->write(model, &out, error);
    if (!status && out.status) status = mg_fail(error, out.status, "%s", out.error.text);
    if (!status) status = sink->write(sink->context, out.text, out.length, error);
    mg_writer_clear(&out);
    return status;
}

mg_status mg_export_check(const char *path, mg_error *error) {
    struct stat about;
    unsigned char head[MG_EXPORT_HEAD];
    int fd;
    if (stat(path, &about) || !S_ISREG(about.st_mode) || about.st_size == 0) return MG_OK;
    mg_status status = mg_file_open(path, MG_FILE_REGULAR, &fd, error);
    if (status) return status;
    ssize_t got = pread(fd, head, sizeof head, 0);
    close(fd);
    if (got >= 0 && mg_export_has_mark(head, (size_t)got)) return MG_OK;
    return mg_fail(error, MG_USAGE, "%s: exists and is not an export: give another name, or move it away",
                   path);
}

// The output remembers which file is there when it is opened, and replaces no other one. So the file is
// checked after that.
static mg_status write_file(void *context, const char *bytes, size_t count, mg_error *error) {
    const char *path = context;
    mg_output *output;
    FILE *file;
    mg_status status = mg_output_open(path, &output, &file, error);
    if (status) return status;
    status = mg_export_check(path, error);
    if (!status && fwrite(bytes, 1, count, file) != count)
        status = mg_fail(error, MG_IO, "%s: cannot be written: %s", path, strerror(errno));
    return mg_output_close(output, status, error);
}

mg_status mg_model_export(const mg_model *model, const char *name, const char *path, mg_error *error) {
    const mg_export_sink sink = {write_file, (void *)(uintptr_t)path}; // the sink only reads the path
    mg_status status = mg_words_need(path, "path", "the name of a file", error);
    if (!status) status = mg_export_check(path, error);
    return status ? status : mg_model_export_to(model, name, &sink, error);
}

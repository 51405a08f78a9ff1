// export.c - mg_model_export: a model in formats of other programs.
#include "export/export.h"
#include "base/float_mode.h"
#include "base/memory.h"

#include <margin/export.h>
#include <margin/output.h>

#include <string.h>

const char *mg_export_format_name(int i) { return mg_export_at(i) ? mg_export_at(i)->name : NULL; }

const char *mg_export_format_help(int i) { return mg_export_at(i) ? mg_export_at(i)->help : NULL; }

static mg_status refuse_format(const char *name, mg_error *error) {
    mg_writer names = {0};
    char *list = NULL;
    for (int i = 0; mg_export_at(i); i++) mg_writer_format(&names, i ? ", %s" : "%s", mg_export_at(i)->name);
    mg_status status = mg_writer_take(&names, &list, error);
    if (!status)
        status = mg_fail(error, MG_USAGE, "%s: is not a format for models (%s are allowed)", name, list);
    mg_writer_clear(&names);
    mg_memory_free(list);
    return status;
}

static mg_status check(const mg_model *model, const char *name, const mg_export_format *format,
                       mg_error *error) {
    if (!format) return refuse_format(name, error);
    if (format->keeps_preparation || (!strcmp(model->rows, "none") && !strcmp(model->transform, "none")))
        return MG_OK;
    return mg_fail(
        error, MG_CONFIG,
        "%s: prepares rows (data.rows: %s, data.transform: %s), which a file of %s cannot say: use "
        "the format npz or safetensors, and prepare the rows in your program",
        model->path, model->rows, model->transform, name);
}

mg_status mg_model_export(const mg_model *model, const char *name, const char *path, mg_error *error) {
    MG_FLOAT_SCOPE;
    const mg_export_format *format = mg_export_find(name);
    mg_writer out = {0};
    mg_output *output;
    FILE *file;
    mg_status status = check(model, name, format, error);
    if (!status) status = format->write(model, &out, error);
    if (!status && out.status) status = mg_fail(error, out.status, "%s", out.error.text);
    if (!status) {
        status = mg_output_open(path, &output, &file, error);
        if (!status && fwrite(out.text, 1, out.length, file) != out.length)
            status = mg_output_close(output, mg_fail(error, MG_IO, "%s: cannot be written", path), error);
        else if (!status) status = mg_output_close(output, MG_OK, error);
    }
    mg_writer_clear(&out);
    return status;
}

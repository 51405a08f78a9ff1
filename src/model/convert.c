// convert.c - mg_convert: a conversion, which may follow the recipe of a model.
#include <margin/convert.h>

#include "base/float_mode.h"
#include "data/convert.h"
#include "io/file.h"
#include "model/model.h"

#include <unistd.h>

// Reads the model at `path`; *out becomes NULL if the file there is none. Only models have a seal.
static mg_status read_model(const char *path, mg_model **out, mg_error *error) {
    bool sealed = false;
    int fd;
    *out = NULL;
    mg_status status = mg_file_open(path, MG_FILE_REGULAR, &fd, error);
    if (status) return status;
    status = mg_file_has_seal(fd, path, &sealed, error);
    if (!status && sealed) status = mg_model_read_open(fd, path, out, error);
    close(fd);
    return status;
}

mg_status mg_convert(const mg_convert_options *options, mg_convert_report *report, mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_model *model = NULL;
    mg_status status = options->like ? read_model(options->like, &model, error) : MG_OK;
    if (status) return status;
    mg_raw_model like = {0};
    if (model)
        like = (mg_raw_model){.path = options->like,
                              .columns = &model->columns,
                              .features = model->features,
                              .classes = &model->classes};
    status = mg_convert_run(options, model ? &like : NULL, report, error);
    mg_model_free(model);
    return status;
}

bool mg_convert_format_at(int i, mg_convert_format *out) {
    const mg_format *format = mg_convert_reads(i);
    if (!format) return false;
    *out = (mg_convert_format){format->name, format->arguments, format->help};
    return true;
}

bool mg_convert_option_at(int i, mg_convert_option *out) {
    const mg_format *format;
    for (int f = 0; i >= 0 && (format = mg_convert_reads(f)); f++) {
        if (i < format->section->count) {
            const mg_option *option = &format->section->options[i];
            *out = (mg_convert_option){.format = format->name,
                                       .name = option->name,
                                       .kind = mg_option_type_name(option->type),
                                       .preset = option->preset,
                                       .help = option->help};
            mg_option_allowed(option, out->allowed, sizeof out->allowed);
            return true;
        }
        i -= format->section->count;
    }
    return false;
}

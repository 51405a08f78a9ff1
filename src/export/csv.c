// csv.c - a table with a header and a row for each class: label, intercept, weights.
#include "base/delimited.h"
#include "export/export.h"

static void put_real(mg_writer *out, float value) {
    mg_writer_add(out, ",");
    mg_export_real(out, value);
}

static mg_status write(const mg_model *model, mg_writer *out, mg_error *error) {
    (void)error;
    char label[MG_LABEL_BUFFER];
    const mg_names *names = &model->columns.names;
    mg_writer_add(out, "class,intercept");
    for (int64_t d = 0; d < model->features; d++) {
        mg_writer_add(out, ",");
        if (names->count) mg_delimited_add(out, names->text[d], ',');
        else mg_writer_format(out, "x%lld", (long long)d);
    }
    mg_writer_add(out, "\n");
    for (int64_t k = 0; k < model->classes_count; k++) {
        mg_delimited_add(out, mg_classes_label(&model->classes, k, label), ',');
        put_real(out, model->bias[k]);
        for (int64_t d = 0; d < model->features; d++) put_real(out, model->weights[k * model->features + d]);
        mg_writer_add(out, "\n");
    }
    return MG_OK;
}

const mg_export_format mg_export_csv = {.name = "csv",
                                        .keeps_bytes = true,
                                        .mark = "class,intercept",
                                        .help = "table with a row for each class: label, intercept, weights",
                                        .write = write};

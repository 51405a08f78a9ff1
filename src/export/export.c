// export.c - the registry.
#include "export/export.h"

#include "base/json.h"
#include "base/number.h"
#include "export/list.h"

#include <string.h>

#define MG_EXPORT_DECLARE(symbol) extern const mg_export_format mg_export_##symbol;
MG_EXPORT_LIST(MG_EXPORT_DECLARE)

static const mg_export_format *const formats[] = {
#define MG_EXPORT_ROW(symbol) &mg_export_##symbol,
    MG_EXPORT_LIST(MG_EXPORT_ROW)};

const mg_export_format *mg_export_at(int i) {
    return i >= 0 && i < (int)(sizeof formats / sizeof *formats) ? formats[i] : NULL;
}

const mg_export_format *mg_export_find(const char *name) {
    for (int i = 0; mg_export_at(i); i++)
        if (!strcmp(mg_export_at(i)->name, name)) return mg_export_at(i);
    return NULL;
}

bool mg_export_has_mark(const unsigned char *head, size_t bytes) {
    bool found = false;
    for (int i = 0; mg_export_at(i); i++) {
        const mg_export_format *format = mg_export_at(i);
        size_t length = strlen(format->mark);
        found = found ||
                (format->mark_at + length <= bytes && !memcmp(head + format->mark_at, format->mark, length));
    }
    return found;
}

void mg_export_number(mg_writer *out, uint64_t number, int bytes) {
    char text[8];
    for (int i = 0; i < bytes; i++) text[i] = (char)(number >> 8 * i & 0xff);
    mg_writer_add_bytes(out, text, (size_t)bytes);
}

void mg_export_real(mg_writer *out, float value) {
    char text[MG_REAL_TEXT];
    mg_print_float(value, text);
    mg_writer_add(out, text);
}

void mg_export_describe(const mg_model *model, void (*put)(mg_writer *to, const char *name, const char *text),
                        mg_writer *to) {
    put(to, "loss", model->loss);
    put(to, "rows", model->rows);
    put(to, "transform", model->transform);
    if (model->columns.recipe) put(to, "recipe", model->columns.recipe);
    if (model->calibration.method != MG_CALIBRATION_NONE)
        put(to, "calibration", mg_calibration_name((int)model->calibration.method));
}

int mg_export_calibration(const mg_model *model, mg_export_parameter to[2]) {
    const mg_calibration *c = &model->calibration;
    switch (c->method) {
    case MG_CALIBRATION_NONE: return 0;
    case MG_CALIBRATION_TEMPERATURE:
        to[0] = (mg_export_parameter){"calibration_temperature", 0, &c->temperature};
        return 1;
    case MG_CALIBRATION_ADAPTIVE:
        to[0] = (mg_export_parameter){"calibration_temperature", 0, &c->temperature};
        to[1] = (mg_export_parameter){"calibration_exponent", 0, &c->exponent};
        return 2;
    case MG_CALIBRATION_SIGMOID: break;
    }
    to[0] = (mg_export_parameter){"calibration_slope", model->classes_count, c->slope};
    to[1] = (mg_export_parameter){"calibration_intercept", model->classes_count, c->intercept};
    return 2;
}

int mg_export_limits_of(const mg_model *model, mg_export_limits to[2]) {
    if (!model->columns.low.value) return 0;
    to[0] = (mg_export_limits){"clip_low", model->columns.low.value};
    to[1] = (mg_export_limits){"clip_high", model->columns.high.value};
    return 2;
}

mg_status mg_export_list(char *const *texts, int64_t count, char **out, mg_error *error) {
    mg_writer list = {0};
    mg_writer_add(&list, "[");
    for (int64_t i = 0; i < count; i++) {
        if (i) mg_writer_add(&list, ",");
        mg_json_text(&list, texts[i]);
    }
    mg_writer_add(&list, "]");
    return mg_writer_take(&list, out, error);
}

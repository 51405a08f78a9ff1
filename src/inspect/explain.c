// explain.c - mg_explain: the features with the largest weights of each class, and images of the weights.
#include "base/arithmetic.h"
#include "base/float_mode.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/printable.h"
#include "io/directory.h"
#include "io/png.h"
#include "model/model.h"

#include <margin/explain.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FILE_NAME = 120, FEATURE_NAME = 32 };

typedef struct leader {
    double weight;
    int64_t place; // among the features that have weights
} leader;

typedef struct explained {
    const mg_explain_request *request;
    mg_model *model;
    int64_t first, end; // the classes that are shown
    leader *leaders;    // [top]
    mg_writer out;
} explained;

// The weight of a feature as it was scaled in training, if the scale is known; otherwise of the feature
// itself.
static double weight_of(const mg_model *model, int64_t k, int64_t place) {
    const float *scale = model->columns.scale.value;
    double weight = (double)model->weights[k * model->per_class + place];
    if (!scale) return weight;
    return scale[place] > 0 ? weight / (double)scale[place] : 0;
}

static mg_status find_class(explained *e, mg_error *error) {
    const mg_classes *classes = &e->model->classes;
    const char *label = e->request->label;
    e->end = classes->count;
    if (!label) return MG_OK;
    e->first = mg_classes_find(classes, label);
    e->end = e->first + 1;
    if (e->first >= 0) return MG_OK;
    return mg_fail(error, MG_USAGE,
                   "%s: '%s' is not the label of a class: margin info --classes lists the labels",
                   e->model->path, label);
}

static mg_status open_model(explained *e, mg_error *error) {
    mg_status status = e->request->top < 1 ? mg_fail(error, MG_USAGE, "top: %lld is not allowed (1 or more)",
                                                     (long long)e->request->top)
                                           : mg_model_read(e->request->model, &e->model, error);
    return status ? status : find_class(e, error);
}

static mg_status conclude(explained *e, mg_status status, FILE *file, mg_error *error) {
    if (!status) status = mg_writer_print(&e->out, file, "the weights", error);
    mg_writer_clear(&e->out);
    mg_memory_free(e->leaders);
    mg_model_free(e->model);
    return status;
}

// ---- lists --------------------------------------------------------------------------------------

// Finds the features with the largest weights of one sign (1 or -1), largest first; among equal weights, the
// first feature first. Returns their number.
static int64_t find_leaders(explained *e, int64_t k, double sign) {
    int64_t count = 0, top = e->request->top;
    for (int64_t i = 0; i < e->model->per_class; i++) {
        double weight = weight_of(e->model, k, i);
        int64_t at = count;
        if (!(sign * weight > 0)) continue;
        while (at > 0 && sign * weight > sign * e->leaders[at - 1].weight) at--;
        if (at >= top) continue;
        count += count < top;
        memmove(e->leaders + at + 1, e->leaders + at, (size_t)(count - at - 1) * sizeof *e->leaders);
        e->leaders[at] = (leader){weight, i};
    }
    return count;
}

static const char *feature_name(const mg_model *model, int64_t place, char buffer[FEATURE_NAME]) {
    int64_t column = mg_used_column(&model->used, place);
    if (model->columns.names.count) return model->columns.names.text[column];
    snprintf(buffer, FEATURE_NAME, "x%lld", (long long)column);
    return buffer;
}

static void put_side(explained *e, int64_t k, double sign, const char *title) {
    char name[FEATURE_NAME], number[MG_REAL_TEXT];
    int64_t count = find_leaders(e, k, sign);
    mg_writer_format(&e->out, "  %s%s\n", title, count ? "" : ": no feature");
    for (int64_t i = 0; i < count; i++) {
        mg_print_float((float)e->leaders[i].weight, number);
        mg_writer_format(&e->out, "    %-16s ", number);
        mg_printable_add(&e->out, feature_name(e->model, e->leaders[i].place, name));
        mg_writer_add(&e->out, "\n");
    }
}

static void put_lists(explained *e) {
    char label[MG_LABEL_BUFFER], features[MG_COUNT_TEXT];
    const mg_model *model = e->model;
    mg_printable_line(&e->out, "%s: %lld classes, %s features; weights of %s", model->path,
                      (long long)model->classes_count, mg_print_count(model->features, features),
                      model->columns.scale.value ? "features scaled by data.scale"
                                                 : "features that are not scaled");
    for (int64_t k = e->first; k < e->end; k++) {
        mg_writer_add(&e->out, "\n");
        mg_printable_add(&e->out, mg_classes_label(&model->classes, k, label));
        mg_writer_add(&e->out, "\n");
        put_side(e, k, 1, "for");
        put_side(e, k, -1, "against");
    }
}

static void put_json_side(explained *e, int64_t k, double sign, const char *title) {
    char name[FEATURE_NAME];
    int64_t count = find_leaders(e, k, sign);
    mg_json_key(&e->out, title);
    mg_writer_add(&e->out, "[");
    for (int64_t i = 0; i < count; i++) {
        mg_writer_add(&e->out, i ? ", {" : "{");
        mg_json_put_text(&e->out, "feature", feature_name(e->model, e->leaders[i].place, name));
        mg_json_put_int(&e->out, "column", mg_used_column(&e->model->used, e->leaders[i].place));
        mg_json_put_real(&e->out, "weight", e->leaders[i].weight);
        mg_writer_add(&e->out, "}");
    }
    mg_writer_add(&e->out, "]");
}

static void put_json(explained *e) {
    char label[MG_LABEL_BUFFER];
    const mg_model *model = e->model;
    mg_writer_add(&e->out, "{");
    mg_json_put_text(&e->out, "model", model->path);
    mg_json_put_int(&e->out, "features", model->features);
    mg_json_put_bool(&e->out, "scaled", model->columns.scale.value != NULL);
    mg_json_key(&e->out, "classes");
    mg_writer_add(&e->out, "[");
    for (int64_t k = e->first; k < e->end; k++) {
        mg_writer_add(&e->out, k > e->first ? ", {" : "{");
        mg_json_key(&e->out, "label");
        const char *text = mg_classes_label(&model->classes, k, label);
        if (model->classes.texts) mg_json_text(&e->out, text);
        else mg_writer_add(&e->out, text);
        mg_json_put_real(&e->out, "bias", (double)model->bias[k]);
        put_json_side(e, k, 1, "for");
        put_json_side(e, k, -1, "against");
        mg_writer_add(&e->out, "}");
    }
    mg_writer_add(&e->out, "]}\n");
}

mg_status mg_explain(const mg_explain_request *request, FILE *file, mg_error *error) {
    MG_FLOAT_SCOPE;
    explained e = {.request = request};
    mg_status status = open_model(&e, error);
    size_t most = status ? 0 : (size_t)mg_min(request->top, e.model->per_class);
    if (!status) status = mg_memory_get(&e.leaders, most, sizeof *e.leaders, error);
    if (!status && request->json) put_json(&e);
    else if (!status) put_lists(&e);
    return conclude(&e, status, file, error);
}

// ---- images -------------------------------------------------------------------------------------

// The label as a part of a file name: letters, digits, '-', '.' and characters beyond ASCII remain.
static void file_name(const mg_classes *classes, int64_t k, char out[FILE_NAME]) {
    char label[MG_LABEL_BUFFER], shown[MG_NAME_SHOWN];
    int used = snprintf(out, FILE_NAME, "%03lld-", (long long)k);
    for (const char *c = mg_name_shown(mg_classes_label(classes, k, label), shown); *c; c++) {
        bool plain = (unsigned char)*c >= 0x80 || (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
                     (*c >= 'A' && *c <= 'Z') || *c == '-' || *c == '.';
        out[used++] = plain ? *c : '_';
    }
    snprintf(out + used, (size_t)(FILE_NAME - used), ".png");
}

static void paint(double part, unsigned char rgb[3]) {
    unsigned char pale = (unsigned char)lrint(255 * (1 - fabs(part)));
    rgb[0] = part >= 0 ? 255 : pale;
    rgb[1] = pale;
    rgb[2] = part <= 0 ? 255 : pale;
}

static double largest(const explained *e) {
    double most = 0;
    for (int64_t k = 0; k < e->model->classes_count; k++)
        for (int64_t i = 0; i < e->model->per_class; i++) {
            double size = fabs(weight_of(e->model, k, i));
            if (size > most) most = size; // fmax ends GCC 12 for ARM with an internal error
        }
    return most;
}

static mg_status draw_class(explained *e, const mg_directory *directory, int64_t k, const int64_t size[2],
                            double most, unsigned char *rgb, mg_error *error) {
    char name[FILE_NAME];
    mg_writer png = {0};
    const mg_model *model = e->model;
    memset(rgb, 255, (size_t)model->features * 3);
    for (int64_t i = 0; most > 0 && i < model->per_class; i++)
        paint(weight_of(model, k, i) / most, rgb + mg_used_column(&model->used, i) * 3);
    file_name(&model->classes, k, name);
    mg_status status = mg_png_add(&png, size[1], size[0], rgb, error);
    if (!status) status = mg_directory_write(directory, name, png.text, png.length, error);
    if (!status) mg_printable_line(&e->out, "%s/%s", mg_directory_path(directory), name);
    mg_writer_clear(&png);
    return status;
}

mg_status mg_explain_draw(const mg_explain_request *request, int64_t height, int64_t width,
                          const char *directory, FILE *file, mg_error *error) {
    MG_FLOAT_SCOPE;
    explained e = {.request = request};
    mg_directory *to = NULL;
    unsigned char *rgb = NULL;
    const int64_t size[2] = {height, width};
    int64_t pixels;
    mg_status status = open_model(&e, error);
    bool fits = !status && height > 0 && width > 0 && !__builtin_mul_overflow(height, width, &pixels) &&
                pixels == e.model->features;
    if (!status && !fits)
        status = mg_fail(error, MG_USAGE,
                         "%s: has %lld features, but an image of %lld x %lld has another number of pixels: "
                         "give a height and width whose product is the number of features",
                         e.model->path, (long long)e.model->features, (long long)height, (long long)width);
    if (!status) status = mg_memory_get(&rgb, (size_t)e.model->features, 3, error);
    if (!status) status = mg_directory_open(directory, true, &to, error);
    double most = status ? 0 : largest(&e);
    for (int64_t k = e.first; !status && k < e.end; k++)
        status = request->stop && *request->stop ? mg_fail(error, MG_STOPPED, "stopped")
                                                 : draw_class(&e, to, k, size, most, rgb, error);
    mg_directory_close(to);
    mg_memory_free(rgb);
    return conclude(&e, status, file, error);
}

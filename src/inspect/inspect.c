// inspect.c - determines the kind of a file, and describes models and checkpoints.
#include "inspect/inspect.h"

#include "base/float_mode.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/printable.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static const size_t most_bytes = (size_t)1 << 40;

static void put_real(mg_writer *out, const char *name, double value) {
    char text[MG_REAL_TEXT];
    mg_print_real(value, text);
    mg_writer_format(out, "  %-14s %s\n", name, text);
}

static void put_int(mg_writer *out, const char *name, int64_t value) {
    mg_writer_format(out, "  %-14s %lld\n", name, (long long)value);
}

// A file that is opened only once, and what was read from it.
typedef struct contents {
    const char *path;
    int fd;
    mg_h5 *file;
    unsigned char *bytes; // [size] content of a sealed file; NULL if the file is read in place
    size_t size, sealed;  // sealed: number of bytes that the seal covers
} contents;

static void put_class_names(mg_writer *out, const mg_classes *classes) {
    char buffer[MG_LABEL_BUFFER];
    mg_writer_format(out, "  %-14s %lld, %s:", "classes", (long long)classes->count,
                     classes->texts ? "strings" : "integers");
    for (int64_t k = 0; k < classes->count && k < MG_INSPECT_CLASSES; k++) {
        mg_writer_add(out, k ? ", " : " ");
        mg_printable_add(out, mg_classes_label(classes, k, buffer));
    }
    mg_writer_add(out, classes->count > MG_INSPECT_CLASSES ? ", ...\n" : "\n");
}

static void put_calibration(mg_writer *out, const mg_calibration *c) {
    char temperature[MG_REAL_TEXT + 2] = "";
    if (c->method == MG_CALIBRATION_NONE) return;
    if (c->method != MG_CALIBRATION_SIGMOID) {
        *temperature = ' ';
        mg_print_real(c->temperature, temperature + 1);
    }
    mg_writer_format(out, "  %-14s %s%s, fitted on %lld rows\n", "calibration",
                     mg_calibration_name((int)c->method), temperature, (long long)c->rows);
    put_real(out, "log-loss", c->after.log_loss);
    put_real(out, "log-loss before", c->before.log_loss);
    put_real(out, "calibration error", c->after.ece);
    put_real(out, "calibration error before", c->before.ece);
}

static mg_status describe_model(const contents *in, mg_inspect_page *page, mg_error *error) {
    mg_model *model;
    mg_writer *out = page->out;
    const char *path = in->path;
    char bytes[32], real[MG_REAL_TEXT];
    mg_status status = mg_model_parse(path, in->bytes, in->sealed, &model, error);
    if (status) return status;
    double size = (double)model->classes_count * ((double)model->per_class + 1) * sizeof(float);
    mg_printable_line(out, "%s: model, its seal is correct", path);
    mg_print_real(model->delta, real);
    mg_printable_line(out, "  %-14s %s, delta %s", "loss", model->loss, real);
    put_class_names(out, &model->classes);
    put_int(out, "features", model->features);
    if (model->used.width) put_int(out, "used features", model->used.count);
    mg_inspect_columns(&model->columns, 14, out);
    mg_writer_format(out, "  %-14s float32 [%lld, %lld] and bias [%lld], %s\n", "weights",
                     (long long)model->classes_count, (long long)model->per_class,
                     (long long)model->classes_count, mg_print_bytes(size, bytes));
    mg_printable_line(out, "  %-14s rows %s, transform %s; column scaling is folded into the weights",
                      "preparation", model->rows, model->transform);
    if (model->columns.low.value)
        mg_writer_format(out, "  %-14s values are clipped to the limits in clip_low and clip_high\n",
                         "clipped");
    put_real(out, "bias value", model->bias_value);
    put_real(out, "lambda", model->lambda);
    put_real(out, "square norm", model->square_norm);
    put_real(out, "objective", model->objective);
    if (mg_inspect_has_no_bound(model)) {
        mg_writer_format(out, "  %-14s no: the distance to the optimum is not known\n", "certified");
    } else {
        put_real(out, "dual", model->dual);
        put_real(out, "certified within",
                 model->objective > model->dual ? (model->objective - model->dual) / model->objective : 0);
    }
    put_calibration(out, &model->calibration);
    mg_printable_line(out, "  %-14s %lld rows, data sets %s and %s", "trained on",
                      (long long)model->training_rows, model->features_name, model->labels_name);
    mg_writer_format(out, "  %-14s step %lld, epoch %lld\n", "taken at", (long long)model->step,
                     (long long)model->epoch);
    mg_inspect_model_json(model, &page->json);
    mg_model_free(model);
    return MG_OK;
}

// ---- checkpoints --------------------------------------------------------------------------------

static void put_position(const mg_position *at, mg_writer *out) {
    put_int(out, "step", at->step);
    put_int(out, "epoch", at->epoch);
    put_int(out, "batch", at->batch);
    put_int(out, "best_epoch", at->best_epoch);
    put_int(out, "best_step", at->best_step);
    put_int(out, "stale", at->stale);
    if (at->best_accuracy >= 0) put_real(out, "best_accuracy", at->best_accuracy);
}

static mg_status put_fields(mg_h5 *file, mg_writer *out, mg_error *error) {
    char name[256], path[300], bytes[32];
    mg_status status = MG_OK;
    mg_writer_add(out, "state\n");
    for (int64_t i = 0; !status && mg_h5_member(file, "state", i, name, sizeof name); i++) {
        mg_h5_array *array;
        snprintf(path, sizeof path, "state/%s", name);
        status = mg_h5_array_open(file, path, &array, error);
        if (status) break;
        mg_h5_type type = mg_h5_array_type(array);
        if (mg_h5_array_rank(array) != 1)
            status = mg_fail(error, MG_DATA, "%s: %s has rank %d (only 1 is allowed)", mg_h5_path(file), path,
                             mg_h5_array_rank(array));
        int64_t count = mg_h5_array_rows(array);
        mg_printable_line(out, "  %-14s %s [%lld], %s", name, mg_h5_type_name(type), (long long)count,
                          mg_print_bytes((double)count * (double)mg_h5_type_size(type), bytes));
        mg_h5_array_close(array);
    }
    return status;
}

static void put_config(char *config, mg_writer *out) {
    mg_writer_format(out, "configuration\n");
    for (char *line = config, *next; *line; line = next) {
        next = line + strcspn(line, "\n");
        bool more = *next == '\n';
        *next = 0;
        mg_writer_add(out, "  ");
        mg_printable_add(out, line);
        mg_writer_add(out, "\n");
        next += more;
    }
}

static mg_status describe_checkpoint(const contents *in, mg_inspect_page *page, mg_error *error) {
    mg_writer *out = page->out;
    char *version = NULL, *config = NULL;
    mg_position position;
    mg_status status = mg_h5_attribute_text(in->file, "/", "margin_version", &version, error);
    if (!status) status = mg_checkpoint_look(in->file, &position, &config, error);
    if (!status)
        mg_printable_line(out, "%s: checkpoint of margin %s, its seal is correct", in->path, version);
    if (!status) put_position(&position, out);
    if (!status) status = put_fields(in->file, out, error);
    if (!status) mg_inspect_checkpoint_json(version, &position, config, &page->json);
    if (!status) put_config(config, out);
    mg_memory_free(version);
    mg_memory_free(config);
    return status;
}

// ---- any file -----------------------------------------------------------------------------------

// The value of the attribute `format`. If another program wrote an attribute of this name, it is ignored.
static mg_status format_of(mg_h5 *file, char out[32], mg_error *error) {
    char *format = NULL;
    *out = 0;
    if (!mg_h5_has_attribute(file, "/", "format")) return MG_OK;
    mg_status status = mg_h5_attribute_text(file, "/", "format", &format, error);
    if (!status) snprintf(out, 32, "%.31s", format);
    mg_memory_free(format);
    return status == MG_DATA ? MG_OK : status;
}

// Opens the file. A sealed file is read as a whole, and its seal is checked before libhdf5 sees a byte. A
// data file has no seal and is read in place.
static mg_status open_contents(contents *in, mg_error *error) {
    bool sealed = false;
    mg_status status = mg_file_open(in->path, MG_FILE_REGULAR, &in->fd, error);
    if (!status) status = mg_file_has_seal(in->fd, in->path, &sealed, error);
    if (status) return status;
    if (!sealed) {
        int own = fcntl(in->fd, F_DUPFD_CLOEXEC, 0);
        if (own < 0) return mg_fail(error, MG_IO, "%s: cannot be opened: %s", in->path, strerror(errno));
        return mg_h5_open_descriptor(own, in->path, &in->file, error);
    }
    status = mg_file_read_open(in->fd, in->path, most_bytes, &in->bytes, &in->size, error);
    if (!status) status = mg_file_check_seal(in->path, in->bytes, in->size, &in->sealed, error);
    return status ? status : mg_h5_open_image(in->path, in->bytes, in->sealed, &in->file, error);
}

// Fails if a file claims to be a model or checkpoint but has no seal.
static mg_status expect_seal(contents *in, mg_error *error) {
    if (in->sealed) return MG_OK;
    mg_status status = mg_file_read_open(in->fd, in->path, most_bytes, &in->bytes, &in->size, error);
    return status ? status : mg_file_check_seal(in->path, in->bytes, in->size, &in->sealed, error);
}

static void close_contents(contents *in) {
    mg_h5_close(in->file);
    mg_memory_free(in->bytes);
    if (in->fd >= 0) close(in->fd);
}

static mg_status describe(const char *path, const char *features, const char *labels, mg_inspect_page *page,
                          mg_error *error) {
    contents in = {.path = path, .fd = -1};
    char format[32] = "";
    mg_status status = mg_h5_check_library(error);
    if (!status) status = open_contents(&in, error);
    if (!status) status = format_of(in.file, format, error);
    bool model = !strcmp(format, "margin model"), checkpoint = !strcmp(format, "margin checkpoint");
    if (!status && (model || checkpoint)) status = expect_seal(&in, error);
    if (!status && model) status = describe_model(&in, page, error);
    else if (!status && checkpoint) status = describe_checkpoint(&in, page, error);
    else if (!status) status = mg_inspect_data(in.file, features, labels, page, error);
    close_contents(&in);
    return status;
}

// Writes a description as text, or as one line of JSON.
static mg_status print(const char *path, const char *features, const char *labels, bool as_json, FILE *file,
                       mg_error *error) {
    mg_writer text = {0};
    mg_inspect_page page = {.out = &text};
    if (as_json) mg_writer_add(&page.json, "{");
    if (as_json) mg_json_put_text(&page.json, "path", path);
    mg_status status = describe(path, features, labels, &page, error);
    if (as_json) mg_writer_add(&page.json, "}\n");
    // Both are written, and an error in the one that is not printed is an error as well.
    const mg_writer *other = as_json ? &text : &page.json;
    if (!status && other->status) status = mg_fail(error, other->status, "%s", other->error.text);
    if (!status) status = mg_writer_print(as_json ? &page.json : &text, file, "the description", error);
    mg_writer_clear(&text);
    mg_writer_clear(&page.advice);
    mg_writer_clear(&page.json);
    return status;
}

mg_status mg_inspect(const char *path, const char *features, const char *labels, FILE *file,
                     mg_error *error) {
    MG_FLOAT_SCOPE;
    return print(path, features, labels, false, file, error);
}

mg_status mg_inspect_json(const char *path, const char *features, const char *labels, FILE *file,
                          mg_error *error) {
    MG_FLOAT_SCOPE;
    return print(path, features, labels, true, file, error);
}

static mg_status put_model_classes(const contents *in, mg_writer *out, mg_error *error) {
    mg_model *model;
    char buffer[MG_LABEL_BUFFER];
    mg_status status = mg_model_parse(in->path, in->bytes, in->sealed, &model, error);
    if (status) return status;
    for (int64_t k = 0; k < model->classes_count; k++)
        mg_printable_line(out, "%s", mg_classes_label(&model->classes, k, buffer));
    mg_model_free(model);
    return MG_OK;
}

mg_status mg_inspect_classes(const char *path, const char *features, const char *labels, FILE *file,
                             mg_error *error) {
    MG_FLOAT_SCOPE;
    contents in = {.path = path, .fd = -1};
    mg_writer out = {0};
    char format[32] = "";
    mg_status status = mg_h5_check_library(error);
    if (!status) status = open_contents(&in, error);
    if (!status) status = format_of(in.file, format, error);
    bool model = !strcmp(format, "margin model");
    if (!status && model) status = expect_seal(&in, error);
    if (!status && model) status = put_model_classes(&in, &out, error);
    else if (!status)
        status =
            mg_inspect_class_counts(in.file, features ? features : "X", labels ? labels : "y", &out, error);
    close_contents(&in);
    if (!status) return mg_writer_print(&out, file, "the classes", error);
    mg_writer_clear(&out);
    return status;
}

mg_status mg_inspect_seal(const char *path, int64_t *bytes, mg_error *error) {
    unsigned char *content = NULL;
    size_t size = 0, sealed = 0;
    mg_status status = mg_file_read(path, most_bytes, &content, &size, error);
    if (!status) status = mg_file_check_seal(path, content, size, &sealed, error);
    *bytes = (int64_t)size;
    mg_memory_free(content);
    return status;
}

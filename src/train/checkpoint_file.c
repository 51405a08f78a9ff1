// checkpoint_file.c - owns the layout of a checkpoint file.
#include "train/checkpoint_file.h"

#include "base/memory.h"
#include "io/file.h"

#include <margin/version.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FORMAT "margin checkpoint"
enum { FORMAT_VERSION = 1 };
static const size_t most_bytes = (size_t)1 << 40;

#define MOST_EPOCHS (1e9 + 1)     // largest value of train.epochs, plus 1
#define MOST_STEPS 999999999999.0 // the file name has 12 digits
#define MOST_COUNT 1e15

// Bounds that hold for every run. Bounds that depend on shapes are checked by mg_resume_hooks.check.
typedef struct position_field {
    const char *name;
    size_t offset;
    mg_bound bound;
} position_field;
static const position_field integers[] = {
    {"epoch", offsetof(mg_position, epoch), {NULL, 0, MOST_EPOCHS, false}},
    {"batch", offsetof(mg_position, batch), {NULL, 0, MOST_COUNT, false}},
    {"step", offsetof(mg_position, step), {NULL, 0, MOST_STEPS, false}},
    {"events", offsetof(mg_position, events), {NULL, 0, MOST_COUNT, false}},
    {"loss_rows", offsetof(mg_position, loss_rows), {NULL, 0, MOST_COUNT, false}},
    {"best_epoch", offsetof(mg_position, best_epoch), {NULL, 0, MOST_EPOCHS, false}},
    {"best_step", offsetof(mg_position, best_step), {NULL, 0, MOST_STEPS, false}},
    {"stale", offsetof(mg_position, stale), {NULL, 0, MOST_COUNT, false}},
};
static const position_field reals[] = {
    {"loss", offsetof(mg_position, loss), {NULL, -DBL_MAX, DBL_MAX, false}},
    {"best_accuracy", offsetof(mg_position, best_accuracy), {NULL, -1, 1, false}},
};
enum { MOST_CONFIG = 1 << 26 }; // bytes of the canonical configuration
#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static void field_name(const mg_field *field, char out[64]) {
    snprintf(out, 64, "state/%s", field->name); // names are constants of the program with less than 50 bytes
}

mg_status mg_checkpoint_write(const mg_directory *directory, const char *name, const mg_identity *identity,
                              const mg_checkpoint_state *state, mg_error *error) {
    const mg_field *fields = state->fields;
    mg_h5_image *image;
    int64_t bytes = 0, room = mg_memory_room();
    for (int f = 0; f < state->count; f++)
        bytes += fields[f].count * (int64_t)mg_h5_type_size(fields[f].type);
    if (bytes > room) // otherwise libhdf5 would ask for the memory, and the system might kill the process
        return mg_fail(error, MG_MEMORY,
                       "out of memory: %lld bytes are needed to write %s, %lld are available",
                       (long long)bytes, name, (long long)(room > 0 ? room : 0));
    mg_status status = mg_h5_image_create(&image, error);
    if (status) return status;
    mg_h5_image_attribute_text(image, "/", "format", FORMAT);
    mg_h5_image_attribute_int64(image, "/", "format_version", FORMAT_VERSION);
    mg_h5_image_attribute_text(image, "/", "margin_version", MG_VERSION);
    mg_h5_image_attribute_text(image, "/", "solver", identity->solver);
    mg_h5_image_attribute_int64(image, "/", "train_fingerprint", identity->train_fingerprint);
    mg_h5_image_attribute_int64(image, "/", "validation_fingerprint", identity->validation_fingerprint);
    if (identity->init_model) {
        mg_h5_image_attribute_int64(image, "/", "init_fingerprint", identity->init_fingerprint);
        mg_h5_image_attribute_text(image, "/", "init_model", identity->init_model);
    }
    int64_t length = (int64_t)strlen(identity->config);
    // A data set, because an attribute can hold only 64 KiB.
    mg_h5_image_array(image, "config", MG_H5_U8, 1, &length, identity->config);
    for (size_t i = 0; i < COUNT(integers); i++) {
        int64_t value;
        memcpy(&value, (const char *)state->position + integers[i].offset, sizeof value);
        mg_h5_image_attribute_int64(image, "/", integers[i].name, value);
    }
    for (size_t i = 0; i < COUNT(reals); i++) {
        double value;
        memcpy(&value, (const char *)state->position + reals[i].offset, sizeof value);
        mg_h5_image_attribute_real(image, "/", reals[i].name, value);
    }
    mg_h5_image_group(image, "state");
    for (int f = 0; f < state->count; f++) {
        char field[64];
        field_name(&fields[f], field);
        mg_h5_image_array(image, field, fields[f].type, 1, &fields[f].count, fields[f].data);
    }
    return mg_h5_image_write(image, directory, name, NULL, error);
}

static mg_status check_kind(mg_h5 *file, mg_error *error) {
    char *format = NULL;
    mg_status status = mg_h5_attribute_text(file, "/", "format", &format, error);
    if (!status && strcmp(format, FORMAT))
        status = mg_fail(error, MG_DATA, "%s: is a %s, not a checkpoint", mg_h5_path(file), format);
    mg_memory_free(format);
    return status;
}

static mg_status check_format(mg_h5 *file, mg_error *error) {
    char *version_text = NULL;
    int64_t version = 0;
    mg_status status = check_kind(file, error);
    if (!status) status = mg_h5_attribute_int64(file, "/", "format_version", &version, 1, NULL, error);
    if (!status) status = mg_h5_attribute_text(file, "/", "margin_version", &version_text, error);
    if (!status && (version != FORMAT_VERSION || strcmp(version_text, MG_VERSION)))
        status = mg_fail(error, MG_CONFIG,
                         "%s: was written by margin %s (format %lld), this is %s (format %d): finish the run "
                         "with the version that began it",
                         mg_h5_path(file), version_text, (long long)version, MG_VERSION, FORMAT_VERSION);
    mg_memory_free(version_text);
    return status;
}

static mg_status take_config(mg_h5 *file, char **config, mg_error *error) {
    mg_h5_array *array;
    *config = NULL;
    mg_status status = mg_h5_array_open(file, "config", &array, error);
    if (status) return status;
    if (mg_h5_array_type(array) != MG_H5_U8 || mg_h5_array_rank(array) != 1 ||
        mg_h5_array_rows(array) > MOST_CONFIG)
        status = mg_fail(error, MG_DATA,
                         "%s: data set config has %lld rows, type %s and rank %d, but must have at most %d "
                         "rows, type uint8 and rank 1",
                         mg_h5_path(file), (long long)mg_h5_array_rows(array),
                         mg_h5_type_name(mg_h5_array_type(array)), mg_h5_array_rank(array), MOST_CONFIG);
    if (!status) status = mg_memory_zeroed(config, (size_t)mg_h5_array_rows(array) + 1, 1, error);
    if (!status) status = mg_h5_array_read(array, 0, mg_h5_array_rows(array), *config, error);
    mg_h5_array_close(array);
    return status;
}

static mg_status check_config(mg_h5 *file, const mg_identity *identity, const mg_resume_hooks *hooks,
                              mg_error *error) {
    char *config, what[512] = "";
    mg_status status = take_config(file, &config, error);
    if (!status && hooks->difference(config, identity->config, what, sizeof what))
        status = mg_fail(
            error, MG_CONFIG,
            "%s: belongs to another configuration: %s; set it back, or start a new run with --overwrite",
            mg_h5_path(file), what);
    mg_memory_free(config);
    return status;
}

// Reads from which weights the run started. If it started from zeros, *fingerprint is 0 and *model NULL.
static mg_status take_start(mg_h5 *file, int64_t *fingerprint, char **model, mg_error *error) {
    *fingerprint = 0;
    *model = NULL;
    if (!mg_h5_has_attribute(file, "/", "init_model")) return MG_OK;
    mg_status status = mg_h5_attribute_int64(file, "/", "init_fingerprint", fingerprint, 1, NULL, error);
    return status ? status : mg_h5_attribute_text(file, "/", "init_model", model, error);
}

// Refuses a checkpoint of a run that started from other weights.
static mg_status check_start(mg_h5 *file, const mg_identity *identity, mg_error *error) {
    int64_t before = 0;
    char *model = NULL;
    mg_status status = take_start(file, &before, &model, error);
    bool same = before == identity->init_fingerprint;
    if (!status && !same && model)
        status = mg_fail(error, MG_CONFIG,
                         "%s: the run was begun from the weights of %s: give that model with --init, or "
                         "start a new run with --overwrite",
                         mg_h5_path(file), model);
    else if (!status && !same)
        status = mg_fail(
            error, MG_CONFIG,
            "%s: the run was begun without --init: leave --init out, or start a new run with --overwrite",
            mg_h5_path(file));
    mg_memory_free(model);
    return status;
}

static mg_status check_solver(mg_h5 *file, const mg_identity *identity, mg_error *error) {
    char *solver = NULL;
    mg_status status = mg_h5_attribute_text(file, "/", "solver", &solver, error);
    if (!status && strcmp(solver, identity->solver))
        status = mg_fail(
            error, MG_CONFIG,
            "%s: was written by solver %s, but this run uses solver %s: set train.solver to %s, or start a "
            "new run with --overwrite",
            mg_h5_path(file), solver, identity->solver, solver);
    mg_memory_free(solver);
    return status;
}

static mg_status check_data(mg_h5 *file, const mg_identity *identity, mg_error *error) {
    int64_t train = 0, validation = 0;
    mg_status status = mg_h5_attribute_int64(file, "/", "train_fingerprint", &train, 1, NULL, error);
    if (!status)
        status = mg_h5_attribute_int64(file, "/", "validation_fingerprint", &validation, 1, NULL, error);
    const char *which = train != identity->train_fingerprint             ? "training"
                        : validation != identity->validation_fingerprint ? "validation"
                                                                         : NULL;
    if (!status && which)
        status = mg_fail(error, MG_CONFIG,
                         "%s: was made from other %s data (their fingerprint differs): put them back, or "
                         "start a new run with --overwrite",
                         mg_h5_path(file), which);
    return status;
}

static mg_status take_integer(mg_h5 *file, const position_field *field, mg_position *position,
                              mg_error *error) {
    int64_t value = 0;
    mg_status status = mg_h5_attribute_int64(file, "/", field->name, &value, 1, NULL, error);
    if (!status) status = mg_bound_check(&field->bound, field->name, -1, (double)value, error);
    if (!status) memcpy((char *)position + field->offset, &value, sizeof value);
    return status;
}

static mg_status take_real(mg_h5 *file, const position_field *field, mg_position *position, mg_error *error) {
    double value = 0;
    mg_status status = mg_h5_attribute_real(file, "/", field->name, &value, error);
    if (!status) status = mg_bound_check(&field->bound, field->name, -1, value, error);
    if (!status) memcpy((char *)position + field->offset, &value, sizeof value);
    return status;
}

static mg_status take_position(mg_h5 *file, mg_position *position, mg_error *error) {
    mg_status status = MG_OK;
    for (size_t i = 0; !status && i < COUNT(integers); i++)
        status = take_integer(file, &integers[i], position, error);
    for (size_t i = 0; !status && i < COUNT(reals); i++) status = take_real(file, &reals[i], position, error);
    return status;
}

static mg_status take_packed(mg_h5_array *array, const mg_field *field, mg_error *error) {
    unsigned char *bytes;
    int64_t size = mg_h5_array_rows(array);
    const mg_bound most = {.most = (double)field->most_bytes(field->data)};
    mg_status status = mg_bound_check(&most, "the number of bytes", -1, (double)size, error);
    if (status) return status;
    status = mg_memory_get(&bytes, (size_t)size, 1, error);
    if (!status) status = mg_h5_array_read(array, 0, size, bytes, error);
    if (!status) status = field->unpack(field->data, bytes, size, error);
    mg_memory_free(bytes);
    return status;
}

static mg_status take_field(mg_h5 *file, const mg_field *field, mg_error *error) {
    char name[64];
    mg_h5_array *array;
    field_name(field, name);
    mg_status status = mg_h5_array_open(file, name, &array, error);
    if (status) return status;
    bool fits = mg_h5_array_type(array) == field->type && mg_h5_array_rank(array) == 1;
    if (!fits || (!field->unpack && mg_h5_array_rows(array) != field->count))
        status = mg_fail(
            error, MG_DATA, "%s: data set %s has %lld values of type %s, but must have %lld of type %s",
            mg_h5_path(file), name, (long long)mg_h5_array_rows(array),
            mg_h5_type_name(mg_h5_array_type(array)), (long long)field->count, mg_h5_type_name(field->type));
    if (!status && field->unpack) status = take_packed(array, field, error);
    else if (!status) status = mg_h5_array_read(array, 0, field->count, field->data, error);
    mg_h5_array_close(array);
    return status ? status : mg_field_check(field, error);
}

mg_status mg_checkpoint_look(mg_h5 *file, mg_position *position, char **config, mg_error *error) {
    mg_status status = take_config(file, config, error);
    if (!status) status = take_position(file, position, error);
    return mg_file_blame(mg_h5_path(file), "no run can be resumed from it", status, error);
}

// A sealed file in memory. Its bytes are freed when it is closed.
typedef struct sealed {
    char *path;
    unsigned char *bytes;
    mg_h5 *file;
    bool verified; // the seal fits the bytes
} sealed;

static mg_status open_sealed(const mg_directory *directory, const char *name, sealed *out, mg_error *error) {
    size_t size = 0, content = 0;
    int fd = -1;
    *out = (sealed){0};
    mg_status status = mg_directory_name(directory, name, &out->path, error);
    if (!status) status = mg_directory_open_file(directory, name, &fd, error);
    if (!status) status = mg_file_read_open(fd, out->path, most_bytes, &out->bytes, &size, error);
    if (fd >= 0) close(fd);
    if (!status) status = mg_file_check_seal(out->path, out->bytes, size, &content, error);
    if (!status) out->verified = true;
    return status ? status : mg_h5_open_image(out->path, out->bytes, content, &out->file, error);
}

static void close_sealed(sealed *in) {
    mg_h5_close(in->file);
    mg_memory_free(in->bytes);
    mg_memory_free(in->path);
}

mg_status mg_checkpoint_restore(const mg_directory *directory, const char *name, const mg_identity *identity,
                                const mg_checkpoint_state *state, const mg_resume_hooks *hooks,
                                bool *verified, mg_error *error) {
    sealed in;
    mg_status status = open_sealed(directory, name, &in, error);
    mg_h5 *file = in.file;
    *verified = in.verified;
    if (!status) status = check_format(file, error);
    if (!status) status = check_config(file, identity, hooks, error);
    if (!status) status = check_start(file, identity, error);
    if (!status) status = check_solver(file, identity, error);
    if (!status) status = check_data(file, identity, error);
    if (!status) status = take_position(file, state->position, error);
    for (int f = 0; !status && f < state->count; f++) status = take_field(file, &state->fields[f], error);
    if (!status && hooks->check) status = hooks->check(hooks->context, state->position, error);
    const char *advice =
        state->count
            ? "delete it to continue from the previous checkpoint, or start a new run with --overwrite"
            : "delete it to start from the beginning";
    if (*verified) status = mg_file_blame(in.path, advice, status, error);
    close_sealed(&in);
    return status;
}

mg_status mg_checkpoint_origin_read(const mg_directory *directory, const char *name, mg_origin *out,
                                    mg_error *error) {
    sealed in;
    *out = (mg_origin){0};
    mg_status status = open_sealed(directory, name, &in, error);
    if (!status) status = check_kind(in.file, error);
    if (!status) status = take_config(in.file, &out->config, error);
    if (!status) status = take_start(in.file, &out->init_fingerprint, &out->init_model, error);
    close_sealed(&in);
    if (status) mg_checkpoint_origin_clear(out);
    return status;
}

void mg_checkpoint_origin_clear(mg_origin *origin) {
    mg_memory_free(origin->config);
    mg_memory_free(origin->init_model);
    *origin = (mg_origin){0};
}

// npz.c - arrays of NumPy: coef, intercept, classes, and the preparation as texts, in a zip file without
// compression.
#include "export/export.h"

#include "io/crc.h"

#include <stdio.h>
#include <string.h>

enum { LOCAL = 0x04034b50, CENTRAL = 0x02014b50, END = 0x06054b50 };

typedef struct archive {
    mg_writer *out, central;
    int count;
} archive;

// Writes the fields that the header of a member and its entry in the central directory have in common.
static void put_entry(mg_writer *out, const char *name, uint32_t crc, size_t bytes) {
    mg_export_number(out, 20, 2);       // version
    mg_export_number(out, 0, 2 + 2);    // flags; compression method 0: stored
    mg_export_number(out, 0x210000, 4); // 1 January 1980
    mg_export_number(out, crc, 4);
    mg_export_number(out, bytes, 4);
    mg_export_number(out, bytes, 4);
    mg_export_number(out, strlen(name), 2);
    mg_export_number(out, 0, 2);
}

// Adds a member to the zip file, and empties its writer.
static void put_member(archive *zip, const char *name, mg_writer *member) {
    mg_writer *out = zip->out;
    size_t at = out->length;
    uint32_t crc = mg_crc32(member->text, member->length);
    mg_writer_fail(out, &member->error);
    mg_export_number(out, LOCAL, 4);
    put_entry(out, name, crc, member->length);
    mg_writer_add(out, name);
    mg_writer_add_bytes(out, member->text, member->length);
    mg_export_number(&zip->central, CENTRAL, 4);
    mg_export_number(&zip->central, 20, 2);
    put_entry(&zip->central, name, crc, member->length);
    // comment, disk, internal attributes: 2 bytes each; the first 2 bytes of the external attributes
    mg_export_number(&zip->central, 0, 8);
    mg_export_number(&zip->central, 0, 2);
    mg_export_number(&zip->central, at, 4);
    mg_writer_add(&zip->central, name);
    mg_writer_clear(member);
    *member = (mg_writer){0};
    zip->count++;
}

static void put_header(mg_writer *out, const char *type, const char *shape) {
    char text[160];
    int used =
        snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", type, shape);
    int padded = (used + 11 + 63) / 64 * 64 - 10; // the values begin at a multiple of 64 bytes
    mg_writer_add_bytes(out, "\x93NUMPY\x01\x00", 8);
    mg_export_number(out, (uint64_t)padded, 2);
    mg_writer_format(out, "%-*s\n", padded - 1, text);
}

// Returns the character at *text, which is valid UTF-8, and moves *text after it.
static uint32_t next_character(const char **text) {
    unsigned char first = (unsigned char)*(*text)++;
    int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0;
    uint32_t character = more ? first & (0x3fu >> more) : first;
    for (; more > 0; more--) character = character << 6 | ((unsigned char)*(*text)++ & 0x3f);
    return character;
}

static size_t characters_of(const char *text) {
    size_t count = 0;
    for (; *text; text++) count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

// Writes a vector of texts; if `shape` is "", a single text.
static void put_texts(mg_writer *out, const char *const *texts, int64_t count, const char *shape) {
    char type[32];
    size_t most = 1;
    for (int64_t i = 0; i < count; i++)
        if (characters_of(texts[i]) > most) most = characters_of(texts[i]);
    snprintf(type, sizeof type, "<U%zu", most);
    put_header(out, type, shape);
    for (int64_t i = 0; i < count; i++) {
        const char *text = texts[i];
        for (size_t c = 0; c < most; c++) mg_export_number(out, *text ? next_character(&text) : 0, 4);
    }
}

static void put_arrays(archive *zip, const mg_model *model) {
    mg_writer member = {0};
    char shape[64];
    size_t line = (size_t)model->classes_count * sizeof(float);
    snprintf(shape, sizeof shape, "%lld, %lld", (long long)model->classes_count, (long long)model->features);
    put_header(&member, "<f4", shape);
    mg_writer_add_bytes(&member, (const char *)model->weights, line * (size_t)model->features);
    put_member(zip, "coef.npy", &member);
    snprintf(shape, sizeof shape, "%lld,", (long long)model->classes_count);
    put_header(&member, "<f4", shape);
    mg_writer_add_bytes(&member, (const char *)model->bias, line);
    put_member(zip, "intercept.npy", &member);
    if (model->classes.texts) {
        put_texts(&member, (const char *const *)model->classes.text, model->classes_count, shape);
    } else {
        put_header(&member, "<i8", shape);
        mg_writer_add_bytes(&member, (const char *)model->classes.number, 2 * line);
    }
    put_member(zip, "classes.npy", &member);
}

static void put_description(archive *zip, const mg_model *model) {
    const mg_names *names = &model->columns.names;
    const int method = (int)model->calibration.method;
    const struct {
        const char *name, *text;
    } texts[] = {{"loss.npy", model->loss},
                 {"rows.npy", model->rows},
                 {"transform.npy", model->transform},
                 {"recipe.npy", model->columns.recipe},
                 {"calibration.npy", method == MG_CALIBRATION_NONE ? NULL : mg_calibration_name(method)}};
    mg_writer member = {0};
    char shape[64];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!texts[i].text) continue;
        put_texts(&member, &texts[i].text, 1, "");
        put_member(zip, texts[i].name, &member);
    }
    if (!names->count) return;
    snprintf(shape, sizeof shape, "%lld,", (long long)names->count);
    put_texts(&member, (const char *const *)names->text, names->count, shape);
    put_member(zip, "feature_names.npy", &member);
}

static void put_limits(archive *zip, const mg_model *model) {
    mg_export_limits limits[2];
    mg_writer member = {0};
    char name[64], shape[64];
    int count = mg_export_limits_of(model, limits);
    snprintf(shape, sizeof shape, "%lld,", (long long)model->features);
    for (const mg_export_limits *l = limits; l < limits + count; l++) {
        snprintf(name, sizeof name, "%s.npy", l->name);
        put_header(&member, "<f4", shape);
        mg_writer_add_bytes(&member, (const char *)l->values, (size_t)model->features * sizeof *l->values);
        put_member(zip, name, &member);
    }
}

static void put_calibration(archive *zip, const mg_model *model) {
    mg_export_parameter parameters[2];
    mg_writer member = {0};
    char name[64], shape[64];
    int count = mg_export_calibration(model, parameters);
    for (const mg_export_parameter *p = parameters; p < parameters + count; p++) {
        snprintf(name, sizeof name, "%s.npy", p->name);
        snprintf(shape, sizeof shape, "%lld,", (long long)p->count);
        put_header(&member, "<f8", p->count ? shape : "");
        mg_writer_add_bytes(&member, (const char *)p->values,
                            (size_t)(p->count ? p->count : 1) * sizeof *p->values);
        put_member(zip, name, &member);
    }
}

static mg_status write(const mg_model *model, mg_writer *out, mg_error *error) {
    archive zip = {.out = out};
    put_arrays(&zip, model);
    put_limits(&zip, model);
    put_description(&zip, model);
    put_calibration(&zip, model);
    size_t at = out->length, bytes = zip.central.length;
    mg_writer_add_bytes(out, zip.central.text, bytes);
    mg_export_number(out, END, 4);
    mg_export_number(out, 0, 4);
    mg_export_number(out, (uint64_t)zip.count, 2);
    mg_export_number(out, (uint64_t)zip.count, 2);
    mg_export_number(out, bytes, 4);
    mg_export_number(out, at, 4);
    mg_export_number(out, 0, 2);
    mg_status status =
        zip.central.status ? mg_fail(error, zip.central.status, "%s", zip.central.error.text) : MG_OK;
    mg_writer_clear(&zip.central);
    if (!status && out->length > UINT32_MAX)
        status = mg_fail(error, MG_CONFIG,
                         "%s: needs %zu bytes, but a file of npz has at most 2^32 - 1: use the "
                         "format safetensors",
                         model->path, out->length);
    return status;
}

const mg_export_format mg_export_npz = {.name = "npz",
                                        .help = "arrays of numpy: coef, intercept, classes",
                                        .keeps_preparation = true,
                                        .mark = "coef.npy", // the name of the first member
                                        .mark_at = 30,
                                        .write = write};

// data.c - describes a data file: its objects, rows and labels, and advice before training.
#include "inspect/inspect.h"

#include "base/arithmetic.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/printable.h"
#include "data/scale.h"
#include "data/source.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_OBJECTS = 60, SAMPLE_RUNS = 8, MOST_SAMPLE_ROWS = 8192, SAMPLE_BYTES = 32 << 20 };
// A sample unpacks at most this many bytes: one chunk for each of its runs.
enum { MOST_CHUNK_BYTES = SAMPLE_RUNS * SAMPLE_BYTES };

// ---- objects ------------------------------------------------------------------------------------

static void put_array(mg_h5 *file, const char *name, mg_writer *out) {
    mg_h5_array *array;
    mg_error why;
    char storage[256], shape[MG_H5_SHAPE];
    mg_status status = mg_h5_array_open(file, name, &array, &why);
    if (status == MG_MEMORY || status == MG_IO) mg_writer_fail(out, &why); // it says nothing of the content
    if (status) {
        mg_printable_line(out, "  %-24s cannot be used: %s", name, why.text);
        return;
    }
    mg_h5_array_storage(array, storage, sizeof storage);
    mg_printable_line(out, "  %-24s %s %s, %s", name, mg_h5_type_name(mg_h5_array_type(array)),
                      mg_h5_array_shape(array, shape), storage);
    mg_h5_array_close(array);
}

static bool has_member(mg_h5 *file, const char *group, const char *member) {
    // longer than the longest name that mg_h5_find accepts, 1,023 bytes
    char path[2400];
    snprintf(path, sizeof path, "%s/%s", group, member);
    return mg_h5_find(file, path) == MG_H5_ARRAY;
}

// Describes the objects of a group, and of groups in it, down to `depth` levels. Data sets of features and
// labels are at most one level deep.
static void put_objects(mg_h5 *file, const char *group, int depth, int *left, mg_writer *out) {
    char member[1024], path[2100]; // groups that are described have names of at most 1,023 bytes
    for (int64_t i = 0; mg_h5_member(file, group, i, member, sizeof member); i++) {
        if ((*left)-- <= 0) {
            if (*left == -1) mg_writer_add(out, "  ...\n");
            return;
        }
        snprintf(path, sizeof path, "%s%s%s", strcmp(group, "/") ? group : "", strcmp(group, "/") ? "/" : "",
                 member);
        mg_h5_kind kind = mg_h5_find(file, path);
        if (kind == MG_H5_ARRAY) put_array(file, path, out);
        else if (kind != MG_H5_GROUP)
            mg_printable_line(out, "  %-24s a link or an unknown kind of object; not followed", path);
        else {
            bool sparse = has_member(file, path, "indptr"), categories = has_member(file, path, "categories");
            mg_printable_line(out, "  %-24s group%s", path,
                              sparse       ? " of a sparse matrix"
                              : categories ? " of labels"
                                           : "");
            if (depth > 0) put_objects(file, path, depth - 1, left, out);
        }
    }
}

// ---- rows ---------------------------------------------------------------------------------------

typedef struct sample {
    mg_store store;
    mg_moments moments;
    int64_t *row; // [rows] row numbers in the file
    int64_t rows, nonzero;
    bool whole; // all values are whole numbers, none negative: probably counts
    bool unit;  // every row has length 1, or no values
} sample;

// Chooses rows in a few runs that are spread over the file. Spread, because labels are often sorted; in runs,
// because chunks are read as a whole. If chunks are large, the sample is one run at the beginning of the
// file.
static mg_status choose_rows(mg_source *source, sample *s, mg_error *error) {
    int64_t all = mg_source_rows(source);
    double row_bytes = mg_store_bytes(mg_source_layout(source), MG_CELL_F32, mg_source_features(source), all,
                                      mg_source_stored(source, NULL, 0, all)) /
                       (double)all;
    double most = SAMPLE_BYTES / mg_max_real(1, row_bytes);
    bool large = mg_source_chunk_bytes(source) > SAMPLE_BYTES;
    s->rows = mg_min((int64_t)mg_clamp_real(most, 1, MOST_SAMPLE_ROWS), all);
    mg_status status = mg_memory_get(&s->row, (size_t)s->rows, sizeof *s->row, error);
    int64_t runs = large ? 1 : mg_min(s->rows, SAMPLE_RUNS), at = 0;
    for (int64_t r = 0; !status && r < runs; r++) {
        int64_t begin = at, end = s->rows * (r + 1) / runs, from = all * r / runs;
        for (; at < end; at++) s->row[at] = from + at - begin;
    }
    return status;
}

static void look_at_values(sample *s) {
    const mg_store *store = &s->store;
    bool sparse = store->layout == MG_CSR;
    s->whole = s->unit = true;
    for (int64_t i = 0; i < store->count; i++) {
        int64_t n = sparse ? store->indptr[i + 1] - store->indptr[i] : store->features;
        double square = 0;
        for (int64_t e = 0; e < n; e++) {
            float x;
            if (sparse) x = store->values[store->indptr[i] + e];
            else x = mg_cell_at(store->cell, store->dense, i * store->stride + e);
            s->nonzero += x != 0;
            square += (double)x * (double)x;
            s->whole = s->whole && x >= 0 && x == truncf(x);
        }
        s->unit = s->unit && (square == 0 || fabs(square - 1) < 1e-3);
    }
}

static mg_status take_sample(mg_source *source, sample *s, mg_error *error) {
    mg_status status = choose_rows(source, s, error);
    int64_t features = mg_source_features(source);
    if (!status) status = mg_moments_create(&s->moments, mg_source_layout(source), features, error);
    if (!status)
        status = mg_store_create(&s->store, mg_source_layout(source), mg_source_cell(source), features,
                                 s->rows, mg_source_stored(source, s->row, 0, s->rows), error);
    if (!status) status = mg_source_read(source, s->row, 0, s->rows, &s->store, error);
    if (status) return status;
    mg_moments_add(&s->moments, &s->store, 0, s->rows, NULL);
    mg_moments_finish(&s->moments);
    look_at_values(s);
    return MG_OK;
}

static void drop_sample(sample *s) {
    mg_memory_free(s->row);
    mg_store_destroy(&s->store);
    mg_moments_destroy(&s->moments);
}

static void suggest(const mg_source *source, const sample *s, double density, mg_writer *out) {
    const mg_scale none = {0};
    mg_spread spread;
    bool sparse = mg_source_layout(source) == MG_CSR, bytes = mg_cell_size(mg_source_cell(source)) == 1;
    if (sparse && !s->unit && !s->whole)
        mg_writer_add(
            out, "  sparse: consider data.rows: unit, so that long rows do not count more than short ones\n");
    if (sparse && s->whole)
        mg_writer_add(
            out,
            "  sparse counts: consider data.rows: unit, or data.rows: total with data.transform: log1p\n");
    if (s->unit) mg_writer_add(out, "  every row has length 1 already\n");
    if (bytes)
        mg_writer_add(out, "  8-bit cells stay 8-bit in memory; data.scale: 1/255 costs nothing, because "
                           "scaling is folded into the weights\n");
    if (!sparse && density < 0.1)
        mg_writer_format(
            out,
            "  only %.2g%% of the values are not zero: as a sparse file it would be smaller and faster\n",
            100 * density);
    if (mg_scale_spread(&none, &s->moments, &spread) && mg_spread_uneven(&spread))
        mg_writer_format(out,
                         "  columns differ in scale (largest |x| %.4g in column %lld, median column %.4g): "
                         "set data.scale: %s%s\n",
                         spread.largest, (long long)spread.column, spread.median,
                         sparse ? "max-abs" : "standard", sparse ? " or data.rows: unit" : "");
}

// If a data set cannot be used and the user has not named it, adds a note to `advice` and returns MG_OK, so
// that everything else is described.
static mg_status note_unless(bool named, mg_status status, mg_writer *advice, mg_error *error) {
    if (named || status != MG_DATA || !error) return status;
    mg_printable_line(advice, "  %s", error->text);
    return MG_OK;
}

static void put_values(const mg_source *source, const sample *s, mg_inspect_page *page) {
    mg_writer *out = page->out;
    int64_t rows = mg_source_rows(source), features = mg_source_features(source);
    bool sparse = mg_source_layout(source) == MG_CSR;
    double stored = (double)mg_source_stored(source, NULL, 0, rows), cells = (double)rows * (double)features;
    double density = sparse ? stored / cells : (double)s->nonzero / ((double)s->rows * (double)features);
    float most = 0;
    for (int64_t d = 0; d < features; d++) most = fmaxf(most, s->moments.most[d]);
    if (sparse)
        mg_writer_format(out, "  %-24s %.0f, %.4g a row, %.4g%% of all cells\n", "stored values", stored,
                         stored / (double)rows, 100 * density);
    else
        mg_writer_format(out, "  %-24s %.4g%% (in a sample of %lld rows)\n", "not zero", 100 * density,
                         (long long)s->rows);
    mg_writer_format(out, "  %-24s %.6g (in a sample of %lld rows)\n", "largest |x|", (double)most,
                     (long long)s->rows);
    if (sparse) mg_json_put_real(&page->json, "stored_values", stored);
    mg_json_put_real(&page->json, "nonzero_share", density);
    mg_json_put_real(&page->json, "largest", (double)most);
    mg_json_put_int(&page->json, "sample_rows", s->rows);
    suggest(source, s, density, &page->advice);
}

static void put_shape(const char *name, mg_source *source, mg_inspect_page *page) {
    bool transposed = mg_source_transposed_bytes(source) > 0, sparse = mg_source_layout(source) == MG_CSR;
    mg_writer_add(page->out, "\n");
    mg_printable_line(page->out, "features %s", name);
    mg_writer_format(page->out, "  %-24s %lld rows of %lld features, %s, %s\n", "shape",
                     (long long)mg_source_rows(source), (long long)mg_source_features(source),
                     transposed ? "sparse (CSC)"
                     : sparse   ? "sparse (CSR)"
                                : "dense",
                     mg_source_type_name(source));
    mg_json_put_text(&page->json, "features_name", name);
    mg_json_put_int(&page->json, "rows", mg_source_rows(source));
    mg_json_put_int(&page->json, "features", mg_source_features(source));
    mg_json_put_text(&page->json, "layout", transposed ? "csc" : sparse ? "csr" : "dense");
    mg_json_put_text(&page->json, "type", mg_source_type_name(source));
}

static mg_status put_rows(mg_source *source, mg_inspect_page *page, mg_error *error) {
    mg_writer *out = page->out, *advice = &page->advice;
    sample s = {0};
    char text[2][MG_BYTES_TEXT];
    double chunk = mg_source_chunk_bytes(source), transposed = (double)mg_source_transposed_bytes(source);
    if (transposed > 0)
        mg_writer_format(advice,
                         "  stored by columns: each time that the file is opened, a temporary file of %s is "
                         "written; store csr_matrix to save this time\n",
                         mg_print_bytes(transposed, text[0]));
    if (transposed > MOST_CHUNK_BYTES) {
        mg_writer_format(out, "  %-24s none: the rows are not transposed for a description\n", "sample");
        return MG_OK;
    }
    if (chunk > MOST_CHUNK_BYTES) {
        mg_writer_format(out, "  %-24s none: a chunk has %s, and at most %s are read for a sample\n",
                         "sample", mg_print_bytes(chunk, text[0]), mg_print_bytes(MOST_CHUNK_BYTES, text[1]));
        return MG_OK;
    }
    mg_status status = take_sample(source, &s, error);
    // A value is unfit for training; the shape is still described.
    if (status) status = note_unless(false, status, advice, error);
    else put_values(source, &s, page);
    drop_sample(&s);
    return status;
}

// ---- labels -------------------------------------------------------------------------------------

static void put_class(const char *label, int64_t rows, mg_writer *out) {
    int width = 22;
    for (const char *c = label; *c; c++)
        width += ((unsigned char)*c & 0xc0) == 0x80; // only the first byte of a character takes a column
    mg_printable_line(out, "    %-*s %lld rows", width, label, (long long)rows);
}

// Adds the classes to the JSON object.
static void put_classes(const char *name, const mg_classes *classes, const int64_t *count, int64_t unlabelled,
                        mg_writer *json) {
    char buffer[MG_LABEL_BUFFER];
    mg_json_put_text(json, "labels_name", name);
    mg_json_put_text(json, "label_type", classes->texts ? "text" : "integer");
    mg_json_key(json, "classes");
    for (int64_t k = 0; k < classes->count; k++) {
        mg_writer_add(json, k ? ", {" : "[{");
        mg_json_put_text(json, "label", mg_classes_label(classes, k, buffer));
        mg_json_put_int(json, "rows", count[k]);
        mg_writer_add(json, "}");
    }
    mg_writer_add(json, classes->count ? "]" : "[]");
    mg_json_put_int(json, "unlabelled_rows", unlabelled);
}

static mg_status put_labels(mg_h5 *file, const char *name, int64_t rows, mg_inspect_page *page,
                            mg_error *error) {
    mg_writer *out = page->out, *advice = &page->advice;
    int32_t *label;
    int64_t *count = NULL;
    mg_classes classes;
    char buffer[MG_LABEL_BUFFER];
    const mg_labels_request all = {.name = name, .rows = rows, .count = rows, .allow_unlabelled = true};
    int64_t unlabelled = 0;
    mg_status status = mg_labels_read(file, &all, &label, &classes, error);
    if (status) return status;
    status = mg_memory_zeroed(&count, (size_t)classes.count, sizeof *count, error);
    for (int64_t i = 0; !status && i < rows; i++) {
        if (label[i] >= 0) count[label[i]]++;
        else unlabelled++;
    }
    if (!status) mg_writer_add(out, "\n");
    if (!status) mg_printable_line(out, "labels %s", name);
    if (!status)
        mg_writer_format(out, "  %-24s %lld, %s\n", "classes", (long long)classes.count,
                         classes.texts ? "strings" : "integers");
    if (!status) put_classes(name, &classes, count, unlabelled, &page->json);
    int64_t least = rows, most = 0;
    for (int64_t k = 0; !status && k < classes.count; k++) {
        least = count[k] < least ? count[k] : least;
        most = count[k] > most ? count[k] : most;
        if (k < MG_INSPECT_CLASSES) put_class(mg_classes_label(&classes, k, buffer), count[k], out);
    }
    if (!status && classes.count > MG_INSPECT_CLASSES)
        mg_writer_format(out, "    ... and %lld more, of %lld to %lld rows\n",
                         (long long)classes.count - MG_INSPECT_CLASSES, (long long)least, (long long)most);
    if (!status && unlabelled)
        mg_writer_format(advice, "  %lld of %lld rows have no label: data.unlabelled: drop leaves them out\n",
                         (long long)unlabelled, (long long)rows);
    if (!status && most > 10 * least)
        mg_writer_format(advice, "  classes have %lld to %lld rows: consider model.class_weight: balanced\n",
                         (long long)least, (long long)most);
    if (!status && classes.count * 2 > rows)
        mg_writer_format(advice, "  %lld classes in %lld rows: are these labels?\n", (long long)classes.count,
                         (long long)rows);
    mg_memory_free(count);
    mg_memory_free(label);
    mg_classes_clear(&classes);
    return status;
}

static mg_status put_columns(mg_h5 *file, const char *features, int64_t width, mg_inspect_page *page,
                             mg_error *error) {
    mg_columns columns = {0};
    const mg_columns_place place = {.features = features};
    mg_status status =
        note_unless(false, mg_columns_read(file, &place, width, &columns, error), &page->advice, error);
    mg_inspect_columns(&columns, 24, page->out);
    mg_json_put_int(&page->json, "names", columns.names.count);
    mg_columns_clear(&columns);
    return status;
}

static mg_status put_content(mg_h5 *file, const char *features, const char *labels, mg_inspect_page *page,
                             mg_error *error) {
    const char *x = features ? features : "X", *y = labels ? labels : "y";
    bool no_labels = !labels && mg_h5_find(file, y) == MG_H5_MISSING;
    mg_writer *advice = &page->advice;
    mg_source *source = NULL;
    if (!features && mg_h5_find(file, x) == MG_H5_MISSING) {
        mg_writer_add(advice, "  there is no data set X: name the data set of the features with --features "
                              "(in a configuration: data.features)\n");
        return mg_inspect_candidates(file, NULL, no_labels ? NULL : y, 0, page->out, error);
    }
    mg_status status = mg_source_open(file, x, mg_preparation_of("none", "none"), &source, error);
    if (status) {
        status = note_unless(features != NULL, status, advice, error);
        return status ? status : mg_inspect_candidates(file, NULL, no_labels ? NULL : y, 0, page->out, error);
    }
    int64_t rows = mg_source_rows(source);
    put_shape(x, source, page);
    status = put_rows(source, page, error);
    if (!status) status = put_columns(file, x, mg_source_features(source), page, error);
    if (!status && no_labels)
        mg_writer_add(advice, "  there is no data set y: name the data set of the labels with --labels (in a "
                              "configuration: data.labels)\n");
    else if (!status)
        status = note_unless(labels != NULL, put_labels(file, y, rows, page, error), advice, error);
    if (!status) status = mg_inspect_candidates(file, x, no_labels ? NULL : y, rows, page->out, error);
    mg_source_close(source);
    return status;
}

// Adds the notes to the JSON object. Each is a line with two spaces before it.
static void put_notes(const mg_writer *advice, mg_writer *json) {
    char note[1024];
    mg_json_key(json, "notes");
    mg_writer_add(json, "[");
    for (const char *line = advice->text, *end; line && *line; line = end + (*end == '\n')) {
        end = line + strcspn(line, "\n");
        snprintf(note, sizeof note, "%.*s", (int)(end - line) - 2, line + 2);
        mg_writer_add(json, line > advice->text ? ", " : "");
        mg_json_text(json, note);
    }
    mg_writer_add(json, "]");
}

mg_status mg_inspect_data(mg_h5 *file, const char *features, const char *labels, mg_inspect_page *page,
                          mg_error *error) {
    int left = MOST_OBJECTS;
    mg_printable_line(page->out, "%s: data file", mg_h5_path(file));
    put_objects(file, "/", 1, &left, page->out);
    mg_json_put_text(&page->json, "kind", "data");
    mg_status status = put_content(file, features, labels, page, error);
    // What could not be read may have been taken for missing.
    mg_status read = !status || status == MG_DATA ? mg_h5_check_read(file, error) : MG_OK;
    if (read) status = read;
    const mg_writer *advice = &page->advice;
    if (!status && advice->length) {
        mg_writer_add(page->out, "\nnotes\n");
        mg_writer_add_bytes(page->out, advice->text, advice->length);
    }
    if (!status) put_notes(advice, &page->json);
    if (!status && advice->status) status = mg_fail(error, advice->status, "%s", advice->error.text);
    return status;
}

// convert_h5.c - HDF5 files as inputs of a conversion, such as several .h5ad files that become one. They are
// read like the data of a training.
#include "data/convert_h5.h"

#include "base/memory.h"
#include "data/columns.h"
#include "data/ids.h"
#include "data/raw_labels.h"
#include "data/source_state.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK_ROWS = 1024, BLOCK_CELLS = 1 << 20 };

typedef struct options {
    char *features, *labels, *id;
} options;

typedef struct reader {
    const char *path;
    options *options;
    mg_tell tell;
    const char *known; // name of the labels in the recipe of --like; the file may lack them
    mg_h5 *file;
    mg_source *source;
    mg_columns columns;
    mg_raw_labels labels;
    mg_ids ids;
} reader;

static void close_reader(void *at) {
    reader *r = at;
    if (!r) return;
    mg_source_close(r->source);
    mg_columns_clear(&r->columns);
    mg_raw_labels_clear(&r->labels);
    mg_ids_clear(&r->ids);
    mg_h5_close(r->file);
    mg_memory_free(r);
}

static mg_status open_reader(void **out, const mg_format_request *request, mg_error *error) {
    reader *r;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&r, 1, sizeof *r, error);
    if (status) return status;
    r->path = request->inputs[0];
    r->options = request->options;
    r->tell = request->tell;
    r->known = request->like ? request->like->labels : NULL;
    status = mg_h5_open(r->path, &r->file, error);
    if (!status)
        status = mg_source_open(r->file, r->options->features, (mg_preparation){0}, &r->source, error);
    if (status) close_reader(r);
    else *out = r;
    return status;
}

static mg_status read_labels(reader *r, int64_t rows, mg_error *error) {
    const char *name = r->options->labels;
    int64_t missing = 0, first = 0;
    if (!name && r->known) name = mg_h5_find(r->file, r->known) == MG_H5_MISSING ? NULL : r->known;
    else if (!name && mg_h5_find(r->file, "y") != MG_H5_MISSING) name = "y";
    if (!name) return MG_OK;
    mg_status status = mg_raw_labels_read(r->file, name, rows, true, &r->labels, error);
    for (int64_t i = 0; !status && i < rows; i++)
        if (r->labels.missing[i] && !missing++) first = i;
    if (status || !missing) return status;
    return mg_fail(
        error, MG_DATA,
        "%s: %s[%lld] is not a label, %lld of %lld rows have none: label them, or train on the file "
        "itself with data.unlabelled: drop",
        r->path, name, (long long)first, (long long)missing, (long long)rows);
}

// The ids that the option names; otherwise the index of the rows of AnnData, or the ids of a converted file.
static mg_status read_ids(reader *r, int64_t rows, mg_error *error) {
    const char *name = r->options->id;
    bool index =
        mg_h5_find(r->file, "obs") == MG_H5_GROUP &&
        (mg_h5_has_attribute(r->file, "obs", "_index") || mg_h5_find(r->file, "obs/_index") == MG_H5_ARRAY);
    if (!name && index) name = "obs/_index";
    if (!name && mg_h5_find(r->file, MG_IDS_NAME) == MG_H5_ARRAY) name = MG_IDS_NAME;
    return name ? mg_ids_read(r->file, name, rows, &r->ids, error) : MG_OK;
}

static mg_status pass_label(const reader *r, int64_t row, mg_sink *sink, mg_error *error) {
    if (!r->labels.texts) return sink->code(sink, r->labels.number[row], error);
    const char *text = r->labels.text[r->labels.number[row]];
    mg_error inner = {.status = MG_OK};
    mg_status status = sink->label(sink, text, strlen(text), &inner);
    return status ? mg_fail(error, status, "%s: row %lld: %s", r->path, (long long)row, inner.text) : MG_OK;
}

static mg_status pass_names(const reader *r, mg_sink *sink, mg_error *error) {
    char buffer[MG_ID_BUFFER];
    mg_status status = MG_OK;
    int64_t rows = mg_source_rows(r->source);
    for (int64_t i = 0; !status && r->labels.number && i < rows; i++) status = pass_label(r, i, sink, error);
    for (int64_t i = 0; !status && r->ids.column && i < rows; i++) {
        const char *id = mg_ids_text(&r->ids, i, buffer);
        status = sink->id(sink, id, strlen(id), error);
    }
    return status;
}

// True if `path` is the member, or in it.
static bool within(const char *path, const char *member) {
    size_t bytes = strlen(member);
    if (path && *path == '/') path++;
    return path && !strncmp(path, member, bytes) && (!path[bytes] || path[bytes] == '/');
}

// Tells what the output will lack, such as weights. The tables of AnnData (obs, var) are no surprise.
static void tell_left_out(const reader *r) {
    static const char *const usual[] = {"X", "y", "obs", "var", "uns", MG_IDS_NAME};
    char member[MG_H5_NAME], list[300] = "";
    size_t used = 0;
    for (int64_t i = 0; mg_h5_member(r->file, "/", i, member, sizeof member); i++) {
        bool read = within(r->options->features, member) || within(r->options->labels, member) ||
                    within(r->options->id, member);
        for (size_t u = 0; u < sizeof usual / sizeof *usual; u++) read = read || !strcmp(member, usual[u]);
        if (!read && used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%.60s", used ? ", " : "", member);
    }
    if (used)
        mg_tell_line(&r->tell, "note: %s: the output has features, labels, ids and names; left out: %s",
                     r->path, list);
}

static mg_status survey(void *at, mg_sink *sink, mg_format_shape *shape, mg_error *error) {
    reader *r = at;
    const mg_columns_place place = {.features = r->options->features};
    shape->rows = mg_source_rows(r->source);
    shape->features = mg_source_features(r->source);
    shape->layout = mg_source_layout(r->source);
    shape->cell = mg_source_stored_types[mg_source_cell(r->source)];
    if (shape->layout == MG_CSR) shape->stored = mg_source_stored(r->source, NULL, 0, shape->rows);
    mg_status status = mg_columns_read(r->file, &place, shape->features, &r->columns, error);
    if (!status && r->columns.recipe)
        status =
            mg_fail(error, MG_USAGE,
                    "%s: was made by convert, and its recipe would be lost: convert the files from which it "
                    "was made",
                    r->path);
    if (!status) status = read_labels(r, shape->rows, error);
    if (!status) status = read_ids(r, shape->rows, error);
    if (!status) status = pass_names(r, sink, error);
    if (!status) tell_left_out(r);
    shape->labelled = r->labels.number != NULL;
    shape->names = r->columns.names.count ? &r->columns.names : NULL;
    shape->ids = r->ids.column != NULL;
    shape->id_name = r->ids.column;
    return status;
}

static mg_status pass_rows(const mg_store *store, mg_sink *sink, mg_error *error) {
    mg_status status = MG_OK;
    mg_rows rows = mg_store_rows(store);
    for (int64_t i = 0; !status && i < rows.count; i++) {
        if (rows.layout == MG_CSR) {
            mg_csr_row row = mg_rows_csr(&rows, i);
            status = sink->sparse(sink, row.indices, row.values, row.count, error);
        } else {
            status = sink->dense(sink, mg_rows_dense(&rows, i),
                                 (size_t)rows.features * mg_cell_size(rows.cell), error);
        }
    }
    return status;
}

static mg_status read_rows(void *at, mg_sink *sink, mg_error *error) {
    reader *r = at;
    mg_source *source = r->source;
    char text[MG_VANISHED_TEXT + MG_SOURCE_ROUNDING];
    int64_t rows = mg_source_rows(source), features = mg_source_features(source), done = 0;
    int64_t block = features > BLOCK_CELLS / BLOCK_ROWS ? BLOCK_CELLS / features + 1 : BLOCK_ROWS;
    bool sparse = mg_source_layout(source) == MG_CSR;
    mg_status status = MG_OK;
    while (!status && done < rows) {
        mg_store store = {0};
        int64_t count = rows - done < block ? rows - done : block;
        int64_t stored = sparse ? mg_source_stored(source, NULL, done, count) : 0;
        status = mg_store_create(&store, mg_source_layout(source), mg_source_cell(source), features, count,
                                 stored, error);
        if (!status) status = mg_source_read(source, NULL, done, count, &store, error);
        if (!status) status = pass_rows(&store, sink, error);
        mg_store_destroy(&store);
        done += count;
    }
    if (!status) status = pass_names(r, sink, error);
    if (!status) status = mg_h5_check_unchanged(r->file, error);
    if (status) return status;
    mg_vanished_text(mg_source_vanished(source), r->path, mg_source_name(source), text);
    if (*text) mg_tell_line(&r->tell, "warning: %s", text);
    mg_source_rounding_text(source, text);
    if (*text) mg_tell_line(&r->tell, "warning: %s", text);
    return MG_OK;
}

static int no_probe(const char *head, size_t bytes) {
    (void)head, (void)bytes;
    return 0;
}

static const mg_option rows[] = {
    {.name = "features",
     .type = MG_OPTION_TEXT,
     .offset = offsetof(options, features),
     .preset = "X",
     .help = "Data set or group of the features, such as layers/counts."},
    {.name = "labels",
     .type = MG_OPTION_TEXT,
     .offset = offsetof(options, labels),
     .preset = "",
     .help = "Data set or column of the labels, such as obs/cell_type. Default: y, if it exists."},
    {.name = "id",
     .type = MG_OPTION_TEXT,
     .offset = offsetof(options, id),
     .preset = "",
     .help = "Data set of the ids of the rows. Default: the index of obs or the data set id, if the file has "
             "one."},
};

static const mg_section section = {
    .name = "hdf5", .help = "HDF5", .options = rows, .count = sizeof rows / sizeof *rows};

const mg_format mg_convert_h5 = {
    .name = "hdf5",
    .arguments = "FILE.h5ad...",
    .help =
        "HDF5 files that margin train can read, such as .h5ad: convert joins or splits them, or adds labels",
    .most_inputs = 1,
    .section = &section,
    .options_size = sizeof(options),
    .remembered = mg_format_arrays,
    .probe = no_probe,
    .open = open_reader,
    .survey = survey,
    .read = read_rows,
    .close = close_reader,
};

bool mg_convert_h5_renames(const void *values) {
    const options *o = values;
    return strcmp(o->features, "X") != 0 || (o->labels && strcmp(o->labels, "y") != 0);
}

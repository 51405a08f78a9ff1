// npz.c - archives of NumPy: arrays X and y, or a sparse matrix that scipy.sparse.save_npz wrote.
#include "format/npy.h"

#include "base/arithmetic.h"
#include "base/memory.h"
#include "format/sparse_row.h"
#include "io/zip.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SLAB = 256 << 10 }; // stored values that are read at a time, unless a row has more

typedef struct options {
    char *features, *labels; // names of arrays; NULL: guessed
    bool guessed; // the labels were found in an earlier file of the conversion; others may lack them
} options;

typedef struct reader {
    const char *path;
    options *options;
    const mg_watch *watch;
    const mg_format_like *like;
    mg_zip zip;
    const mg_zip_member *features, *labels; // features NULL: the archive is a sparse matrix
    int64_t rows, columns;                  // of a sparse matrix
    int64_t *indptr;                        // [rows + 1]
    mg_sparse_row row;
    mg_tell tell;
    int64_t lost, lost_row; // values that vanish in float32, and the first row with one
} reader;

static int probe(const char *head, size_t bytes) {
    if (bytes < 38 || memcmp(head, "PK\3\4", 4) != 0) return 0;
    size_t name = (size_t)(unsigned char)head[26] | (size_t)(unsigned char)head[27] << 8;
    return name > 4 && bytes > 30 + name && !memcmp(head + 30 + name - 4, ".npy", 4) ? 2 : 0;
}

// Finds a member. Of several with one name, NumPy reads the last.
static const mg_zip_member *find(const reader *r, const char *name) {
    for (int i = r->zip.count - 1; i >= 0; i--) {
        const char *member = r->zip.members[i].name;
        size_t bytes = strlen(name);
        if (!strncmp(member, name, bytes) && (!member[bytes] || !strcmp(member + bytes, ".npy")))
            return &r->zip.members[i];
    }
    return NULL;
}

static const char *list(const reader *r, char *out, size_t size) {
    size_t used = 0;
    *out = 0;
    for (int i = 0; i < r->zip.count; i++) {
        const char *name = r->zip.members[i].name, *dot = strstr(name, ".npy");
        int bytes = dot ? (int)(dot - name) : (int)strlen(name);
        if (used + (size_t)bytes + 8 >= size) {
            snprintf(out + used, size - used, ", ...");
            break;
        }
        used += (size_t)snprintf(out + used, size - used, "%s%.*s", i ? ", " : "", bytes, name);
    }
    return out;
}

static mg_status open_array(const reader *r, const mg_zip_member *member, mg_npy *out, mg_error *error) {
    *out = (mg_npy){0};
    mg_input_part part = member->part;
    part.version = &r->zip.version;
    return mg_input_open_part(&out->input, r->path, &part, r->watch, error);
}

// Finds the array of an option. If the user gave none, one of the usual names.
static mg_status choose(const reader *r, const char *wanted, const char *flag, const char *const *usual,
                        const mg_zip_member **out, mg_error *error) {
    char names[300];
    const char *known = !wanted && !strcmp(flag, "labels") && r->like ? r->like->labels : NULL;
    if (known) wanted = known;
    *out = wanted ? find(r, wanted) : NULL;
    if (known || (*out == NULL && wanted && wanted == r->options->labels && r->options->guessed))
        return MG_OK;
    for (int i = 0; !wanted && !*out && usual[i]; i++) *out = find(r, usual[i]);
    if (*out || (!wanted && !strcmp(flag, "labels"))) return MG_OK;
    if (!wanted && r->zip.count == 1) {
        *out = &r->zip.members[0];
        return MG_OK;
    }
    return mg_fail(error, MG_USAGE, "%s: %s%s%s: it has the arrays %s: %s --%s", r->path,
                   wanted ? "has no array '" : "has no array X, x, features, data or embeddings",
                   wanted ? wanted : "", wanted ? "'" : "", list(r, names, sizeof names),
                   mg_format_settle_name(r->like), flag);
}

static bool is_sparse(const reader *r) {
    return find(r, "format") && find(r, "shape") && find(r, "data"); // in each format of save_npz
}

static mg_status choose_arrays(reader *r, mg_error *error) {
    static const char *const rows[] = {"X", "x", "features", "data", "embeddings", NULL},
                             *const labels[] = {"y", "Y", "labels", "label", "target", NULL};
    mg_status status = choose(r, r->options->labels, "labels", labels, &r->labels, error);
    // A recipe may name a dense array, but a sparse matrix has no name.
    const char *name = r->options->features;
    if (status || (is_sparse(r) && (!name || (r->like && !find(r, name))))) return status;
    return choose(r, r->options->features, "features", rows, &r->features, error);
}

static void close_reader(void *at) {
    reader *r = at;
    if (!r) return;
    mg_zip_clear(&r->zip);
    mg_memory_free(r->indptr);
    mg_sparse_row_clear(&r->row);
    mg_memory_free(r);
}

static mg_status open_reader(void **out, const mg_format_request *request, mg_error *error) {
    reader *r;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&r, 1, sizeof *r, error);
    if (status) return status;
    r->path = request->inputs[0];
    r->options = request->options;
    r->watch = request->watch;
    r->like = request->like;
    r->tell = request->tell;
    status = mg_zip_open(r->path, &r->zip, error);
    if (!status) status = choose_arrays(r, error);
    if (status) close_reader(r);
    else *out = r;
    return status;
}

// ---- sparse matrices ----------------------------------------------------------------------------

// Reads a vector of integers of a sparse matrix.
static mg_status read_integers(const reader *r, const char *name, int64_t **out, int64_t *count,
                               mg_error *error) {
    mg_npy a;
    void *cells = NULL;
    mg_status status = open_array(r, find(r, name), &a, error);
    if (status) return status;
    status = mg_npy_header(&a, error);
    if (!status && (a.kind || a.dimensions != 1 || a.cells.type > MG_H5_U64))
        status = mg_fail(error, MG_DATA, "%s: %s must be a vector of integers", r->path, name);
    if (!status) status = mg_binary_check(&a.cells, a.input, error);
    *count = a.cells.rows;
    size_t size = mg_h5_type_size(a.cells.type);
    if (!status) status = mg_memory_get(&cells, (size_t)*count, size, error);
    if (!status) status = mg_memory_get(out, (size_t)*count, sizeof **out, error);
    if (!status) status = mg_input_exact(a.input, cells, (size_t)*count * size, name, error);
    if (!status) status = mg_input_finish(a.input, error);
    for (int64_t i = 0; !status && i < *count; i++) (*out)[i] = mg_h5_integer(a.cells.type, cells, i);
    mg_memory_free(cells);
    mg_input_close(a.input);
    return status;
}

static mg_status check_format(const reader *r, mg_error *error) {
    mg_npy a;
    unsigned char text[64] = {0};
    mg_status status = open_array(r, find(r, "format"), &a, error);
    if (status) return status;
    status = mg_npy_header(&a, error);
    size_t bytes = a.kind == 'U' ? 4 * a.width : a.width;
    if (!status && bytes < sizeof text) status = mg_input_exact(a.input, text, bytes, "format", error);
    mg_input_close(a.input);
    for (size_t i = 1; a.kind == 'U' && i < 16; i++) text[i] = text[4 * i];
    if (!status && memcmp(text, "csr", 4) != 0)
        return mg_fail(
            error, MG_DATA,
            "%s: is a sparse matrix in format %.3s; csr is read: save_npz(FILE, matrix.tocsr()) of "
            "scipy.sparse",
            r->path, (const char *)text);
    const char *missing = !find(r, "indices") ? "indices" : "indptr";
    if (status || (find(r, "indices") && find(r, "indptr"))) return status;
    return mg_fail(error, MG_DATA, "%s: is a sparse matrix without the array %s: write it again", r->path,
                   missing);
}

static mg_status open_sparse(reader *r, mg_error *error) {
    int64_t *shape = NULL, count = 0;
    mg_status status = check_format(r, error);
    if (!status) status = read_integers(r, "shape", &shape, &count, error);
    if (!status &&
        (count != 2 || shape[0] < 1 || shape[0] == INT64_MAX || shape[1] < 1 || shape[1] > MG_MOST_INDEX))
        status =
            mg_fail(error, MG_DATA, "%s: shape must be rows and features (1 to %u)", r->path, MG_MOST_INDEX);
    if (!status) r->rows = shape[0], r->columns = shape[1];
    mg_memory_free(shape);
    if (!status) status = read_integers(r, "indptr", &r->indptr, &count, error);
    bool fine = !status && count == r->rows + 1 && r->indptr[0] == 0;
    for (int64_t i = 0; fine && i < r->rows; i++) fine = r->indptr[i] <= r->indptr[i + 1];
    return status || fine ? status
                          : mg_fail(error, MG_DATA,
                                    "%s: indptr does not fit %lld rows: the file is damaged; write it again",
                                    r->path, (long long)r->rows);
}

// Opens data or indices, and checks their length.
static mg_status open_values(const reader *r, const char *name, bool integers, mg_npy *out, mg_error *error) {
    mg_status status = open_array(r, find(r, name), out, error);
    if (!status) status = mg_npy_header(out, error);
    if (!status && (out->kind || out->dimensions != 1 || out->cells.rows != r->indptr[r->rows] ||
                    (integers && out->cells.type > MG_H5_U64)))
        status = mg_fail(error, MG_DATA, "%s: %s must have one number for each of the %lld stored values",
                         r->path, name, (long long)r->indptr[r->rows]);
    if (!status && out->cells.rows > 0) status = mg_binary_check(&out->cells, out->input, error);
    return status;
}

static double real_at(mg_h5_type type, const void *cells, int64_t i) {
    if (type == MG_H5_F64) return ((const double *)cells)[i];
    if (type == MG_H5_F32) return (double)((const float *)cells)[i];
    if (type == MG_H5_F16) return (double)mg_half_to_float(((const uint16_t *)cells)[i]);
    return (double)mg_h5_integer(type, cells, i);
}

// Consecutive rows of a sparse matrix, as in the file.
typedef struct slab {
    mg_npy values, places;
    void *value, *place;
    size_t value_room, place_room;
} slab;

static mg_status fill(slab *s, int64_t count, mg_error *error) {
    size_t bytes = (size_t)count * mg_h5_type_size(s->values.cells.type),
           place_bytes = (size_t)count * mg_h5_type_size(s->places.cells.type);
    mg_status status = mg_memory_grow(&s->value, &s->value_room, bytes + 1, 1, error);
    if (!status) status = mg_memory_grow(&s->place, &s->place_room, place_bytes + 1, 1, error);
    if (!status) status = mg_input_exact(s->values.input, s->value, bytes, "data", error);
    return status ? status : mg_input_exact(s->places.input, s->place, place_bytes, "indices", error);
}

// Passes row i, whose values begin at element `from` of the slab.
static mg_status pass_row(reader *r, const slab *s, int64_t i, int64_t from, mg_sink *sink, mg_error *error) {
    int64_t count = r->indptr[i + 1] - r->indptr[i], twice = -1;
    mg_status status = MG_OK;
    mg_sparse_row_begin(&r->row);
    for (int64_t e = from; !status && e < from + count; e++) {
        int64_t index = mg_h5_integer(s->places.cells.type, s->place, e);
        double real = real_at(s->values.cells.type, s->value, e);
        if (index < 0 || index >= r->columns || !isfinite((float)real))
            return mg_fail(
                error, MG_DATA,
                "%s: row %lld (from 0) has the value %g in column %lld; a finite value and a column from "
                "0 to %lld are needed",
                r->path, (long long)i, real, (long long)index, (long long)r->columns - 1);
        if (mg_text_vanishes(real) && !r->lost++) r->lost_row = i;
        status = mg_sparse_row_add(&r->row, (uint32_t)index, (float)real, error);
    }
    if (!status) status = mg_sparse_row_sort(&r->row, &twice, error);
    if (!status && twice >= 0)
        return mg_fail(error, MG_DATA,
                       "%s: row %lld (from 0) has column %lld twice: call sum_duplicates() of the matrix in "
                       "Python, and save it again",
                       r->path, (long long)i, (long long)twice);
    return status ? status : sink->sparse(sink, r->row.indices, r->row.values, (int64_t)r->row.count, error);
}

static mg_status pass_sparse(reader *r, mg_sink *sink, mg_error *error) {
    slab s = {0};
    mg_status status = open_values(r, "data", false, &s.values, error);
    if (!status) status = open_values(r, "indices", true, &s.places, error);
    for (int64_t first = 0, next; !status && first < r->rows; first = next) {
        int64_t base = r->indptr[first];
        for (next = first + 1; next < r->rows && r->indptr[next + 1] - base <= SLAB; next++) continue;
        status = fill(&s, r->indptr[next] - base, error);
        for (int64_t i = first; !status && i < next; i++)
            status = pass_row(r, &s, i, r->indptr[i] - base, sink, error);
    }
    if (!status) status = mg_input_finish(s.values.input, error);
    if (!status) status = mg_input_finish(s.places.input, error);
    mg_input_close(s.values.input);
    mg_input_close(s.places.input);
    mg_memory_free(s.value);
    mg_memory_free(s.place);
    return status;
}

// ---- both ---------------------------------------------------------------------------------------

static mg_status pass_labels(const reader *r, int64_t rows, mg_sink *sink, mg_error *error) {
    mg_npy a;
    if (!r->labels) return MG_OK;
    mg_status status = open_array(r, r->labels, &a, error);
    if (status) return status;
    status = mg_npy_header(&a, error);
    if (!status) status = mg_npy_check_labels(&a, rows, error);
    if (!status) status = mg_npy_labels(&a, sink, error);
    mg_input_close(a.input);
    return status;
}

static mg_status open_features(const reader *r, mg_npy *out, mg_error *error) {
    mg_npy none = {0};
    mg_status status = open_array(r, r->features, out, error);
    return status ? status : mg_npy_headers(out, &none, error);
}

static mg_status survey_dense(const reader *r, mg_format_shape *shape, mg_error *error) {
    mg_npy a = {0};
    mg_status status = open_features(r, &a, error);
    shape->rows = a.cells.rows;
    shape->features = a.cells.columns;
    shape->layout = MG_DENSE;
    shape->cell = a.cells.type;
    mg_input_close(a.input);
    return status;
}

static size_t name_bytes(const char *member) {
    size_t bytes = strlen(member);
    return bytes > 4 && !strcmp(member + bytes - 4, ".npy") ? bytes - 4 : bytes;
}

static mg_status keep_names(const reader *r, mg_error *error) {
    const mg_zip_member *x = r->features, *y = r->labels;
    mg_status status =
        x ? mg_format_keep_name(&r->options->features, x->name, name_bytes(x->name), error) : MG_OK;
    if (status || !y) return status;
    r->options->guessed |= !r->options->labels;
    return mg_format_keep_name(&r->options->labels, y->name, name_bytes(y->name), error);
}

static mg_status survey(void *at, mg_sink *sink, mg_format_shape *shape, mg_error *error) {
    reader *r = at;
    mg_status status = r->features ? survey_dense(r, shape, error) : open_sparse(r, error);
    if (status) return status;
    if (!r->features) {
        shape->rows = r->rows;
        shape->features = r->columns;
        shape->stored = r->indptr[r->rows];
        shape->layout = MG_CSR;
    }
    if (!r->options->features)
        mg_guess(&shape->guesses, "features", r->features ? "features %s" : "a sparse matrix",
                 r->features ? r->features->name : "");
    const bool known = r->labels && r->like && r->like->labels;
    if (!r->options->labels && !known)
        mg_guess(&shape->guesses, "labels", r->labels ? "labels %s" : "no labels",
                 r->labels ? r->labels->name : "");
    shape->labelled = r->labels != NULL;
    status = keep_names(r, error);
    return status ? status : pass_labels(r, shape->rows, sink, error);
}

static mg_status read_rows(void *at, mg_sink *sink, mg_error *error) {
    reader *r = at;
    mg_npy a = {0};
    mg_status status = MG_OK;
    int64_t rows = r->rows;
    if (r->features) {
        status = open_features(r, &a, error);
        rows = a.cells.rows;
        if (!status) status = mg_binary_copy(&a.cells, a.input, sink, error);
        if (!status) status = mg_input_finish(a.input, error);
        mg_input_close(a.input);
    } else {
        status = pass_sparse(r, sink, error);
        if (!status) mg_tell_lost_values(&r->tell, r->path, r->lost_row, r->lost);
    }
    return status ? status : pass_labels(r, rows, sink, error);
}

static const mg_option table[] = {
    {.name = "features",
     .type = MG_OPTION_TEXT,
     .offset = offsetof(options, features),
     .preset = "",
     .help = "Array of the features. Default: X, x, features, data, embeddings, or the only array."},
    {.name = "labels",
     .type = MG_OPTION_TEXT,
     .offset = offsetof(options, labels),
     .preset = "",
     .help = "Array of the labels. If a file has this name, the labels are read from that file. Default: y, "
             "Y, labels, label or target."},
};

static const mg_section section = {
    .name = "npz", .help = "archives of NumPy", .options = table, .count = sizeof table / sizeof *table};

const mg_format mg_format_npz = {
    .name = "npz",
    .arguments = "FILE.npz...",
    .help = "arrays X and y of numpy.savez, or a sparse matrix of scipy.sparse.save_npz",
    .most_inputs = 1,
    .section = &section,
    .options_size = sizeof(options),
    .remembered = mg_format_arrays,
    .probe = probe,
    .open = open_reader,
    .survey = survey,
    .read = read_rows,
    .close = close_reader,
};

// mtx.c - sparse matrices of Matrix Market (.mtx), and folders of Cell Ranger with matrix.mtx, barcodes.tsv
// and features.tsv or genes.tsv. Entries may be in any order.
#include "format/format.h"

#include "base/memory.h"
#include "base/shell.h"
#include "format/mtx_files.h"
#include "format/name_file.h"
#include "format/pairs.h"
#include "format/sparse_row.h"
#include "io/regroup.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct options {
    const char *rows; // "auto", "first" or "second": which number of an entry is that of the row
} options;

typedef struct reader {
    mg_mtx_files files;
    mg_name_seen seen[2]; // of the features, of the barcodes
    mg_text *text;
    mg_tell tell;
    const mg_format_like *like;
    options *options;
    bool pattern;      // entries have no value: all are 1
    int64_t size[2];   // largest first and second number
    int64_t declared;  // number of entries
    bool second;       // the second number of an entry is that of the row
    bool grouped;      // the entries of a row follow each other, and rows ascend
    int64_t *row_ends; // [rows + 1] number of entries before each row
    mg_names names;    // of the features
    mg_sparse_row row;
} reader;

typedef struct entry {
    int64_t row, column;
    float value;
} entry;

static bool has_banner(const char *head, size_t bytes) {
    return bytes >= 14 && !strncasecmp(head, "%%MatrixMarket", 14);
}

static int probe(const char *head, size_t bytes) { return has_banner(head, bytes) ? 2 : 0; }

static mg_status claims(const char *path, bool *is, mg_error *error) {
    (void)error;
    *is = mg_mtx_is_folder(path);
    return MG_OK;
}

static void close_reader(void *at) {
    reader *r = at;
    if (!r) return;
    mg_text_close(r->text);
    mg_memory_free(r->row_ends);
    mg_names_clear(&r->names);
    mg_sparse_row_clear(&r->row);
    mg_memory_free(r);
}

static mg_status open_reader(void **out, const mg_format_request *request, mg_error *error) {
    reader *r;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&r, 1, sizeof *r, error);
    if (status) return status;
    r->options = request->options;
    r->tell = request->tell;
    r->like = request->like;
    status = mg_mtx_files_find(&r->files, request->inputs[0], error);
    if (!status) status = mg_text_open(&r->text, r->files.path, request->watch, error);
    if (status) close_reader(r);
    else *out = r;
    return status;
}

// ---- the header ---------------------------------------------------------------------------------

static mg_status check_banner(reader *r, const char *line, mg_error *error) {
    char object[32] = "", layout[32] = "", field[32] = "", symmetry[32] = "";
    if (!has_banner(line, strlen(line)) ||
        sscanf(line + 14, "%31s %31s %31s %31s", object, layout, field, symmetry) < 3)
        return mg_text_fail(r->text, 0, MG_DATA, error,
                            "is no Matrix Market file: the first line must be like '%%%%MatrixMarket matrix "
                            "coordinate real general'");
    if (!strcasecmp(layout, "array"))
        return mg_text_fail(r->text, 0, MG_DATA, error,
                            "is a dense matrix (array); save it from Python with numpy.save('X.npy', "
                            "scipy.io.mmread('%s')), and convert X.npy",
                            r->files.path);
    bool number = !strcasecmp(field, "real") || !strcasecmp(field, "integer") || !strcasecmp(field, "double");
    r->pattern = !strcasecmp(field, "pattern");
    if (!number && !r->pattern)
        return mg_text_fail(r->text, 0, MG_DATA, error,
                            "has values of kind '%s'; real, integer and pattern are read", field);
    if (*symmetry && strcasecmp(symmetry, "general") != 0)
        return mg_text_fail(
            r->text, 0, MG_DATA, error,
            "is a %s matrix, which lists a half of its entries; rows by features (general) are "
            "needed",
            symmetry);
    return MG_OK;
}

// Parses `count` whole numbers. Returns the position after them; NULL if there are fewer.
static const char *whole_numbers(const char *at, const char *end, int count, int64_t *out) {
    for (int i = 0; i < count; i++) {
        at = mg_skip_blanks(at, end);
        const char *word = at;
        int64_t n = 0;
        for (; at < end && *at >= '0' && *at <= '9' && n < INT64_MAX / 16; at++) n = n * 10 + (*at - '0');
        if (at == word || (at < end && !mg_is_blank(*at))) return NULL;
        out[i] = n;
    }
    return at;
}

static mg_status next_line(reader *r, char **line, const char **end, mg_error *error) {
    size_t bytes;
    for (;;) {
        mg_status status = mg_text_line(r->text, line, &bytes, error);
        if (status || !*line) return status;
        *end = *line + bytes;
        const char *at = mg_skip_blanks(*line, *end);
        if (at < *end && *at != '%') return MG_OK;
    }
}

// Decides which number of an entry is that of the row. In a matrix for a model, without names of the rows,
// the number of features shows it.
static mg_status find_rows(reader *r, mg_error *error) {
    bool known = *r->files.barcodes, guessed = !strcmp(r->options->rows, "auto");
    bool raw = r->like && r->like->raw;
    r->second = guessed || (raw && known) ? known : !strcmp(r->options->rows, "second");
    if (!raw || known || !guessed) return MG_OK;
    char like[MG_SHELL_WORD];
    bool first = r->size[1] == r->like->features;
    r->second = r->size[0] == r->like->features;
    if (first != r->second) return MG_OK;
    return mg_fail(
        error, MG_DATA,
        "%s: is a matrix of %lld x %lld, and the model %s has %lld features, so that its rows may be "
        "rows or columns: convert it: margin convert --like %s --rows first FILE NEW.h5 (or --rows "
        "second)",
        r->files.path, (long long)r->size[0], (long long)r->size[1], r->like->path,
        (long long)r->like->features, mg_shell_word(r->like->path, "MODEL", like, sizeof like));
}

static mg_status read_header(reader *r, mg_error *error) {
    char *line;
    size_t bytes;
    const char *end = NULL;
    int64_t numbers[3];
    mg_status status = mg_text_line(r->text, &line, &bytes, error);
    if (status) return status;
    if (!line) return mg_fail(error, MG_DATA, "%s: is empty", r->files.path);
    line[bytes] = 0;
    status = check_banner(r, line, error);
    if (!status) status = next_line(r, &line, &end, error);
    if (status) return status;
    if (!line)
        return mg_fail(error, MG_DATA,
                       "%s: is truncated: it ends before the line with its size: copy or write it again",
                       r->files.path);
    const char *rest = whole_numbers(line, end, 3, numbers);
    if (!rest || mg_skip_blanks(rest, end) < end || numbers[0] > MG_MOST_INDEX || numbers[1] > MG_MOST_INDEX)
        return mg_text_fail(r->text, 0, MG_DATA, error,
                            "the size must be three numbers: rows, columns (at most %u each) and entries",
                            MG_MOST_INDEX);
    memcpy(r->size, numbers, sizeof r->size);
    r->declared = numbers[2];
    return find_rows(r, error);
}

// ---- the entries --------------------------------------------------------------------------------

static mg_status read_entry(reader *r, const char *line, const char *end, entry *out, mg_error *error) {
    int64_t place[2];
    double value = 1;
    const char *at = whole_numbers(line, end, 2, place);
    if (at) at = mg_skip_blanks(at, end);
    const char *rest = at && !r->pattern ? mg_text_number(at, end, &value) : at;
    if (!rest || mg_skip_blanks(rest, end) < end)
        return mg_text_fail(r->text, 0, MG_DATA, error, "an entry must be two whole numbers%s",
                            r->pattern ? "" : " and a value");
    for (int i = 0; i < 2; i++)
        if (place[i] < 1 || place[i] > r->size[i])
            return mg_text_fail(r->text, 0, MG_DATA, error, "%s is %lld; 1 to %lld are allowed",
                                i ? "the column" : "the row", (long long)place[i], (long long)r->size[i]);
    if (!isfinite((float)value))
        return mg_text_fail(r->text, (size_t)(at - line), MG_DATA, error,
                            "the value is not a finite 32-bit float");
    mg_text_lose(r->text, mg_text_vanishes(value));
    *out = (entry){place[r->second] - 1, place[!r->second] - 1, (float)value};
    return MG_OK;
}

typedef mg_status take_entry(void *context, const entry *e, mg_error *error);

// Reads all entries after the header.
static mg_status each_entry(reader *r, take_entry *take, void *context, mg_error *error) {
    char *line;
    const char *end;
    entry e;
    int64_t count = 0;
    for (;; count++) {
        mg_status status = next_line(r, &line, &end, error);
        if (status) return status;
        if (!line) break;
        if (count == r->declared)
            return mg_text_fail(r->text, 0, MG_DATA, error,
                                "the file has more than the %lld entries of its header",
                                (long long)r->declared);
        status = read_entry(r, line, end, &e, error);
        if (!status) status = take(context, &e, error);
        if (status) return status;
    }
    return count == r->declared
               ? MG_OK
               : mg_fail(error, MG_DATA,
                         "%s: is truncated: it ends after %lld of %lld entries: copy or write it again",
                         r->files.path, (long long)count, (long long)r->declared);
}

typedef struct census {
    reader *r;
    int64_t last; // row
} census;

static mg_status count_entry(void *context, const entry *e, mg_error *error) {
    (void)error;
    census *c = context;
    c->r->row_ends[e->row + 1]++;
    if (e->row < c->last) c->r->grouped = false;
    c->last = e->row;
    return MG_OK;
}

static mg_status read_names(reader *r, int64_t rows, int64_t columns, mg_sink *sink, mg_error *error) {
    if (!*r->files.features) return MG_OK;
    mg_names_clear(&r->names);
    mg_status status = mg_name_file_read(r->files.features, columns, &r->seen[0], &r->names, error);
    return status ? status : mg_name_file_pass(r->files.barcodes, rows, &r->seen[1], sink, error);
}

static mg_status survey(void *at, mg_sink *sink, mg_format_shape *shape, mg_error *error) {
    reader *r = at;
    census c = {.r = r};
    mg_status status = read_header(r, error);
    if (status) return status;
    int64_t rows = r->size[r->second], columns = r->size[!r->second];
    if (!rows || !columns)
        return mg_fail(error, MG_DATA, "%s: is empty (%lld rows, %lld features)", r->files.path,
                       (long long)rows, (long long)columns);
    status = read_names(r, rows, columns, sink, error);
    if (!status) status = mg_memory_zeroed(&r->row_ends, (size_t)rows + 1, sizeof *r->row_ends, error);
    r->grouped = true;
    if (!status) status = each_entry(r, count_entry, &c, error);
    if (status) return status;
    for (int64_t i = 0; i < rows; i++) r->row_ends[i + 1] += r->row_ends[i];
    if (!strcmp(r->options->rows, "auto")) {
        mg_guess(&shape->guesses, "rows",
                 r->second ? "rows are columns of the matrix (barcodes.tsv is beside it)"
                           : "rows are rows of the matrix");
        r->options->rows = r->second ? "second" : "first";
    }
    shape->rows = rows;
    shape->features = columns;
    shape->stored = r->declared;
    shape->layout = MG_CSR;
    shape->names = r->names.count ? &r->names : NULL;
    shape->ids = *r->files.barcodes != 0;
    shape->id_name = "barcode";
    return MG_OK;
}

// ---- the rows -----------------------------------------------------------------------------------

typedef struct passing {
    reader *r;
    mg_sink *sink;
    int64_t row; // the row that is collected
} passing;

static mg_status put_row(passing *p, mg_error *error) {
    int64_t twice;
    mg_status status = mg_sparse_row_sort(&p->r->row, &twice, error);
    if (!status && twice >= 0)
        return mg_fail(error, MG_DATA, "%s: entry %lld %lld occurs twice: add up repeated entries",
                       p->r->files.path, (long long)(p->r->second ? twice : p->row) + 1,
                       (long long)(p->r->second ? p->row : twice) + 1);
    if (!status)
        status =
            p->sink->sparse(p->sink, p->r->row.indices, p->r->row.values, (int64_t)p->r->row.count, error);
    p->r->row.count = 0;
    p->row++;
    return status;
}

static mg_status pass_entry(void *context, const entry *e, mg_error *error) {
    passing *p = context;
    mg_status status = MG_OK;
    while (!status && p->row < e->row) status = put_row(p, error);
    if (!status && e->row < p->row)
        status = mg_fail(error, MG_DATA, "%s: changed while it was read", p->r->files.path);
    return status ? status : mg_sparse_row_add(&p->r->row, (uint32_t)e->column, e->value, error);
}

static mg_status group_entry(void *context, const entry *e, mg_error *error) {
    return mg_regroup_add(context, (uint32_t)e->row, (uint32_t)e->column, e->value, error);
}

// Reads entries in any order: a temporary file groups them by row.
static mg_status pass_regrouped(passing *p, int64_t rows, mg_error *error) {
    reader *r = p->r;
    mg_regroup *grouped;
    mg_status status = mg_regroup_create(r->files.path, "the matrix, whose entries are not grouped by row,",
                                         rows, r->row_ends, &grouped, error);
    if (!status) status = each_entry(r, group_entry, grouped, error);
    if (!status) status = mg_regroup_finish(grouped, error);
    while (!status && p->row < rows) {
        int64_t first = r->row_ends[p->row], count = r->row_ends[p->row + 1] - first;
        status = mg_sparse_row_room(&r->row, (size_t)count, error);
        if (!status) status = mg_regroup_read(grouped, first, count, r->row.indices, r->row.values, error);
        r->row.count = (size_t)count;
        if (!status) status = put_row(p, error);
    }
    mg_regroup_destroy(grouped);
    return status;
}

static mg_status read_rows(void *at, mg_sink *sink, mg_error *error) {
    reader *r = at;
    passing p = {.r = r, .sink = sink};
    const int64_t rows = r->size[r->second], columns = r->size[!r->second], stored = r->declared;
    mg_status status = mg_text_rewind(r->text, error);
    if (!status) status = read_header(r, error);
    if (!status && (r->size[r->second] != rows || r->size[!r->second] != columns || r->declared != stored))
        status = mg_fail(error, MG_DATA, "%s: changed while it was read", r->files.path);
    if (!status) status = read_names(r, rows, columns, sink, error);
    if (!status) status = r->grouped ? each_entry(r, pass_entry, &p, error) : pass_regrouped(&p, rows, error);
    while (!status && p.row < rows) status = put_row(&p, error);
    if (!status) mg_tell_lost(&r->tell, r->text);
    return status;
}

static const char *rows_name(int i) {
    static const char *const names[] = {"auto", "first", "second"};
    return i >= 0 && i < 3 ? names[i] : NULL;
}

static const mg_option table[] = {
    {.name = "rows",
     .type = MG_OPTION_CHOICE,
     .offset = offsetof(options, rows),
     .preset = "auto",
     .choice = rows_name,
     .changes_result = true,
     .help = "Which of the two numbers of an entry is the number of its row. auto: the second if "
             "barcodes.tsv is in the same folder, else the first."},
};

static const mg_section section = {.name = "mtx",
                                   .help = "Matrix Market files and 10x folders",
                                   .options = table,
                                   .count = sizeof table / sizeof *table};

const mg_format mg_format_mtx = {
    .name = "mtx",
    .arguments = "FILE.mtx... | FOLDER...",
    .help = "a sparse matrix of Matrix Market, or a folder of Cell Ranger (10x Genomics)",
    .most_inputs = 1,
    .section = &section,
    .options_size = sizeof(options),
    .claims = claims,
    .probe = probe,
    .open = open_reader,
    .survey = survey,
    .read = read_rows,
    .close = close_reader,
};

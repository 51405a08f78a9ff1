// safetensors.c - tensors of Hugging Face: 8 bytes with the length of a JSON header, the header, and the
// values.
#include "format/binary.h"

#include "base/memory.h"
#include "base/shell.h"

#include <stdio.h>
#include <string.h>

enum { MOST_TENSORS = 4096, MOST_HEADER = 100000000, NAME = 256, TYPE = 32 };

typedef struct options {
    char *features, *labels; // names of tensors; NULL: guessed
    bool guessed; // the labels were found in an earlier file of the conversion; others may lack them
} options;

typedef struct tensor {
    char name[NAME], type[TYPE];
    int dimensions;
    int64_t rows, columns; // columns: the product of all dimensions but the first
    int64_t begin, end;    // bytes of the values, from the end of the header
} tensor;

typedef struct reader {
    const char *path;
    options *options;
    const mg_watch *watch;
    const mg_format_like *like;
    mg_input_version version; // of the file
    tensor *tensors;          // [count]
    int count;
    size_t room;
    int64_t data; // position of the values in the file
    const tensor *features, *labels;
    mg_binary cells, codes;
} reader;

static int probe(const char *head, size_t bytes) {
    const unsigned char *c = (const unsigned char *)head;
    return bytes > 9 && head[8] == '{' && (head[9] == '"' || head[9] == '}') && !c[4] && !c[5] && !c[6] &&
                   !c[7]
               ? 2
               : 0;
}

// ---- the header ---------------------------------------------------------------------------------

typedef struct json {
    const char *at;
    const char *path;
} json;

static mg_status broken(const json *j, mg_error *error) {
    return mg_fail(error, MG_DATA, "%s: its header is not that of a safetensors file (near '%.20s')", j->path,
                   j->at);
}

static bool take(json *j, char c) {
    while (*j->at && strchr(" \t\r\n", *j->at)) j->at++;
    if (*j->at != c) return false;
    j->at++;
    return true;
}

// Reads a text. Escapes stay as they are: names of tensors do not have them.
static bool take_text(json *j, char *out, size_t size) {
    if (!take(j, '"')) return false;
    size_t used = 0;
    for (; *j->at && *j->at != '"'; j->at++) {
        if (*j->at == '\\' && j->at[1]) j->at++;
        if (used + 1 < size) out[used++] = *j->at;
    }
    out[used] = 0;
    return *j->at && *j->at++ == '"' && used + 1 < size;
}

static bool take_number(json *j, int64_t *out) {
    take(j, ' ');
    const char *begin = j->at;
    for (*out = 0; *j->at >= '0' && *j->at <= '9'; j->at++)
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, *j->at - '0', out))
            return false;
    return j->at > begin;
}

// Skips an object of texts, as the metadata are.
static bool skip_texts(json *j) {
    static const size_t most = 1 << 20;
    bool first = true;
    if (!take(j, '{')) return false;
    for (; !take(j, '}'); first = false) {
        if (!first && !take(j, ',')) return false;
        for (int part = 0; part < 2; part++) {
            if (part && !take(j, ':')) return false;
            if (!take(j, '"')) return false;
            for (size_t n = 0; *j->at && *j->at != '"' && n < most * 64; j->at++, n++)
                if (*j->at == '\\' && j->at[1]) j->at++;
            if (!*j->at) return false;
            j->at++;
        }
    }
    return true;
}

static bool take_shape(json *j, tensor *t) {
    if (!take(j, '[')) return false;
    t->columns = 1;
    for (t->dimensions = 0; !take(j, ']'); t->dimensions++) {
        int64_t n;
        if ((t->dimensions && !take(j, ',')) || !take_number(j, &n)) return false;
        if (!t->dimensions) t->rows = n;
        else if (__builtin_mul_overflow(t->columns, n, &t->columns)) return false;
    }
    return true;
}

static bool take_tensor(json *j, tensor *t) {
    static const char *const keys[] = {"dtype", "shape", "data_offsets"};
    bool met[3] = {false};
    char key[32];
    if (!take(j, '{')) return false;
    for (bool first = true; !take(j, '}'); first = false) {
        if ((!first && !take(j, ',')) || !take_text(j, key, sizeof key) || !take(j, ':')) return false;
        int k = 0;
        while (k < 3 && strcmp(key, keys[k]) != 0) k++;
        if (k == 3 || met[k]) return false;
        met[k] = true;
        bool good = k == 0   ? take_text(j, t->type, sizeof t->type)
                    : k == 1 ? take_shape(j, t)
                             : take(j, '[') && take_number(j, &t->begin) && take(j, ',') &&
                                   take_number(j, &t->end) && take(j, ']');
        if (!good) return false;
    }
    return met[0] && met[1] && met[2];
}

static const tensor *find(const reader *r, const char *name) {
    for (int i = 0; i < r->count; i++)
        if (!strcmp(r->tensors[i].name, name)) return &r->tensors[i];
    return NULL;
}

static mg_status parse(reader *r, const char *header, size_t bytes, mg_error *error) {
    json j = {header, r->path};
    char name[NAME];
    if (!take(&j, '{')) return broken(&j, error);
    for (bool first = true; !take(&j, '}'); first = false) {
        if ((!first && !take(&j, ',')) || !take_text(&j, name, sizeof name) || !take(&j, ':'))
            return broken(&j, error);
        if (!strcmp(name, "__metadata__")) {
            if (!skip_texts(&j)) return broken(&j, error);
            continue;
        }
        if (r->count == MOST_TENSORS)
            return mg_fail(error, MG_DATA, "%s: has more than %d tensors", r->path, MOST_TENSORS);
        mg_status status =
            mg_memory_grow(&r->tensors, &r->room, (size_t)r->count + 1, sizeof *r->tensors, error);
        if (status) return status;
        tensor *t = &r->tensors[r->count];
        *t = (tensor){0};
        if (find(r, name))
            return mg_fail(error, MG_DATA, "%s: has two tensors %.80s: write it again", r->path, name);
        if (!take_tensor(&j, t)) return broken(&j, error);
        memcpy(t->name, name, sizeof name);
        r->count++;
    }
    take(&j, 0); // skips blanks
    return j.at == header + bytes + 1 ? MG_OK : broken(&j, error);
}

static mg_status read_header(reader *r, mg_error *error) {
    unsigned char length[8];
    uint64_t bytes = 0;
    char word[MG_SHELL_WORD], *header = NULL;
    mg_input *input;
    mg_status status = mg_input_open(&input, r->path, NULL, error);
    if (status) return status;
    r->version = mg_input_opened(input);
    if (mg_input_packed(input))
        status = mg_fail(error, MG_DATA, "%s: is packed by gzip; unpack it: gzip -dc < %s > NEW.safetensors",
                         r->path, mg_shell_word(r->path, "FILE", word, sizeof word));
    if (!status) status = mg_input_exact(input, length, 8, "the length of its header", error);
    for (int i = 7; i >= 0; i--) bytes = bytes << 8 | length[i];
    if (!status && bytes > MOST_HEADER)
        status = mg_fail(error, MG_DATA, "%s: its header has %llu bytes; at most %d are allowed", r->path,
                         (unsigned long long)bytes, MOST_HEADER);
    if (!status && (int64_t)bytes > mg_input_most(input))
        status = mg_fail(
            error, MG_DATA,
            "%s: is truncated: its header declares more bytes than the file has: copy or write it again",
            r->path);
    if (!status) status = mg_memory_zeroed(&header, (size_t)bytes + 1, 1, error);
    if (!status) status = mg_input_exact(input, header, (size_t)bytes, "its header", error);
    if (!status) status = parse(r, header, (size_t)bytes, error);
    r->data = 8 + (int64_t)bytes;
    mg_memory_free(header);
    mg_input_close(input);
    return status;
}

// ---- the choice of tensors ----------------------------------------------------------------------

static const char *list(const reader *r, char *out, size_t size) {
    size_t used = 0;
    *out = 0;
    for (int i = 0; i < r->count; i++) {
        if (used + strlen(r->tensors[i].name) + 8 >= size) {
            snprintf(out + used, size - used, ", ...");
            break;
        }
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", r->tensors[i].name);
    }
    return out;
}

// Finds the tensor of an option. If the user gave none, one of the usual names, or the only one that fits.
static mg_status choose(const reader *r, const char *wanted, const char *flag, const char *const *usual,
                        const tensor **out, mg_error *error) {
    char names[300];
    bool rows = !strcmp(flag, "features");
    int fitting = 0;
    const char *known = !wanted && !rows && r->like ? r->like->labels : NULL;
    if (known) wanted = known;
    *out = wanted ? find(r, wanted) : NULL;
    if (known || (*out == NULL && wanted && wanted == r->options->labels && r->options->guessed))
        return MG_OK;
    if (wanted && !*out)
        return mg_fail(error, MG_USAGE, "%s: has no tensor '%s'; it has %s: %s --%s", r->path, wanted,
                       list(r, names, sizeof names), mg_format_settle_name(r->like), flag);
    for (int i = 0; !*out && usual[i]; i++) *out = find(r, usual[i]);
    if (*out || !rows) return MG_OK;
    for (int i = 0; i < r->count; i++)
        if (r->tensors[i].dimensions >= 2) *out = &r->tensors[i], fitting++;
    if (fitting == 1) return MG_OK;
    return mg_fail(error, MG_USAGE, "%s: has the tensors %s: give the one of the features with --features",
                   r->path, list(r, names, sizeof names));
}

static mg_status describe(const reader *r, const tensor *t, mg_binary *cells, mg_error *error) {
    static const struct {
        const char *name;
        mg_h5_type type;
    } types[] = {{"BOOL", MG_H5_U8}, {"U8", MG_H5_U8},   {"I8", MG_H5_I8},   {"U16", MG_H5_U16},
                 {"I16", MG_H5_I16}, {"U32", MG_H5_U32}, {"I32", MG_H5_I32}, {"U64", MG_H5_U64},
                 {"I64", MG_H5_I64}, {"F16", MG_H5_F16}, {"F32", MG_H5_F32}, {"F64", MG_H5_F64},
                 {"BF16", MG_H5_F32}};
    size_t i = 0, count = sizeof types / sizeof *types;
    while (i < count && strcmp(types[i].name, t->type) != 0) i++;
    if (i == count)
        return mg_fail(
            error, MG_DATA,
            "%s: tensor %s has the type %s, which is not read (BOOL, U8 to U64, I8 to I64, F16, BF16, "
            "F32, F64)",
            r->path, t->name, t->type);
    *cells = (mg_binary){
        .type = types[i].type, .bfloat = !strcmp(t->type, "BF16"), .rows = t->rows, .columns = t->columns};
    int64_t bytes;
    if (__builtin_mul_overflow(t->rows, t->columns, &bytes) ||
        __builtin_mul_overflow(bytes, (int64_t)mg_binary_size(cells), &bytes) || t->begin < 0 ||
        t->end - t->begin != bytes)
        return mg_fail(
            error, MG_DATA,
            "%s: tensor %s has %lld bytes, which do not fit its shape: the file is damaged; write it again",
            r->path, t->name, (long long)(t->end - t->begin));
    return MG_OK;
}

static mg_status choose_tensors(reader *r, mg_error *error) {
    static const char *const rows[] = {"X", "features", "embeddings", NULL}, *const labels[] = {"y", "labels",
                                                                                                "label",
                                                                                                NULL};
    mg_status status = choose(r, r->options->features, "features", rows, &r->features, error);
    if (!status) status = choose(r, r->options->labels, "labels", labels, &r->labels, error);
    if (status) return status;
    if (r->features->dimensions < 2 || !r->features->rows || !r->features->columns)
        return mg_fail(error, MG_DATA,
                       "%s: tensor %s has %d dimensions and %lld rows; rows by features are needed", r->path,
                       r->features->name, r->features->dimensions, (long long)r->features->rows);
    status = describe(r, r->features, &r->cells, error);
    if (status || !r->labels) return status;
    if (r->labels->columns != 1 || r->labels->rows != r->features->rows)
        return mg_fail(error, MG_DATA,
                       "%s: tensor %s has %lld x %lld labels for %lld rows; one for each row is needed",
                       r->path, r->labels->name, (long long)r->labels->rows, (long long)r->labels->columns,
                       (long long)r->features->rows);
    return describe(r, r->labels, &r->codes, error);
}

// ---- the values ---------------------------------------------------------------------------------

static mg_status open_values(const reader *r, const tensor *t, mg_input **input, mg_error *error) {
    const mg_input_part part = {
        .offset = r->data + t->begin, .bytes = t->end - t->begin, .version = &r->version};
    return mg_input_open_part(input, r->path, &part, r->watch, error);
}

static mg_status pass_labels(const reader *r, mg_sink *sink, mg_error *error) {
    mg_input *input;
    if (!r->labels) return MG_OK;
    mg_status status = open_values(r, r->labels, &input, error);
    if (status) return status;
    status = mg_binary_labels(&r->codes, input, sink, error);
    if (!status) status = mg_input_finish(input, error);
    mg_input_close(input);
    return status;
}

static void close_reader(void *at) {
    reader *r = at;
    if (!r) return;
    mg_memory_free(r->tensors);
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
    status = read_header(r, error);
    if (!status) status = choose_tensors(r, error);
    if (status) close_reader(r);
    else *out = r;
    return status;
}

static mg_status survey(void *at, mg_sink *sink, mg_format_shape *shape, mg_error *error) {
    reader *r = at;
    if (!r->options->features) mg_guess(&shape->guesses, "features", "features %s", r->features->name);
    const bool known = r->labels && r->like && r->like->labels;
    if (!r->options->labels && !known)
        mg_guess(&shape->guesses, "labels", r->labels ? "labels %s" : "no labels",
                 r->labels ? r->labels->name : "");
    shape->rows = r->cells.rows;
    shape->features = r->cells.columns;
    shape->layout = MG_DENSE;
    shape->cell = r->cells.type;
    shape->labelled = r->labels != NULL;
    const char *names[] = {r->features->name, r->labels ? r->labels->name : ""};
    mg_status status = mg_format_keep_name(&r->options->features, names[0], strlen(names[0]), error);
    if (!status && r->labels) r->options->guessed |= !r->options->labels;
    if (!status && r->labels)
        status = mg_format_keep_name(&r->options->labels, names[1], strlen(names[1]), error);
    return status ? status : pass_labels(r, sink, error);
}

static mg_status read_rows(void *at, mg_sink *sink, mg_error *error) {
    reader *r = at;
    mg_input *input;
    mg_status status = open_values(r, r->features, &input, error);
    if (status) return status;
    status = mg_binary_copy(&r->cells, input, sink, error);
    if (!status) status = mg_input_finish(input, error);
    mg_input_close(input);
    return status ? status : pass_labels(r, sink, error);
}

static const mg_option table[] = {
    {.name = "features",
     .type = MG_OPTION_TEXT,
     .offset = offsetof(options, features),
     .preset = "",
     .help =
         "Tensor of the features. Default: X, features, embeddings, or the only tensor of two dimensions."},
    {.name = "labels",
     .type = MG_OPTION_TEXT,
     .offset = offsetof(options, labels),
     .preset = "",
     .help = "Tensor of the labels. If a file has this name, the labels are read from that file. Default: y, "
             "labels or label."},
};

static const mg_section section = {.name = "safetensors",
                                   .help = "files of Hugging Face",
                                   .options = table,
                                   .count = sizeof table / sizeof *table};

const mg_format mg_format_safetensors = {
    .name = "safetensors",
    .arguments = "FILE...",
    .help = "tensors of Hugging Face",
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

// raw_labels.c - identifies the form of a label column, reads it, and finds rows without a label.
#include "data/raw_labels.h"

#include "base/memory.h"
#include "data/label_values.h"
#include "io/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mg_raw_labels_clear(mg_raw_labels *raw) {
    mg_memory_free(raw->number);
    mg_memory_free(raw->missing);
    mg_h5_free_texts(raw->text, raw->text_count);
    *raw = (mg_raw_labels){0};
}

int mg_raw_labels_by_text(const void *a, const void *b, void *context) {
    char **text = context;
    int order = strcmp(text[*(const int64_t *)a], text[*(const int64_t *)b]);
    return order ? order
                 : (*(const int64_t *)a > *(const int64_t *)b) - (*(const int64_t *)a < *(const int64_t *)b);
}

static bool join(char out[MG_H5_NAME], const char *group, const char *member) {
    return (size_t)snprintf(out, MG_H5_NAME, "%s%s%s", group, *group ? "/" : "", member) < MG_H5_NAME;
}

static bool has(mg_h5 *file, const char *group, const char *member) {
    char path[MG_H5_NAME];
    return join(path, group, member) && mg_h5_find(file, path) != MG_H5_MISSING;
}

// ---- categories ---------------------------------------------------------------------------------

// Refuses two categories with the same name, because they would be two classes with the same label.
static mg_status check_categories(const char *path, const char *name, const mg_raw_labels *raw,
                                  mg_error *error) {
    int64_t *order;
    mg_status status = mg_memory_get(&order, (size_t)raw->text_count, sizeof *order, error);
    if (status) return status;
    for (int64_t t = 0; t < raw->text_count; t++) order[t] = t;
    qsort_r(order, (size_t)raw->text_count, sizeof *order, mg_raw_labels_by_text, raw->text);
    for (int64_t t = 1; !status && t < raw->text_count; t++)
        if (!strcmp(raw->text[order[t - 1]], raw->text[order[t]]))
            status = mg_fail(error, MG_DATA,
                             "%s: %s[%lld] and [%lld] are both %s; categories must differ: merge them", path,
                             name, (long long)order[t - 1], (long long)order[t], raw->text[order[t]]);
    mg_memory_free(order);
    return status;
}

// Replaces the codes in raw->number by the labels of their categories.
static mg_status name_codes(const char *where, const char *codes, const mg_label_span *span, int64_t count,
                            mg_raw_labels *categories, mg_raw_labels *raw, mg_error *error) {
    for (int64_t i = 0; i < span->count; i++) {
        int64_t code = raw->number[i];
        if (code == -1) {
            raw->missing[i] = MG_MISSING_CODE;
            raw->number[i] = 0;
        } else if (code < 0 || code >= count) {
            return mg_fail(
                error, MG_DATA,
                "%s: %s[%lld] is %lld (0 to %lld are allowed, and -1 for none): write the file again", where,
                codes, (long long)(span->first + i), (long long)code, (long long)count - 1);
        } else {
            raw->missing[i] = categories->missing[code];
            if (!categories->texts) raw->number[i] = categories->number[code];
        }
    }
    raw->texts = categories->texts;
    raw->text = categories->text;
    raw->text_count = categories->text_count;
    categories->text = NULL;
    categories->text_count = 0;
    return MG_OK;
}

static mg_status read_coded(mg_h5 *file, const char *codes, const char *names, const mg_label_span *span,
                            mg_raw_labels *raw, mg_error *error) {
    mg_raw_labels categories = {0};
    int64_t count = 0;
    mg_status status = mg_label_codes_read(file, codes, span, raw, error);
    if (!status) status = mg_label_values_read(file, names, NULL, &categories, &count, error);
    if (!status && categories.texts) status = check_categories(mg_h5_path(file), names, &categories, error);
    if (!status) status = name_codes(mg_h5_path(file), codes, span, count, &categories, raw, error);
    mg_raw_labels_clear(&categories);
    return status;
}

// Finds the categories of integer codes, as anndata before 0.8 stored them. *found becomes false if the
// numbers are no codes.
static mg_status find_categories(mg_h5 *file, const char *name, char out[MG_H5_NAME], bool *found,
                                 mg_error *error) {
    char parent[MG_H5_NAME], leaf[MG_H5_NAME];
    const char *slash = strrchr(name, '/');
    *found = true;
    // anndata 0.7: the attribute is a reference to the categories
    if (mg_h5_has_attribute(file, name, "categories"))
        return mg_h5_attribute_object(file, name, "categories", out, error);
    snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - name) : 0, name);
    const char *own = slash ? slash + 1 : name;
    if (join(leaf, "__categories", own) && join(out, parent, leaf) && mg_h5_find(file, out) == MG_H5_ARRAY)
        return MG_OK;
    // anndata 0.6 and older: obs is a table; its categories are in uns.
    *found = !strcmp(parent + (*parent == '/'), "obs") &&
             (size_t)snprintf(out, MG_H5_NAME, "uns/%s_categories", own) < MG_H5_NAME &&
             mg_h5_find(file, out) == MG_H5_ARRAY;
    if (*found || !(size_t)snprintf(leaf, sizeof leaf, "%s_meta", own) ||
        !mg_h5_has_attribute(file, parent, leaf))
        return MG_OK;
    return mg_fail(error, MG_DATA,
                   "%s: labels %s are codes of a pandas table, whose categories are stored elsewhere: store "
                   "the labels as text, "
                   "as in df.astype({'%s': str}).to_hdf(...)",
                   mg_h5_path(file), name, own);
}

// ---- one text a row -----------------------------------------------------------------------------

// Replaces raw->text, with one text per row, by the distinct texts, and raw->number by the index of each
// row's text.
static mg_status fold_texts(mg_raw_labels *raw, int64_t rows, mg_error *error) {
    int64_t *order;
    mg_status status = mg_memory_get(&order, (size_t)rows, sizeof *order, error);
    if (!status) status = mg_memory_get(&raw->number, (size_t)rows, sizeof *raw->number, error);
    if (status) {
        mg_memory_free(order);
        return status;
    }
    for (int64_t i = 0; i < rows; i++) order[i] = i;
    qsort_r(order, (size_t)rows, sizeof *order, mg_raw_labels_by_text, raw->text);
    char **distinct = NULL;
    status = mg_memory_zeroed(&distinct, (size_t)rows, sizeof *distinct, error);
    int64_t count = 0;
    for (int64_t i = 0; !status && i < rows; i++) {
        char *text = raw->text[order[i]];
        bool again = count && !strcmp(distinct[count - 1], text);
        if (!again) distinct[count++] = text;
        raw->number[order[i]] = count - 1;
        if (again) mg_memory_free(text);
        raw->text[order[i]] = NULL;
    }
    if (!status) {
        mg_memory_free(raw->text);
        raw->text = distinct;
        raw->text_count = count;
    }
    mg_memory_free(order);
    return status;
}

// ---- rows without a label -----------------------------------------------------------------------

static void put_reason(const mg_raw_labels *raw, int64_t row, char *out, size_t size) {
    switch (raw->missing[row]) {
    case MG_MISSING_CODE: snprintf(out, size, "its code is -1"); break;
    case MG_MISSING_MASK: snprintf(out, size, "it is masked"); break;
    case MG_MISSING_WORD: snprintf(out, size, "it is '%s'", raw->text[raw->number[row]]); break;
    default: snprintf(out, size, "it is nan"); break;
    }
}

static mg_status refuse_unlabelled(mg_h5 *file, const char *name, const mg_raw_labels *raw,
                                   const mg_label_span *span, mg_error *error) {
    int64_t first = -1, count = 0;
    for (int64_t i = 0; i < span->count; i++) {
        if (!raw->missing[i]) continue;
        first = count++ ? first : i;
    }
    if (!count) return MG_OK;
    char reason[64];
    put_reason(raw, first, reason, sizeof reason);
    return mg_fail(error, MG_DATA,
                   "%s: %s[%lld] is not a label (%s), %lld of %lld rows have none: label them, or leave them "
                   "out with data.unlabelled: drop (eval, calibrate: --unlabelled drop)",
                   mg_h5_path(file), name, (long long)(span->first + first), reason, (long long)count,
                   (long long)span->count);
}

// ---- all forms ----------------------------------------------------------------------------------

static mg_status read_group(mg_h5 *file, const char *name, const mg_label_span *span, mg_raw_labels *raw,
                            mg_error *error) {
    char codes[MG_H5_NAME], categories[MG_H5_NAME];
    if (has(file, name, "mask") && has(file, name, "values")) {
        mg_status status = mg_label_values_read(file, name, span, raw, NULL, error);
        return status || !raw->texts ? status : fold_texts(raw, span->count, error);
    }
    if (!join(codes, name, "codes") || !join(categories, name, "categories"))
        return mg_fail(error, MG_DATA, "%s: the name of the labels is longer than %d bytes", mg_h5_path(file),
                       MG_H5_NAME);
    char members[300];
    bool empty = !mg_h5_list(file, name, members, sizeof members);
    if (empty || has(file, name, "codes")) return read_coded(file, codes, categories, span, raw, error);
    if (has(file, name, "levels"))
        return mg_fail(
            error, MG_DATA,
            "%s: labels %s are a factor of R (levels and values), which is not read: store them as text, "
            "as.character() in R",
            mg_h5_path(file), name);
    return mg_fail(error, MG_DATA,
                   "%s: labels %s are a group, not a column: name one of its columns (%s), as in %s/COLUMN",
                   mg_h5_path(file), name, members, name);
}

static mg_status read_array(mg_h5 *file, const char *name, const mg_label_span *span, mg_raw_labels *raw,
                            mg_error *error) {
    char categories[MG_H5_NAME];
    mg_h5_array *array;
    mg_status status = mg_h5_array_open(file, name, &array, error);
    if (status) return status;
    bool coded =
        mg_h5_array_type(array) <= MG_H5_U64 && !mg_h5_array_boolean(array) && !mg_h5_array_named(array);
    mg_h5_array_close(array);
    if (coded) status = find_categories(file, name, categories, &coded, error);
    if (status) return status;
    if (coded) return read_coded(file, name, categories, span, raw, error);
    status = mg_label_values_read(file, name, span, raw, NULL, error);
    return status || !raw->texts ? status : fold_texts(raw, span->count, error);
}

// Returns the error that the labels do not exist. Files of AnnData and Cell Ranger never have the default
// name y.
static mg_status refuse_missing(mg_h5 *file, const char *name, mg_error *error) {
    const char *path = mg_h5_path(file), *slash = strchr(name + 1, '/');
    char member[MG_H5_NAME];
    bool table = mg_h5_find(file, "obs") != MG_H5_MISSING;
    for (int64_t i = 0; !slash && !table && mg_h5_member(file, "/", i, member, sizeof member); i++)
        if (has(file, member, "barcodes"))
            return mg_fail(
                error, MG_DATA,
                "%s: has no labels %s; a matrix of Cell Ranger has none: add them with margin convert "
                "%s OUT.h5 --labels FILE",
                path, name, path);
    if (slash || !table) return mg_h5_refuse_missing(file, name, error);
    char columns[300];
    mg_h5_list(file, "obs", columns, sizeof columns);
    return mg_fail(
        error, MG_DATA,
        "%s: has no labels %s: set data.labels to a column of obs (%s), as in obs/COLUMN; `margin info "
        "FILE` lists those that fit",
        path, name, columns);
}

mg_status mg_raw_labels_read_some(mg_h5 *file, const char *name, const mg_label_span *span,
                                  bool allow_unlabelled, mg_raw_labels *out, mg_error *error) {
    *out = (mg_raw_labels){0};
    char table[MG_H5_NAME];
    const char *column;
    if (mg_h5_find(file, name) == MG_H5_MISSING && !mg_h5_is_arrays(file) &&
        !mg_h5_split_column(file, name, table, &column))
        return refuse_missing(file, name, error);
    mg_status status = mg_h5_find(file, name) == MG_H5_GROUP ? read_group(file, name, span, out, error)
                                                             : read_array(file, name, span, out, error);
    if (!status && !allow_unlabelled) status = refuse_unlabelled(file, name, out, span, error);
    if (status) mg_raw_labels_clear(out);
    return status;
}

mg_status mg_raw_labels_read(mg_h5 *file, const char *name, int64_t rows, bool allow_unlabelled,
                             mg_raw_labels *out, mg_error *error) {
    return mg_raw_labels_read_some(file, name, &(mg_label_span){rows, 0, rows}, allow_unlabelled, out, error);
}

// ---- several files ------------------------------------------------------------------------------

// Appends the labels of a file. Its texts follow those of the earlier files, so a text may be there twice.
static mg_status append(mg_raw_labels *all, mg_raw_labels *one, int64_t first, int64_t rows, size_t *room,
                        mg_error *error) {
    int64_t before = all->text_count;
    mg_status status = MG_OK;
    if (one->texts)
        status = mg_memory_grow(&all->text, room, (size_t)(before + one->text_count) + 1, sizeof *all->text,
                                error);
    if (status) return status;
    for (int64_t i = 0; i < rows; i++) all->number[first + i] = one->number[i] + before;
    if (rows) memcpy(all->missing + first, one->missing, (size_t)rows);
    if (!one->texts) return MG_OK;
    if (one->text_count) memcpy(all->text + before, one->text, (size_t)one->text_count * sizeof *one->text);
    all->text_count += one->text_count;
    one->text_count = 0; // they belong to `all` now
    return MG_OK;
}

// Keeps each text once.
static mg_status unite(mg_raw_labels *all, int64_t rows, mg_error *error) {
    int64_t *order = NULL, *place = NULL, count = all->text_count, kept = 0;
    char **text = NULL;
    mg_status status = mg_memory_get(&order, (size_t)count + 1, sizeof *order, error);
    if (!status) status = mg_memory_zeroed(&place, (size_t)count + 1, sizeof *place, error);
    if (!status) status = mg_memory_zeroed(&text, (size_t)count + 1, sizeof *text, error);
    for (int64_t t = 0; !status && t < count; t++) order[t] = t;
    if (!status) qsort_r(order, (size_t)count, sizeof *order, mg_raw_labels_by_text, all->text);
    for (int64_t t = 0; !status && t < count; t++) {
        char *own = all->text[order[t]];
        bool again = kept && !strcmp(text[kept - 1], own);
        if (again) mg_memory_free(own);
        else text[kept++] = own;
        place[order[t]] = kept - 1;
    }
    for (int64_t i = 0; !status && i < rows; i++)
        if (count) all->number[i] = place[all->number[i]];
    if (!status) {
        mg_memory_free(all->text);
        all->text = text;
        all->text_count = kept;
    }
    mg_memory_free(order);
    mg_memory_free(place);
    return status;
}

static mg_status compare_kinds(mg_h5 *file, int part, const char *name, const mg_raw_labels *all,
                               const mg_raw_labels *one, mg_error *error) {
    if (one->texts == all->texts) return MG_OK;
    return mg_fail(error, MG_DATA,
                   "%s: its labels %s are %s but those in %s are %s: store the same kind in all files",
                   mg_h5_path(mg_h5_part(file, part)), name, one->texts ? "texts" : "numbers",
                   mg_h5_path(mg_h5_part(file, 0)), all->texts ? "texts" : "numbers");
}

// The rows of a span that are in a file with rows from `first` to `end`, as a span of that file.
static mg_label_span span_of_part(const mg_label_span *all, int64_t first, int64_t end) {
    int64_t from = all->first > first ? all->first : first,
            to = all->first + all->count < end ? all->first + all->count : end;
    return (mg_label_span){end - first, from - first, to > from ? to - from : 0};
}

mg_status mg_raw_labels_join(mg_h5 *file, const char *name, const int64_t *first, const mg_label_span *span,
                             bool allow_unlabelled, mg_raw_labels *out, mg_error *error) {
    int parts = mg_h5_parts(file);
    int64_t done = 0;
    size_t room = 0;
    if (parts == 1) return mg_raw_labels_read_some(file, name, span, allow_unlabelled, out, error);
    *out = (mg_raw_labels){0};
    mg_status status = mg_memory_get(&out->number, (size_t)span->count, sizeof *out->number, error);
    if (!status) status = mg_memory_get(&out->missing, (size_t)span->count, sizeof *out->missing, error);
    for (int p = 0; !status && p < parts; p++) {
        mg_raw_labels one;
        mg_label_span own = span_of_part(span, first[p], first[p + 1]);
        status = mg_raw_labels_read_some(mg_h5_part(file, p), name, &own, allow_unlabelled, &one, error);
        if (status) break;
        if (!p) out->texts = one.texts;
        status = compare_kinds(file, p, name, out, &one, error);
        if (!status) status = append(out, &one, done, own.count, &room, error);
        mg_raw_labels_clear(&one);
        done += own.count;
    }
    if (!status && out->texts) status = unite(out, span->count, error);
    if (status) mg_raw_labels_clear(out);
    return status;
}

// labels.c - reads labels, and sorts them into classes.
#include "data/labels.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/order.h"
#include "data/raw_labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECENT = 2048 }; // values that are remembered, to skip repetitions

// Collects the distinct values of raw->number[select[..]], ascending, except those of rows without a label.
// Most repetitions are skipped before the values are sorted, so that few values have to be sorted.
static mg_status distinct_numbers(const mg_raw_labels *raw, const int64_t *select, int64_t count,
                                  int64_t **out, int64_t *distinct, mg_error *error) {
    *distinct = 0;
    mg_status status = mg_memory_get(out, (size_t)count, sizeof **out, error);
    if (status) return status;
    int64_t place[RECENT] = {0}, kept = 0; // [hash] 1 + the position of the last value with this hash
    for (int64_t i = 0; i < count; i++) {
        int64_t row = select ? select[i] : i, value = raw->number[row],
                *seen = &place[mg_hash_mix((uint64_t)value) % RECENT];
        if (raw->missing[row] || (*seen && (*out)[*seen - 1] == value)) continue;
        (*out)[kept] = value;
        *seen = ++kept;
    }
    qsort(*out, (size_t)kept, sizeof **out, mg_order_int64);
    for (int64_t i = 0; i < kept; i++)
        if (!i || (*out)[i] != (*out)[i - 1]) (*out)[(*distinct)++] = (*out)[i];
    return MG_OK;
}

mg_status mg_classes_of(const mg_raw_labels *raw, const int64_t *select, int64_t count, mg_classes *classes,
                        mg_error *error) {
    int64_t *values = NULL, distinct;
    mg_status status = distinct_numbers(raw, select, count, &values, &distinct, error);
    if (status) return status;
    *classes = (mg_classes){.count = distinct, .texts = raw->texts, .number = values};
    if (!raw->texts) return MG_OK;
    // Classes are sorted; categories in a file need not be.
    qsort_r(values, (size_t)distinct, sizeof *values, mg_raw_labels_by_text, raw->text);
    status = mg_memory_zeroed(&classes->text, (size_t)distinct, sizeof *classes->text, error);
    for (int64_t k = 0; !status && k < distinct; k++)
        status = mg_memory_text(&classes->text[k], raw->text[values[k]], error);
    mg_memory_free(values);
    classes->number = NULL;
    if (status) mg_classes_clear(classes);
    return status;
}

const char *mg_classes_label(const mg_classes *classes, int64_t k, char buffer[MG_LABEL_BUFFER]) {
    if (classes->texts) return classes->text[k];
    snprintf(buffer, MG_LABEL_BUFFER, "%lld", (long long)classes->number[k]);
    return buffer;
}

static int64_t find_number(const mg_classes *classes, int64_t label) {
    int64_t low = 0, high = classes->count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (classes->number[middle] < label) low = middle + 1;
        else high = middle;
    }
    return low < classes->count && classes->number[low] == label ? low : -1;
}

int64_t mg_classes_find(const mg_classes *classes, const char *label) {
    int64_t number;
    if (!classes->texts) return mg_parse_int(label, &number) ? find_number(classes, number) : -1;
    int64_t low = 0, high = classes->count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (strcmp(classes->text[middle], label) < 0) low = middle + 1;
        else high = middle;
    }
    return low < classes->count && !strcmp(classes->text[low], label) ? low : -1;
}

static mg_status unknown_label(mg_h5 *file, const mg_labels_request *request, int64_t row, const char *label,
                               const mg_classes *classes, mg_error *error) {
    char low[MG_LABEL_BUFFER], high[MG_LABEL_BUFFER];
    const char *path = mg_h5_path_of_row(file, request->part_rows, &row);
    return mg_fail(error, MG_DATA,
                   "%s: %s[%lld] is %s, which is not one of the %lld classes (%s to %s): drop the row", path,
                   request->name, (long long)row, label, (long long)classes->count,
                   mg_classes_label(classes, 0, low), mg_classes_label(classes, classes->count - 1, high));
}

mg_status mg_labels_map(mg_h5 *file, const mg_labels_request *request, const mg_raw_labels *raw,
                        int64_t first, const mg_classes *classes, int32_t *out, mg_error *error) {
    int64_t *of_text = NULL; // class of each distinct text
    mg_status status = MG_OK;
    char buffer[MG_LABEL_BUFFER];
    if (raw->texts) status = mg_memory_get(&of_text, (size_t)raw->text_count, sizeof *of_text, error);
    for (int64_t t = 0; !status && t < (raw->texts ? raw->text_count : 0); t++)
        of_text[t] = mg_classes_find(classes, raw->text[t]);
    for (int64_t i = 0; !status && i < request->count; i++) {
        int64_t row = request->select ? request->select[i] : i, value = raw->number[row], class;
        if (raw->texts) class = of_text[value];
        else if (!classes->texts) class = find_number(classes, value);
        else
            snprintf(buffer, sizeof buffer, "%lld", (long long)value),
                class = mg_classes_find(classes, buffer);
        if (raw->missing[row]) class = MG_UNLABELLED;
        else if (class < 0 && !request->allow_unknown) {
            snprintf(buffer, sizeof buffer, "%lld", (long long)value);
            status = unknown_label(file, request, first + row, raw->texts ? raw->text[value] : buffer,
                                   classes, error);
        }
        out[i] = (int32_t) class;
    }
    mg_memory_free(of_text);
    return status;
}

mg_status mg_labels_read(mg_h5 *file, const mg_labels_request *request, int32_t **out, mg_classes *classes,
                         mg_error *error) {
    *out = NULL;
    *classes = (mg_classes){0};
    mg_raw_labels raw;
    const mg_label_span span = {request->rows, 0, request->rows};
    mg_status status = mg_raw_labels_join(file, request->name, request->part_rows, &span,
                                          request->allow_unlabelled, &raw, error);
    if (!status)
        status = request->known ? mg_classes_copy(request->known, classes, error)
                                : mg_classes_of(&raw, request->select, request->count, classes, error);
    if (!status && classes->count > INT32_MAX)
        status =
            mg_fail(error, MG_DATA, "%s: %s has %lld different labels; at most 2^31 - 1 classes are allowed",
                    mg_h5_path(file), request->name, (long long)classes->count);
    if (!status) status = mg_memory_get(out, (size_t)request->count, sizeof **out, error);
    if (!status) status = mg_labels_map(file, request, &raw, 0, classes, *out, error);
    mg_raw_labels_clear(&raw);
    if (status) {
        mg_memory_free(*out);
        *out = NULL;
        mg_classes_clear(classes);
    }
    return status;
}

// Texts follow one another, each with its zero.
mg_status mg_classes_pack(const mg_classes *classes, char **out, int64_t *bytes, mg_error *error) {
    bool texts = classes->texts;
    *bytes = texts ? 0 : classes->count * (int64_t)sizeof *classes->number;
    for (int64_t k = 0; texts && k < classes->count; k++) *bytes += (int64_t)strlen(classes->text[k]) + 1;
    mg_status status = mg_memory_get(out, (size_t)*bytes + 1, 1, error);
    if (status) return status;
    if (!texts && *bytes) memcpy(*out, classes->number, (size_t)*bytes);
    char *to = *out;
    for (int64_t k = 0; texts && k < classes->count; k++) to = stpcpy(to, classes->text[k]) + 1;
    return MG_OK;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static mg_status unite_texts(const char *packed, size_t bytes, mg_classes *out, mg_error *error) {
    int64_t count = 0, kept = 0;
    for (size_t b = 0; b < bytes; b++) count += !packed[b];
    const char **text = NULL, *next = packed;
    mg_status status = mg_memory_zeroed(&text, (size_t)count + 1, sizeof *text, error);
    if (!status) status = mg_memory_zeroed(&out->text, (size_t)count + 1, sizeof *out->text, error);
    for (int64_t t = 0; !status && t < count; t++, next += strlen(next) + 1) text[t] = next;
    if (!status) qsort(text, (size_t)count, sizeof *text, by_text);
    for (int64_t t = 0; !status && t < count; t++) {
        if (t && !strcmp(text[t], text[t - 1])) continue;
        status = mg_memory_text(&out->text[kept], text[t], error);
        out->count = kept += !status;
    }
    mg_memory_free(text);
    return status;
}

mg_status mg_classes_unite(const char *packed, size_t bytes, bool texts, mg_classes *out, mg_error *error) {
    int64_t count = (int64_t)(bytes / sizeof *out->number), kept = 0;
    *out = (mg_classes){.texts = texts};
    if (texts) return unite_texts(packed, bytes, out, error);
    mg_status status = mg_memory_get(&out->number, (size_t)count + 1, sizeof *out->number, error);
    if (status) return status;
    if (bytes) memcpy(out->number, packed, bytes);
    qsort(out->number, (size_t)count, sizeof *out->number, mg_order_int64);
    for (int64_t i = 0; i < count; i++)
        if (!i || out->number[i] != out->number[i - 1]) out->number[kept++] = out->number[i];
    out->count = kept;
    return MG_OK;
}

mg_status mg_classes_copy(const mg_classes *from, mg_classes *to, mg_error *error) {
    *to = (mg_classes){.count = from->count, .texts = from->texts};
    mg_status status;
    if (from->texts) {
        status = mg_memory_zeroed(&to->text, (size_t)from->count, sizeof *to->text, error);
        for (int64_t k = 0; !status && k < from->count; k++)
            status = mg_memory_text(&to->text[k], from->text[k], error);
    } else {
        status = mg_memory_get(&to->number, (size_t)from->count, sizeof *to->number, error);
        if (!status && from->count)
            memcpy(to->number, from->number, (size_t)from->count * sizeof *to->number);
    }
    if (!status && from->shares)
        status = mg_memory_get(&to->shares, (size_t)from->count, sizeof *to->shares, error);
    if (!status && from->shares) memcpy(to->shares, from->shares, (size_t)from->count * sizeof *to->shares);
    if (status) mg_classes_clear(to);
    return status;
}

void mg_classes_clear(mg_classes *classes) {
    mg_memory_free(classes->shares);
    mg_memory_free(classes->number);
    mg_h5_free_texts(classes->text, classes->count);
    *classes = (mg_classes){0};
}

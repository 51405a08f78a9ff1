// csv_missing.c - replaces missing values by a value for each column: 0, or the mean or the median of the
// training rows. The median is exact: the digits of its bits are found one after the other, each in a pass
// over the table, so that memory does not grow with the rows.
#include "format/csv.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { HISTOGRAM_BYTES = 64 << 20, KEY_BITS = 32 };

typedef struct column {
    double sum, value; // value: what is filled in
    int64_t count;     // values that are not missing
    // The median: its leading bits, its rank among the keys that begin with them, and the smallest key above.
    uint64_t prefix;
    int64_t rank;
    uint32_t above;
} column;

struct mg_csv_fill {
    column *columns;     // [numbers]
    float *values;       // [features]; 0 for one-hot ones
    int64_t *histograms; // [numbers << bits] of the digit; NULL unless the median is computed
    int bits, shift;     // number of bits of the digit, and of the bits after it
};

// A key of 32 bits with the order of the numbers.
static uint32_t key_of(float value) {
    uint32_t bits;
    value += 0.0f; // turns -0 into 0
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x80000000 ? ~bits : bits | 0x80000000;
}

static double value_of(uint32_t key) {
    float value;
    uint32_t bits = key & 0x80000000 ? key & 0x7fffffff : ~key;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static bool wants(const mg_csv *r, const char *how) { return !strcmp(r->options->missing, how); }

// The digits of a median are as long as memory allows.
static mg_status begin_median(mg_csv *r, mg_error *error) {
    static const int lengths[] = {16, 11, 8};
    mg_csv_fill *fill = r->fill;
    size_t i = 0, numbers = (size_t)r->kept.numbers;
    while (i < 2 && (numbers << lengths[i]) * sizeof *fill->histograms > HISTOGRAM_BYTES) i++;
    fill->bits = lengths[i];
    fill->shift = KEY_BITS - fill->bits;
    return mg_memory_zeroed(&fill->histograms, numbers << fill->bits, sizeof *fill->histograms, error);
}

mg_status mg_csv_fill_begin(mg_csv *r, mg_error *error) {
    const char *how = r->options->missing;
    if (how && !strcmp(how, "error")) r->options->missing = how = NULL;
    if (!how) return MG_OK;
    if (r->like && !r->like->fill && strcmp(how, "zero"))
        return mg_fail(error, MG_USAGE,
                       "%s: --missing %s needs the values of the training data, but %s has none: convert the "
                       "training file again with --missing %s",
                       mg_text_path(r->record.text), how, r->like->path, how);
    if (r->facts) snprintf(r->facts->with, sizeof r->facts->with, "%s", how);
    mg_status status = mg_memory_zeroed(&r->fill, 1, sizeof *r->fill, error);
    if (!status)
        status =
            mg_memory_zeroed(&r->fill->columns, (size_t)r->kept.numbers, sizeof *r->fill->columns, error);
    return status || r->like || !wants(r, "median") ? status : begin_median(r, error);
}

static void count_key(mg_csv_fill *fill, int64_t j, float value) {
    column *c = &fill->columns[j];
    uint64_t key = key_of(value), begin = key >> fill->shift >> fill->bits;
    if (begin == c->prefix)
        fill->histograms[(j << fill->bits) + (int64_t)(key >> fill->shift & ((1u << fill->bits) - 1))]++;
    else if (begin > c->prefix && key < c->above) c->above = (uint32_t)key;
}

void mg_csv_fill_learn(mg_csv *r) {
    mg_csv_fill *fill = r->fill;
    if (r->like || (r->held && r->held[r->rows])) return;
    for (int64_t j = 0; j < r->kept.numbers; j++) {
        column *c = &fill->columns[j];
        if (isnan(r->wide[j])) continue;
        if (r->pass == MG_CSV_SURVEY) c->count++, c->sum += r->wide[j];
        if (fill->histograms) count_key(fill, j, r->cells[j]);
    }
}

// Finds the next digit of the median, and in the last pass the median: the mean of the two middle values if
// their number is even.
static void settle_digit(mg_csv_fill *fill, int64_t j) {
    column *c = &fill->columns[j];
    const int64_t *counts = fill->histograms + (j << fill->bits), size = INT64_C(1) << fill->bits;
    int64_t digit = 0;
    if (!c->count) return;
    for (; digit < size - 1 && c->rank >= counts[digit]; digit++) c->rank -= counts[digit];
    c->prefix = c->prefix << fill->bits | (uint64_t)digit;
    if (fill->shift) return;
    uint64_t upper = c->prefix;
    if (c->count % 2 == 0 && c->rank + 1 >= counts[digit]) {
        for (digit++; digit < size && !counts[digit]; digit++) {
        }
        upper = digit < size ? (c->prefix >> fill->bits << fill->bits | (uint64_t)digit) : c->above;
    }
    c->value = (value_of((uint32_t)c->prefix) + value_of((uint32_t)upper)) / 2;
}

static mg_status skip_text(mg_sink *sink, const char *text, size_t bytes, mg_error *error) {
    (void)sink, (void)text, (void)bytes, (void)error;
    return MG_OK;
}

static mg_status find_medians(mg_csv *r, mg_error *error) {
    mg_csv_fill *fill = r->fill;
    mg_sink silent = {.label = skip_text, .id = skip_text};
    mg_status status = MG_OK;
    for (int64_t j = 0; j < r->kept.numbers; j++) fill->columns[j].rank = (fill->columns[j].count - 1) / 2;
    for (;;) {
        for (int64_t j = 0; j < r->kept.numbers; j++) {
            settle_digit(fill, j);
            fill->columns[j].above = UINT32_MAX;
        }
        if (!fill->shift) return MG_OK;
        memset(fill->histograms, 0, ((size_t)r->kept.numbers << fill->bits) * sizeof *fill->histograms);
        // Later digits are found in histograms of the same size.
        int left = fill->shift < fill->bits ? fill->shift : fill->bits;
        fill->shift -= left;
        fill->bits = left;
        status = mg_csv_walk(r, &silent, MG_CSV_LOOK, error);
        if (status) return status;
    }
}

// The feature that column `j` of numbers becomes.
static int64_t feature_of(const mg_csv *r, int64_t j) {
    int64_t feature = j;
    for (int64_t h = 0; h < r->hots.count && r->hots.list[h].before <= j; h++)
        feature += r->hots.list[h].values.count;
    return feature;
}

// Takes the values of the training data: by the names of the features, if columns are found by them.
static mg_status follow(mg_csv *r, mg_error *error) {
    mg_names_index index = {0};
    bool named = mg_csv_follows_names(r);
    mg_status status = named ? mg_names_index_create(r->like->names, &index, error) : MG_OK;
    for (int64_t j = 0; !status && j < r->kept.numbers; j++) {
        int64_t place = feature_of(r, j);
        if (named) place = mg_names_find(&index, r->names.names.text[place]);
        bool there = r->like->fill && place >= 0 && place < r->like->features;
        r->fill->columns[j].value = there ? (double)r->like->fill[place] : 0;
    }
    mg_names_index_clear(&index);
    return status;
}

mg_status mg_csv_fill_finish(mg_csv *r, mg_error *error) {
    mg_csv_fill *fill = r->fill;
    if (!fill) return MG_OK;
    mg_status status = MG_OK;
    if (r->like) status = follow(r, error);
    else if (wants(r, "median")) status = find_medians(r, error);
    else if (wants(r, "mean"))
        for (int64_t j = 0; j < r->kept.numbers; j++)
            fill->columns[j].value =
                fill->columns[j].count ? fill->columns[j].sum / (double)fill->columns[j].count : 0;
    if (!status)
        status = mg_memory_zeroed(&fill->values, (size_t)r->kept.features, sizeof *fill->values, error);
    for (int64_t j = 0; !status && j < r->kept.numbers; j++)
        fill->values[feature_of(r, j)] = (float)fill->columns[j].value;
    return status;
}

void mg_csv_fill_row(mg_csv *r) {
    double *numbers = r->wide;
    for (int64_t j = 0; j < r->kept.numbers; j++)
        if (isnan(numbers[j])) numbers[j] = r->fill->columns[j].value;
    if (r->facts) r->facts->filled += r->absent;
}

const float *mg_csv_fill_values(const mg_csv *r) { return r->fill ? r->fill->values : NULL; }

void mg_csv_fill_end(mg_csv_fill *fill) {
    if (!fill) return;
    mg_memory_free(fill->columns);
    mg_memory_free(fill->values);
    mg_memory_free(fill->histograms);
    mg_memory_free(fill);
}

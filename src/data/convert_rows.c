// convert_rows.c - the sinks of a conversion: the first one counts rows and labels, the second one writes
// them, with --split to two files.
#include "data/convert.h"

#include <stddef.h>
#include <string.h>

static mg_conversion *conversion_of(mg_sink *sink, int which) {
    return (mg_conversion *)(void *)((char *)sink - offsetof(mg_conversion, sinks) -
                                     (size_t)which * sizeof *sink);
}

// The file to which a row is written.
static mg_target *target_of(mg_conversion *c, int64_t row) {
    return &c->targets[c->holdout.held && row < c->shape.rows ? c->holdout.held[row] : 0];
}

static mg_status ignore_cells(mg_sink *sink, const void *cells, size_t bytes, mg_error *error) {
    (void)sink, (void)cells, (void)bytes, (void)error;
    return MG_OK;
}

static mg_status ignore_row(mg_sink *sink, const uint32_t *indices, const float *values, int64_t count,
                            mg_error *error) {
    (void)sink, (void)indices, (void)values, (void)count, (void)error;
    return MG_OK;
}

static mg_status count_label(mg_sink *sink, const char *text, size_t bytes, mg_error *error) {
    mg_conversion *c = conversion_of(sink, MG_SINK_COUNT);
    mg_status status = mg_census_survey(&c->labels, text, bytes, error);
    return status || !c->holdout.on ? status : mg_strata_add(&c->holdout.strata, text, bytes, error);
}

static mg_status count_code(mg_sink *sink, int64_t label, mg_error *error) {
    mg_conversion *c = conversion_of(sink, MG_SINK_COUNT);
    mg_census_survey_code(&c->labels, label);
    return c->holdout.on ? mg_strata_add_code(&c->holdout.strata, label, error) : MG_OK;
}

enum { LONGEST_ID = 1000 };

static mg_status count_id(mg_sink *sink, const char *text, size_t bytes, mg_error *error) {
    mg_conversion *c = conversion_of(sink, MG_SINK_COUNT);
    if (bytes > LONGEST_ID)
        return mg_fail(error, MG_DATA, "the id has %zu bytes; at most %d are allowed: shorten it", bytes,
                       LONGEST_ID);
    if (memchr(text, 0, bytes)) return mg_fail(error, MG_DATA, "the id contains a zero byte: remove it");
    if (bytes > c->own.width) c->own.width = bytes;
    return mg_convert_take_id(c, text, bytes, error);
}

static mg_status write_id(mg_sink *sink, const char *text, size_t bytes, mg_error *error) {
    mg_conversion *c = conversion_of(sink, MG_SINK_WRITE);
    char cell[LONGEST_ID + 1] = {0};
    if (bytes > c->own.width)
        return mg_fail(error, MG_DATA,
                       "the id is longer than in the first reading: the input changed meanwhile; "
                       "convert it again");
    memcpy(cell, text, bytes);
    mg_target *target = target_of(c, c->own.count); // the number of ids so far
    mg_status status = mg_h5_writer_append(target->writer, target->ids, cell, c->own.width, error);
    return status ? status : mg_convert_take_id(c, text, bytes, error);
}

static mg_status write_cells(mg_sink *sink, const void *cells, size_t bytes, mg_error *error) {
    mg_conversion *c = conversion_of(sink, MG_SINK_WRITE);
    const char *at = cells;
    int64_t width = c->shape.features * (int64_t)mg_h5_type_size(c->shape.cell);
    mg_status status = MG_OK;
    while (!status && bytes) {
        mg_target *target = target_of(c, c->course.cells / width);
        size_t left = c->holdout.held ? (size_t)(width - c->course.cells % width) : bytes,
               part = bytes < left ? bytes : left;
        status = mg_h5_writer_append(target->writer, target->x, at, part, error);
        c->course.cells += (int64_t)part;
        at += part;
        bytes -= part;
    }
    c->course.rows = c->course.cells / width;
    return status;
}

static mg_status write_row(mg_sink *sink, const uint32_t *indices, const float *values, int64_t count,
                           mg_error *error) {
    mg_conversion *c = conversion_of(sink, MG_SINK_WRITE);
    mg_target *target = target_of(c, c->course.rows++);
    mg_h5_writer *writer = target->writer;
    target->end += count;
    mg_status status =
        mg_h5_writer_append(writer, target->indices, indices, (size_t)count * sizeof *indices, error);
    if (!status)
        status = mg_h5_writer_append(writer, target->x, values, (size_t)count * sizeof *values, error);
    return status ? status
                  : mg_h5_writer_append(writer, target->indptr, &target->end, sizeof target->end, error);
}

// Counts the values of each file, whose arrays need their sizes before they are written.
static mg_status measure_row(mg_sink *sink, const uint32_t *indices, const float *values, int64_t count,
                             mg_error *error) {
    mg_conversion *c = conversion_of(sink, MG_SINK_MEASURE);
    (void)indices, (void)values, (void)error;
    target_of(c, c->course.rows++)->stored += count;
    return MG_OK;
}

// `row`: the number of labels before this one.
static mg_status append_label(mg_conversion *c, int64_t row, int64_t code, const char *text,
                              mg_error *error) {
    mg_target *target = target_of(c, row);
    if (c->labels.kind == MG_LABEL_TEXT)
        return mg_h5_writer_append(target->writer, target->y, text, c->labels.longest, error);
    return mg_h5_writer_append(target->writer, target->y, &code, sizeof code, error);
}

static mg_status write_label(mg_sink *sink, const char *text, size_t bytes, mg_error *error) {
    mg_conversion *c = conversion_of(sink, MG_SINK_WRITE);
    int64_t code = 0, row = c->labels.count;
    char stored[MG_LABEL_LONGEST];
    mg_status status = mg_census_encode(&c->labels, text, bytes, &code, stored, error);
    return status ? status : append_label(c, row, code, stored, error);
}

static mg_status write_code(mg_sink *sink, int64_t label, mg_error *error) {
    mg_conversion *c = conversion_of(sink, MG_SINK_WRITE);
    int64_t row = c->labels.count;
    char stored[MG_LABEL_LONGEST];
    mg_status status = mg_census_encode_code(&c->labels, label, stored, error);
    return status ? status : append_label(c, row, label, stored, error);
}

mg_status mg_convert_no_label(mg_conversion *c, mg_error *error) {
    static const char none[MG_LABEL_LONGEST];
    return append_label(c, c->labels.count++, 0, none, error);
}

static mg_status ignore_label(mg_sink *sink, const char *text, size_t bytes, mg_error *error) {
    (void)sink, (void)text, (void)bytes, (void)error;
    return MG_OK;
}

static mg_status ignore_code(mg_sink *sink, int64_t label, mg_error *error) {
    (void)sink, (void)label, (void)error;
    return MG_OK;
}

void mg_convert_sinks(mg_conversion *c) {
    c->sinks[MG_SINK_COUNT] = (mg_sink){ignore_cells, ignore_row, count_label, count_code, count_id};
    c->sinks[MG_SINK_WRITE] = (mg_sink){write_cells, write_row, write_label, write_code, write_id};
    c->sinks[MG_SINK_MEASURE] = (mg_sink){ignore_cells, measure_row, ignore_label, ignore_code, ignore_label};
    c->sinks[MG_SINK_SILENT] = (mg_sink){ignore_cells, ignore_row, ignore_label, ignore_code, ignore_label};
}

void mg_convert_skip_labels(mg_conversion *c) {
    for (int which = MG_SINK_COUNT; which <= MG_SINK_WRITE; which++) {
        c->sinks[which].label = ignore_label;
        c->sinks[which].code = ignore_code;
    }
    c->course.unlabelled = true;
}

// convert_holdout.c - --split: two outputs with the rows for training and for the test. The test rows are
// like those of another file that is converted with --like: nothing is learned from them.
#include "data/convert.h"

#include "base/memory.h"

#include <string.h>

// Surveys again, without learning from the test rows. The options have the values that the first survey has
// found, so that guesses and warnings are the same and are not repeated.
static mg_status survey_again(mg_conversion *c, mg_error *error) {
    mg_format_shape *shape = &c->shape;
    const mg_format_shape first = *shape;
    if (c->known || !c->format->learns || !c->format->learns(c->values)) return MG_OK;
    *shape = (mg_format_shape){0};
    c->parts.mute = true;
    mg_status status = mg_convert_survey(c, &c->sinks[MG_SINK_SILENT], error);
    c->parts.mute = false;
    if (!status && c->shape.rows != first.rows)
        status =
            mg_fail(error, MG_DATA, "%s: changed while it was read; convert it again", c->options->inputs[0]);
    c->shape.labelled = first.labelled;
    c->shape.guesses = first.guesses;
    return status;
}

// Counts the stored values of each file.
static mg_status measure(mg_conversion *c, mg_error *error) {
    if (c->shape.layout != MG_CSR) return MG_OK;
    c->parts.mute = true;
    c->targets[0].stored = 0;
    mg_status status = mg_convert_read(c, &c->sinks[MG_SINK_MEASURE], error);
    c->course.rows = 0;
    c->parts.mute = false;
    return status;
}

mg_status mg_convert_split(mg_conversion *c, mg_error *error) {
    const mg_strata_split split = {.rows = c->shape.rows,
                                   .numbers = c->labels.kind == MG_LABEL_INTEGER,
                                   .fraction = c->options->split,
                                   .seed = c->options->seed};
    int64_t count = 0;
    mg_status status = mg_strata_select(&c->holdout.strata, &split, &c->holdout.held, &count, error);
    if (status) return status;
    if (count == 0)
        return mg_fail(
            error, MG_DATA,
            "%s: --split %g of %lld rows leaves no row for the test, because every class keeps one for "
            "training: give a larger fraction or more rows",
            c->options->inputs[0], c->options->split, (long long)c->shape.rows);
    c->targets[0].rows = c->shape.rows - count;
    c->targets[1].rows = count;
    mg_strata_clear(&c->holdout.strata);
    status = survey_again(c, error);
    return status ? status : measure(c, error);
}

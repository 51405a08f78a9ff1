// field.c - owns the check of values that were read from a checkpoint.
#include "solver/field.h"

#include <stdio.h>

mg_field mg_field_packed_by(const mg_field *field, void *data,
                            int64_t (*pack)(void *data, unsigned char *to)) {
    mg_field other = *field;
    other.data = data;
    other.pack = pack;
    return other;
}

int mg_field_weights(const mg_weights *weights, mg_field_names names, mg_field *out) {
    int n = 0;
    int64_t used = weights->layout == MG_DENSE ? weights->features : weights->classes;
    if (names.v) out[n++] = mg_field_lines(names.v, weights->line, used, weights->size, weights->v);
    if (names.bias)
        out[n++] =
            mg_field_lines(names.bias, weights->lanes, weights->classes, weights->lanes, weights->bias);
    if (names.offset)
        out[n++] =
            mg_field_lines(names.offset, weights->lanes, weights->classes, weights->lanes, weights->offset);
    return n;
}

int mg_field_current_weights(const mg_weights *weights, mg_field *out) {
    int n = mg_field_weights(weights, (mg_field_names){"weights", "bias", "offset"}, out);
    out[0].weights = out[1].weights = true; // the offset follows from these two
    return n;
}

static double value_of(const mg_field *field, int64_t i) {
    switch (field->type) {
    case MG_H5_I32: return (double)((const int32_t *)field->data)[i];
    case MG_H5_I64: return (double)((const int64_t *)field->data)[i];
    case MG_H5_F64: return ((const double *)field->data)[i];
    case MG_H5_F32: return (double)((const float *)field->data)[i];
    default: return 0;
    }
}

mg_status mg_field_check(const mg_field *field, mg_error *error) {
    static const mg_bound padding = {.name = "beyond the last class or feature"};
    char name[80];
    mg_status status = MG_OK;
    if (field->unpack) return MG_OK; // unpack has checked every value
    snprintf(name, sizeof name, "state/%.60s", field->name);
    for (int64_t i = 0; !status && i < field->count; i++) {
        const mg_bound *bound = field->bounds ? &field->bounds[i % field->bound_count] : &mg_bound_finite;
        if (field->line && i % field->line >= field->used) bound = &padding;
        status = mg_bound_check(bound, name, i, value_of(field, i), error);
    }
    return status;
}

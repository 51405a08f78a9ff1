// field.h - the arrays of a state that a checkpoint stores, and which values they may have: a seal says that
// a file is whole, not that its values are those of a run.
#ifndef MG_SOLVER_FIELD_H
#define MG_SOLVER_FIELD_H

#include "base/bound.h"
#include "io/h5.h"
#include "solver/weights.h"

typedef struct mg_field {
    const char *name;
    mg_h5_type type;
    int64_t count;
    void *data;
    // State of no fixed size: `data` turned into bytes (U8; `to` NULL: only how many; -1: out of memory) and
    // back. NULL: an array.
    int64_t (*pack)(void *data, unsigned char *to);
    mg_status (*unpack)(void *data, const unsigned char *from, int64_t size, mg_error *error);
    int64_t (*most_bytes)(void *data); // that pack ever gives; nothing larger is read
    // Element i obeys bounds[i % bound_count]; without bounds real numbers must be finite.
    const mg_bound *bounds;
    int bound_count;
    // Floats in lines of `line` of which only the first `used` mean anything: the others must be 0. line 0:
    // all do.
    int64_t line, used;
    bool weights; // of the weights that training goes on from: a checkpoint is worth nothing once they are
                  // not finite
} mg_field;

// A field that is an array of fixed size; its real numbers are finite.
static inline mg_field mg_field_array(const char *name, mg_h5_type type, int64_t count, void *data) {
    return (mg_field){.name = name, .type = type, .count = count, .data = data};
}

// The same with values between bounds.
static inline mg_field mg_field_bounded(const char *name, mg_h5_type type, int64_t count, void *data,
                                        const mg_bound *bounds, int bound_count) {
    return (mg_field){.name = name,
                      .type = type,
                      .count = count,
                      .data = data,
                      .bounds = bounds,
                      .bound_count = bound_count};
}

// Lines of floats padded with zeros.
static inline mg_field mg_field_lines(const char *name, int64_t line, int64_t used, int64_t count,
                                      float *data) {
    return (mg_field){
        .name = name, .type = MG_H5_F32, .count = count, .data = data, .line = line, .used = used};
}

// v, bias and offset of weights, or arrays laid out as these; finite, and zero in the padding. NULL: it is
// left out. Returns how many.
typedef struct mg_field_names {
    const char *v, *bias, *offset;
} mg_field_names;
int mg_field_weights(const mg_weights *weights, mg_field_names names, mg_field *out);

// The weights that training goes on from.
int mg_field_current_weights(const mg_weights *weights, mg_field *out);

// The values of an array that was read. Errors: MG_DATA with the element, its value and what is allowed.
mg_status mg_field_check(const mg_field *field, mg_error *error);

#endif

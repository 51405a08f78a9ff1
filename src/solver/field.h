// field.h - the arrays of a state that a checkpoint stores, and the values they may have. A seal shows that a
// file is intact; it does not show that its values are those of a run.
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
    // For state of no fixed size; NULL for an array. `pack` writes it as bytes (U8) to `to`, or only counts
    // them if `to` is NULL, and returns their number; -1: out of memory. `unpack` reads them back.
    int64_t (*pack)(void *data, unsigned char *to);
    mg_status (*unpack)(void *data, const unsigned char *from, int64_t size, mg_error *error);
    int64_t (*most_bytes)(void *data); // that pack can return; a larger field is not read
    // Element i must obey bounds[i % bound_count]. Without bounds, real numbers must be finite.
    const mg_bound *bounds;
    int bound_count;
    // Floats in lines of `line`: the elements of a line from `used` on must be 0. line 0: not padded.
    int64_t line, used;
    bool weights; // training continues from them; a checkpoint is useless if they are not finite
} mg_field;

// An array of fixed size whose values must obey bounds.
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

// Fields for v, bias and offset of weights, or of arrays of the same shape; finite, and zero in the padding.
// A name that is NULL leaves its field out. Returns the number of fields.
typedef struct mg_field_names {
    const char *v, *bias, *offset;
} mg_field_names;
int mg_field_weights(const mg_weights *weights, mg_field_names names, mg_field *out);

// The same for the weights that training continues from.
int mg_field_current_weights(const mg_weights *weights, mg_field *out);

// Checks the values of an array that was read. Errors: MG_DATA with the element, its value and what is
// allowed.
mg_status mg_field_check(const mg_field *field, mg_error *error);

#endif

// field.h - the arrays of a solver's state that a checkpoint stores, and the values they may have. The seal
// of a checkpoint shows that the file is intact; it does not show that a run can have reached these values.
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
    // For state whose size varies; NULL for arrays. `pack` writes the state to `to` as bytes (type U8) and
    // returns their number, or -1 if memory runs out. If `to` is NULL, it only counts. `unpack` reads the
    // bytes back.
    int64_t (*pack)(void *data, unsigned char *to);
    mg_status (*unpack)(void *data, const unsigned char *from, int64_t size, mg_error *error);
    // upper limit of what pack can return; a larger field in a file is refused before it is read
    int64_t (*most_bytes)(void *data);
    // Element i must be within bounds[i % bound_count]. Without bounds, real numbers must be finite.
    const mg_bound *bounds;
    int bound_count;
    // For floats in lines of length `line`: in each line the elements from index `used` on must be 0. If
    // `line` is 0, there is no padding.
    int64_t line, used;
    bool weights; // training continues from these weights, so a checkpoint with values that are not finite is
                  // useless
} mg_field;

// An array whose values must be within bounds.
static inline mg_field mg_field_bounded(const char *name, mg_h5_type type, int64_t count, void *data,
                                        const mg_bound *bounds, int bound_count) {
    return (mg_field){.name = name,
                      .type = type,
                      .count = count,
                      .data = data,
                      .bounds = bounds,
                      .bound_count = bound_count};
}

// The field with other data that `pack` writes.
mg_field mg_field_packed_by(const mg_field *field, void *data,
                            int64_t (*pack)(void *data, unsigned char *to));

// Lines of floats padded with zeros.
static inline mg_field mg_field_lines(const char *name, int64_t line, int64_t used, int64_t count,
                                      float *data) {
    return (mg_field){
        .name = name, .type = MG_H5_F32, .count = count, .data = data, .line = line, .used = used};
}

// Fields for v, bias and offset of weights, or of arrays of the same shape. They must be finite, and zero in
// the padding. If a name is NULL, there is no field for that array. Returns the number of fields.
typedef struct mg_field_names {
    const char *v, *bias, *offset;
} mg_field_names;
int mg_field_weights(const mg_weights *weights, mg_field_names names, mg_field *out);

// As mg_field_weights, for the weights that training continues from.
int mg_field_current_weights(const mg_weights *weights, mg_field *out);

// Checks the values of an array that was read. Errors: MG_DATA; the message has the element, its value and
// the allowed values.
mg_status mg_field_check(const mg_field *field, mg_error *error);

#endif

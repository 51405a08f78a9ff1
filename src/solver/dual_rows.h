// dual_rows.h - the dual variables of every row: K coefficients each, most of them zero, kept in a few words
// a row.
#ifndef MG_SOLVER_DUAL_ROWS_H
#define MG_SOLVER_DUAL_ROWS_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

// Few classes: every row has its K floats. More: a row has room for MG_DUAL_FEW nonzero rivals; one with more
// gets K floats of its own from a pool while it has them. The own class is not stored when coefficients sum
// to zero.
enum { MG_DUAL_FEW = 5, MG_DUAL_DENSE = 12, MG_DUAL_CLASSES = 1 << 15 };

typedef struct mg_dual_rows mg_dual_rows;

// Errors: MG_MEMORY; MG_CONFIG above MG_DUAL_CLASSES classes.
mg_status mg_dual_rows_create(int64_t rows, int64_t classes, bool joint, const int32_t *label,
                              mg_dual_rows **out, mg_error *error);
void mg_dual_rows_destroy(mg_dual_rows *rows);

// Coefficients of a row into c[0..lanes), zero beyond K. Any thread.
void mg_dual_rows_get(const mg_dual_rows *rows, int64_t row, int64_t lanes, float *c);

// Asks for the memory of a row that will be wanted soon.
void mg_dual_rows_fetch(const mg_dual_rows *rows, int64_t row);

// Coefficients that sum to zero: the own one becomes minus the sum of the others in ascending order, as it is
// after every way of storing them. Nothing where they need not. c: [lanes], zero beyond K.
void mg_dual_rows_settle(const mg_dual_rows *rows, int64_t row, int64_t lanes, float *c);

// Stores settled c[lanes]. One thread at a time. False: out of memory; the row keeps what it had.
bool mg_dual_rows_put(mg_dual_rows *rows, int64_t row, int64_t lanes, const float *c);

// The same where it touches nothing but the row's own memory: any thread. False: the row is left to
// mg_dual_rows_put.
bool mg_dual_rows_put_few(mg_dual_rows *rows, int64_t row, int64_t lanes, const float *c);

// The same as bytes for a checkpoint, most coefficients being at a bound: per row the count of nonzero ones,
// for each its class and, unless it is 1, its value. `to` NULL: only how many bytes.
int64_t mg_dual_rows_pack(void *rows, unsigned char *to);

// As many bytes as these rows can ever take.
int64_t mg_dual_rows_most_bytes(void *rows);

// Errors: MG_DATA when the bytes do not fit these rows: classes ascend and are not the own one where that is
// not stored, values are finite and not 0; MG_MEMORY.
mg_status mg_dual_rows_unpack(void *rows, const unsigned char *from, int64_t size, mg_error *error);

#endif

// dual_rows.h - the dual variables of every row: K coefficients, most of them zero, stored in a few bytes.
#ifndef MG_SOLVER_DUAL_ROWS_H
#define MG_SOLVER_DUAL_ROWS_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

// With up to MG_DUAL_DENSE classes every row has K floats. With more classes a row has room for the nonzero
// coefficients of MG_DUAL_FEW rivals; if it has more of them, it gets K floats from a pool while it needs
// them. If the coefficients of a row must sum to zero, the coefficient of the own class is not stored.
enum { MG_DUAL_FEW = 5, MG_DUAL_DENSE = 12, MG_DUAL_CLASSES = 1 << 15 };

typedef struct mg_dual_rows mg_dual_rows;

// Errors: MG_MEMORY; MG_CONFIG above MG_DUAL_CLASSES classes.
mg_status mg_dual_rows_create(int64_t rows, int64_t classes, bool joint, const int32_t *label,
                              mg_dual_rows **out, mg_error *error);
void mg_dual_rows_destroy(mg_dual_rows *rows);

// Reads the coefficients of a row into c[0..lanes); zero beyond K. Any thread.
void mg_dual_rows_get(const mg_dual_rows *rows, int64_t row, int64_t lanes, float *c);

// Prefetches the memory of a row.
void mg_dual_rows_fetch(const mg_dual_rows *rows, int64_t row);

// If the coefficients must sum to zero: sets the coefficient of the own class to minus the sum of the others,
// which are added in ascending order of the classes, as when a row is read. c: [lanes], zero beyond K.
void mg_dual_rows_balance(const mg_dual_rows *rows, int64_t row, int64_t lanes, float *c);

// Stores balanced c[lanes]. One thread at a time. False: out of memory; the row has not changed.
bool mg_dual_rows_put(mg_dual_rows *rows, int64_t row, int64_t lanes, const float *c);

// The same from any thread, if it touches only the row's own memory. False: it would touch more; call
// mg_dual_rows_put.
bool mg_dual_rows_put_few(mg_dual_rows *rows, int64_t row, int64_t lanes, const float *c);

// The rows as bytes for a checkpoint: for each row the number of nonzero coefficients; for each of these its
// class and, unless it is 1 (at the bound, as most are), its value. `to` NULL: only counts. Returns the
// number of bytes.
int64_t mg_dual_rows_pack(void *rows, unsigned char *to);

// Most bytes that these rows can take.
int64_t mg_dual_rows_most_bytes(void *rows);

// Errors: MG_DATA if the bytes do not fit these rows: classes must ascend, and must not be the own one if
// that is not stored; values must be finite and not 0. MG_MEMORY.
mg_status mg_dual_rows_unpack(void *rows, const unsigned char *from, int64_t size, mg_error *error);

#endif

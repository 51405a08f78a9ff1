// dual_rows.h - stores the dual variables of all rows: K coefficients per row, most of them zero, in a few
// bytes.
#ifndef MG_SOLVER_DUAL_ROWS_H
#define MG_SOLVER_DUAL_ROWS_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

// With up to MG_DUAL_DENSE classes every row has K floats. With more classes a row has a slot for the nonzero
// coefficients of up to MG_DUAL_FEW rivals. A row with more of them has K floats in a pool for as long as it
// needs them. If the coefficients of a row must sum to zero, the one of the own class is not stored.
enum { MG_DUAL_FEW = 5, MG_DUAL_DENSE = 12, MG_DUAL_CLASSES = 1 << 15 };

typedef struct mg_dual_rows mg_dual_rows;

// `joint`: the coefficients of a row sum to zero. Errors: MG_MEMORY; MG_CONFIG if there are more than
// MG_DUAL_CLASSES classes.
mg_status mg_dual_rows_create(int64_t rows, int64_t classes, bool joint, const int32_t *label,
                              mg_dual_rows **out, mg_error *error);
void mg_dual_rows_destroy(mg_dual_rows *rows);

// Memory that so many rows take at least: without the pool.
int64_t mg_dual_rows_least_bytes(int64_t rows, int64_t classes);

// Packed bytes that are read have the rows of all ranks. The first `before` rows and the last `after` rows
// belong to other ranks.
void mg_dual_rows_beside(mg_dual_rows *rows, int64_t before, int64_t after);

// Reads the coefficients of a row into c[0..lanes), with zeros beyond K. Any thread may call it.
void mg_dual_rows_get(const mg_dual_rows *rows, int64_t row, int64_t lanes, float *c);

// Prefetches the memory of a row.
void mg_dual_rows_fetch(const mg_dual_rows *rows, int64_t row);

// If the coefficients must sum to zero: sets the one of the own class to minus the sum of the others. They
// are added in ascending order of the classes, as mg_dual_rows_get does, so that storing and reading changes
// no bit. c: [lanes], zero beyond K.
void mg_dual_rows_balance(const mg_dual_rows *rows, int64_t row, int64_t lanes, float *c);

// Stores the coefficients c[lanes] of a row, which mg_dual_rows_balance has balanced. Only one thread at a
// time may call it. Returns false if memory runs out; then the row is unchanged.
bool mg_dual_rows_put(mg_dual_rows *rows, int64_t row, int64_t lanes, const float *c);

// Stores them as mg_dual_rows_put does, if this changes no memory but the row's own. Threads may call it at
// the same time for different rows. Returns false if other memory would change; then call mg_dual_rows_put.
bool mg_dual_rows_put_few(mg_dual_rows *rows, int64_t row, int64_t lanes, const float *c);

// Writes the rows as bytes for a checkpoint: for each row the number of nonzero coefficients, then for each
// of these its class and, unless it is 1, its value. (Most coefficients are 1, which is their bound.) If `to`
// is NULL, only counts. Returns the number of bytes. `rows` is an mg_dual_rows.
int64_t mg_dual_rows_pack(void *rows, unsigned char *to);

// The largest number of bytes that mg_dual_rows_pack can write for the rows of all ranks.
int64_t mg_dual_rows_most_bytes(void *rows);

// Reads what mg_dual_rows_pack wrote on all ranks, in their order. Errors: MG_MEMORY; MG_DATA if the bytes do
// not describe these rows: classes must ascend and must not be an own class that is not stored; values must
// be finite and not 0.
mg_status mg_dual_rows_unpack(void *rows, const unsigned char *from, int64_t size, mg_error *error);

#endif

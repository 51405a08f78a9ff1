// precondition.h - the state of the preconditioner, which precondition.c and factors.c share.
#ifndef MG_SOLVER_NEWTON_PRECONDITION_H
#define MG_SOLVER_NEWTON_PRECONDITION_H

#include "solver/newton/newton.h"

enum { MG_FACTOR_BLOCK = 32 }; // rows and columns of a block of the factor

struct mg_precondition {
    bool factors;
    int64_t size;         // number of features, including the constant one, rounded up
    int64_t own, own_end; // classes that have their factors here; several ranks share them
    float *factor;        // [own classes][size][size] lower triangles of L, with inverted diagonal blocks; or
                          // [K][size] inverse diagonals
    float *inverse; // for sparse rows without factors: the inverse diagonal as a vector; nothing else is used
                    // then
    float *zeros;   // [size]
    float *sample;  // [MG_NEWTON_GROUP][size][padded] sampled rows x' of a class, times the roots of their
                    // weights, transposed
    float *rows;    // [MG_NEWTON_GROUP][MG_NEWTON_SAMPLE][size] the rows before they are transposed; without
                    // factors: [MG_NEWTON_GROUP][size] sums of squares
    int64_t vectors; // working vectors of each class
    float *work;     // [K][vectors][size] for building; applying uses only the last vector of each class
    mg_newton_picks picks;
    // Only while it is built:
    mg_newton *newton;
    int64_t first_class;             // first class of the present group
    int64_t before[MG_NEWTON_GROUP]; // rows of earlier ranks in the sample of each class
    int64_t picked[MG_NEWTON_GROUP], padded[MG_NEWTON_GROUP]; // rows of all ranks; the same rounded up
    float *sums;       // dense rows without factors: [MG_NEWTON_GROUP][size] of the present shard
    mg_comm_sum *sum;  // of these
    const float *from; // only while it is applied
    float *solved;     // several ranks: [K][size] what all of them have applied; NULL: a single rank
    size_t *bytes;     // [ranks] of these
    float *to;
    mg_arena arena;
};

// The preconditioner is made for one group of classes at a time. mg_factor_multiply computes one block of
// rows of lambda I + sample sample^T for a group. mg_factor_class computes the Cholesky factor L of one class
// of this rank. mg_factor_solve applies (L L^T)^-1 to the working vector of a class.
void mg_factor_multiply(void *precondition, int64_t item);
void mg_factor_class(void *precondition, int64_t own);
void mg_factor_solve(mg_precondition *p, int64_t k);

// The working vector of class k, [size].
static inline float *mg_precondition_vector(const mg_precondition *p, int64_t k) {
    return p->work + ((k + 1) * p->vectors - 1) * p->size;
}

#endif

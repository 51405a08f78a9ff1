// newton_direction.c - the direction of one Newton step by preconditioned conjugate gradients; vectors in float, products in double.
#include "solver/newton.h"

#include <string.h>

enum { MOST_STEPS = 60 };
#define ENOUGH 0.3 // of the residual's length at the beginning

int mg_newton_solve(mg_newton *newton) {
    int64_t length = newton->length;
    float *x = newton->direction, *r = newton->residual, *p = newton->search, *hp = newton->product, *z = newton->better;
    memset(x, 0, (size_t)length * sizeof *x);
    memcpy(r, newton->downhill, (size_t)length * sizeof *r);
    double goal = ENOUGH * ENOUGH * mg_newton_dot(newton, r, r);
    mg_precondition_apply(newton->precondition, newton, r, z);
    memcpy(p, z, (size_t)length * sizeof *p);
    double rz = mg_newton_dot(newton, r, z);
    int step = 0;
    while (step < MOST_STEPS && rz > 0) {
        mg_newton_product(newton, p, hp);
        double curve = mg_newton_dot(newton, p, hp);
        if (!(curve > 0)) break;
        float along = (float)(rz / curve);
        for (int64_t j = 0; j < length; j++) x[j] += along * p[j];
        for (int64_t j = 0; j < length; j++) r[j] -= along * hp[j];
        step++;
        if (mg_newton_dot(newton, r, r) <= goal) break;
        mg_precondition_apply(newton->precondition, newton, r, z);
        double next = mg_newton_dot(newton, r, z);
        float again = (float)(next / rz);
        for (int64_t j = 0; j < length; j++) p[j] = z[j] + again * p[j];
        rz = next;
    }
    return step;
}

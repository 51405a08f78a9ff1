// list.h - one row per solver: X(symbol) for `const mg_solver mg_solver_<symbol>` in its own file; dual and
// newton are in certified.c.
#define MG_SOLVER_LIST(X) X(dual) X(newton) X(sgd)

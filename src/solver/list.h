// list.h - one row per solver: X(symbol) for `const mg_solver mg_solver_<symbol>` in its own file; newton is in dual.c.
#define MG_SOLVER_LIST(X) X(dual) X(newton) X(sgd)

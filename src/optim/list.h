// list.h - one row per update rule: X(symbol) for `const mg_optim mg_optim_<symbol>` in its own file.
#define MG_OPTIM_LIST(X)                                                                                     \
    X(plain)                                                                                                 \
    X(momentum)                                                                                              \
    X(adagrad)                                                                                               \
    X(adam)

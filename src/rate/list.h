// list.h - one row per schedule: X(symbol) for `const mg_rate mg_rate_<symbol>` in its own file.
#define MG_RATE_LIST(X)                                                                                      \
    X(constant)                                                                                              \
    X(inverse_time)                                                                                          \
    X(cosine)

// list.h - one row per loss: X(symbol) for `const mg_loss mg_loss_<symbol>` in its own file.
#define MG_LOSS_LIST(X)                                                                                      \
    X(weston_watkins)                                                                                        \
    X(crammer_singer)                                                                                        \
    X(weston_watkins_squared)                                                                                \
    X(crammer_singer_squared)                                                                                \
    X(one_vs_rest)                                                                                           \
    X(one_vs_rest_squared)                                                                                   \
    X(softmax)

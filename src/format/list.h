// list.h - one row per format: X(symbol) for `const mg_format mg_format_<symbol>` in its own file. If several
// formats are equally likely for a file, the first one is chosen.
#define MG_FORMAT_LIST(X)                                                                                    \
    X(idx)                                                                                                   \
    X(npy)                                                                                                   \
    X(npz)                                                                                                   \
    X(safetensors)                                                                                           \
    X(tenx)                                                                                                  \
    X(mtx)                                                                                                   \
    X(svmlight)                                                                                              \
    X(csv)                                                                                                   \
    X(text)

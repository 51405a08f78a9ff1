// list.h - one row per format: X(symbol) for `const mg_export_format mg_export_<symbol>` in its own file.
#define MG_EXPORT_LIST(X)                                                                                    \
    X(onnx)                                                                                                  \
    X(liblinear)                                                                                             \
    X(npz)                                                                                                   \
    X(safetensors)                                                                                           \
    X(csv)

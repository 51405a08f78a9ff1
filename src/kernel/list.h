// list.h - one row per kernel, fastest first: X(symbol) for `const mg_kernel mg_kernel_<symbol>` in its own
// file. A file that needs an instruction set compiles to nothing on other processors, and then it has no row.
#if defined(__x86_64__)
#define MG_KERNEL_LIST_VECTORS(X)                                                                            \
    X(avx512)                                                                                                \
    X(avx2)
#elif defined(__aarch64__)
#define MG_KERNEL_LIST_VECTORS(X) X(neon)
#else
#define MG_KERNEL_LIST_VECTORS(X)
#endif

#define MG_KERNEL_LIST(X)                                                                                    \
    MG_KERNEL_LIST_VECTORS(X)                                                                                \
    X(reference)

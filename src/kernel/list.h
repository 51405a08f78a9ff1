// list.h - one row per kernel, fastest first: X(symbol) for `const mg_kernel mg_kernel_<symbol>` in its own
// file. A file that needs an instruction set compiles to nothing on other processors, and its row goes with
// it.
#if defined(__x86_64__)
#define MG_KERNEL_LIST_X86(X)                                                                                \
    X(avx512)                                                                                                \
    X(avx2)
#else
#define MG_KERNEL_LIST_X86(X)
#endif

#define MG_KERNEL_LIST(X)                                                                                    \
    MG_KERNEL_LIST_X86(X)                                                                                    \
    X(reference)

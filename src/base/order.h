// order.h - comparison functions for qsort: numbers in ascending order.
#ifndef MG_BASE_ORDER_H
#define MG_BASE_ORDER_H

#include <stdint.h>

#define MG_ORDER(name, type)                                                                                 \
    static inline int mg_order_##name(const void *a, const void *b) {                                        \
        type x = *(const type *)a, y = *(const type *)b;                                                     \
        return (x > y) - (x < y);                                                                            \
    }
MG_ORDER(int64, int64_t)
MG_ORDER(uint32, uint32_t)
MG_ORDER(uint64, uint64_t)
MG_ORDER(float, float)
MG_ORDER(double, double)
#undef MG_ORDER

#endif

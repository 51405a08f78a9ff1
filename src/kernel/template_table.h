// template_table.h - the simple loops of a kernel and its table; included last.
#ifndef MG_KERNEL_TEMPLATE_TABLE_H
#define MG_KERNEL_TEMPLATE_TABLE_H

static void widen_u8(int64_t n, const uint8_t *from, float *to) {
    for (int64_t j = 0; j < n; j += 16) v16_store(to + j, v16_from_u8(from + j));
}

static void widen_i8(int64_t n, const int8_t *from, float *to) {
    for (int64_t j = 0; j < n; j += 16) v16_store(to + j, v16_from_i8(from + j));
}

static void add(int64_t n, const float *from, float *to) {
    for (int64_t j = 0; j < n; j += 16) v16_store(to + j, v16_add(v16_load(to + j), v16_load(from + j)));
}

const mg_kernel KERNEL_SYMBOL = {
    .name = KERNEL_NAME,
    .help = KERNEL_HELP,
    .usable = KERNEL_USABLE,
    .widen_u8 = widen_u8,
    .widen_i8 = widen_i8,
    .dense_scores = dense_scores,
    .dense_accumulate = dense_accumulate,
    .csr_scores = csr_scores,
    .csr_accumulate = csr_accumulate,
    .add = add,
};

#endif

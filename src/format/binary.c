// binary.c - passes blocks of binary numbers from an input to a sink.
#include "format/binary.h"

#include "base/arithmetic.h"
#include "base/memory.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { BLOCK = 1 << 19 }; // bytes; a multiple of the size of every cell type

mg_status mg_binary_check(const mg_binary *cells, const mg_input *input, mg_error *error) {
    const char *path = mg_input_path(input);
    int64_t bytes;
    if (cells->rows == 0) return mg_fail(error, MG_DATA, "%s: has no rows, but at least one is needed", path);
    if (cells->columns == 0)
        return mg_fail(error, MG_DATA, "%s: its rows have no features, but at least one is needed", path);
    if (cells->columns > MG_MOST_INDEX)
        return mg_fail(error, MG_DATA, "%s: has %lld features, but at most %u are allowed: leave columns out",
                       path, (long long)cells->columns, MG_MOST_INDEX);
    if (__builtin_mul_overflow(cells->rows, cells->columns, &bytes) ||
        __builtin_mul_overflow(bytes, (int64_t)mg_binary_size(cells), &bytes) || bytes > mg_input_most(input))
        return mg_fail(error, MG_DATA,
                       "%s: is truncated: its header declares %lld x %lld cells, more than the file has: "
                       "copy or write it again",
                       path, (long long)cells->rows, (long long)cells->columns);
    return MG_OK;
}

size_t mg_binary_size(const mg_binary *cells) { return cells->bfloat ? 2 : mg_h5_type_size(cells->type); }

static void swap(unsigned char *block, size_t count, size_t size) {
    uint16_t half;
    uint32_t word;
    uint64_t wide;
    for (size_t i = 0; i < count; i++, block += size) {
        if (size == 2) {
            memcpy(&half, block, 2);
            half = __builtin_bswap16(half);
            memcpy(block, &half, 2);
        } else if (size == 4) {
            memcpy(&word, block, 4);
            word = __builtin_bswap32(word);
            memcpy(block, &word, 4);
        } else if (size == 8) {
            memcpy(&wide, block, 8);
            wide = __builtin_bswap64(wide);
            memcpy(block, &wide, 8);
        }
    }
}

// The index of the first cell that is not a finite float32; `count` if there is none.
static size_t first_bad(mg_h5_type type, const unsigned char *block, size_t count) {
    size_t i = 0;
    if (type == MG_H5_F16) {
        uint16_t half;
        for (; i < count; i++) {
            memcpy(&half, block + i * 2, 2);
            if ((half & 0x7c00) == 0x7c00) break;
        }
    } else if (type == MG_H5_F32) {
        uint32_t word;
        for (; i < count; i++) {
            memcpy(&word, block + i * 4, 4);
            if ((word & 0x7f800000) == 0x7f800000) break;
        }
    } else if (type == MG_H5_F64) {
        double real;
        for (; i < count; i++) {
            memcpy(&real, block + i * 8, 8);
            if (!(fabs(real) <= FLT_MAX)) break;
        }
    } else {
        i = count;
    }
    return i;
}

// Reads the next block of at most `left` cells, and converts it to this machine's byte order.
static mg_status next_block(const mg_binary *cells, mg_input *input, unsigned char *block, int64_t left,
                            size_t *count, const char *what, mg_error *error) {
    size_t size = mg_h5_type_size(cells->type), stored = mg_binary_size(cells);
    *count = left < (int64_t)(BLOCK / size) ? (size_t)left : BLOCK / size;
    // bfloat16 is read into the second half of the block, and widened from the front.
    unsigned char *to = block + *count * (size - stored);
    mg_status status = mg_input_exact(input, to, *count * stored, what, error);
    if (!status && cells->swapped) swap(block, *count, size);
    for (size_t i = 0; !status && cells->bfloat && i < *count; i++) {
        uint16_t half;
        memcpy(&half, to + 2 * i, 2);
        uint32_t word = (uint32_t)half << 16; // float32 with a shorter mantissa
        memcpy(block + 4 * i, &word, 4);
    }
    return status;
}

mg_status mg_binary_copy(const mg_binary *cells, mg_input *input, mg_sink *sink, mg_error *error) {
    size_t size = mg_h5_type_size(cells->type), count;
    int64_t total = cells->rows * cells->columns;
    unsigned char *block;
    mg_status status = mg_memory_get(&block, BLOCK, 1, error);
    for (int64_t done = 0; !status && done < total; done += (int64_t)count) {
        status = next_block(cells, input, block, total - done, &count, "its rows", error);
        if (status) break;
        size_t bad = first_bad(cells->type, block, count);
        if (bad < count) {
            int64_t cell = done + (int64_t)bad;
            status = mg_fail(
                error, MG_DATA,
                "%s: row %lld, column %lld (from 0) is NaN, infinite or too large for float32; missing "
                "values are not supported: fill or drop them",
                mg_input_path(input), (long long)(cell / cells->columns), (long long)(cell % cells->columns));
            break;
        }
        status = sink->dense(sink, block, count * size, error);
    }
    mg_memory_free(block);
    return status;
}

// Converts a cell to an integer. Returns false if it is not a whole number.
static bool whole_cell(mg_h5_type type, const unsigned char *cell, int64_t *out) {
    int8_t i8;
    int16_t i16;
    uint16_t u16;
    int32_t i32;
    uint32_t u32;
    uint64_t u64;
    float f32;
    double real = 0.5;
    switch (type) {
    case MG_H5_I8:
        memcpy(&i8, cell, 1);
        *out = i8;
        return true;
    case MG_H5_U8: *out = *cell; return true;
    case MG_H5_I16:
        memcpy(&i16, cell, 2);
        *out = i16;
        return true;
    case MG_H5_U16:
        memcpy(&u16, cell, 2);
        *out = u16;
        return true;
    case MG_H5_I32:
        memcpy(&i32, cell, 4);
        *out = i32;
        return true;
    case MG_H5_U32:
        memcpy(&u32, cell, 4);
        *out = u32;
        return true;
    case MG_H5_I64: memcpy(out, cell, 8); return true;
    case MG_H5_U64:
        memcpy(&u64, cell, 8);
        *out = (int64_t)u64;
        return u64 <= INT64_MAX;
    case MG_H5_F16:
        memcpy(&u16, cell, 2);
        real = (double)mg_half_to_float(u16);
        break;
    case MG_H5_F32:
        memcpy(&f32, cell, 4);
        real = (double)f32;
        break;
    case MG_H5_F64: memcpy(&real, cell, 8); break;
    default: break;
    }
    if (!(fabs(real) <= 0x1p53) || real != trunc(real)) return false;
    *out = (int64_t)real;
    return true;
}

mg_status mg_binary_labels(const mg_binary *cells, mg_input *input, mg_sink *sink, mg_error *error) {
    size_t size = mg_h5_type_size(cells->type), count;
    unsigned char *block;
    mg_status status = mg_memory_get(&block, BLOCK, 1, error);
    for (int64_t done = 0; !status && done < cells->rows; done += (int64_t)count) {
        status = next_block(cells, input, block, cells->rows - done, &count, "its labels", error);
        for (size_t i = 0; !status && i < count; i++) {
            int64_t label;
            if (!whole_cell(cells->type, block + i * size, &label))
                status = mg_fail(error, MG_DATA,
                                 "%s: label %lld (from 0) is not a whole number; margin learns classes",
                                 mg_input_path(input), (long long)done + (long long)i);
            else status = sink->code(sink, label, error);
        }
    }
    mg_memory_free(block);
    return status;
}

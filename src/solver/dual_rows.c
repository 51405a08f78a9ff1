// dual_rows.c - owns the storage of dual variables. With few classes a row has K floats. With many classes it
// has a slot for a few pairs of class and value; rows with more nonzero coefficients have K floats in a pool.
#include "solver/dual_rows.h"

#include "base/arena.h"
#include "base/lanes.h"
#include "base/memory.h"
#include "rows/rows.h"

#include <math.h>
#include <string.h>

enum { SLAB_ROWS = 1024, WIDE = UINT16_MAX, AT_BOUND = 1 << 15 };

typedef struct slot {
    union {
        float value[MG_DUAL_FEW];
        uint32_t wide; // index of the row's floats in the pool, if count is WIDE
    };
    uint16_t class[MG_DUAL_FEW], count;
} slot;

struct mg_dual_rows {
    int64_t rows, classes;
    int64_t before, after; // rows of other ranks, in packed bytes that are read
    bool joint;
    const int32_t *label;
    float *dense; // [rows][classes]; NULL if there are more than MG_DUAL_DENSE classes
    slot *slots;  // [rows]; NULL if `dense` is used
    // The pool of rows with K floats each:
    float **slab;       // [slabs] of SLAB_ROWS rows each; there is space for rows / SLAB_ROWS + 1 slabs
    int64_t slabs;      // number of allocated slabs
    int64_t used;       // places used so far, including those that are free again
    uint32_t *returned; // [returned_room] places that are free again
    int64_t returned_count;
    size_t returned_room;
    mg_arena arena;
};

int64_t mg_dual_rows_least_bytes(int64_t rows, int64_t classes) {
    return rows * (classes <= MG_DUAL_DENSE ? (int64_t)sizeof(float) * classes : (int64_t)sizeof(slot));
}

mg_status mg_dual_rows_create(int64_t rows, int64_t classes, bool joint, const int32_t *label,
                              mg_dual_rows **out, mg_error *error) {
    *out = NULL;
    if (classes > MG_DUAL_CLASSES)
        return mg_fail(error, MG_CONFIG,
                       "train.solver: dual variables of %lld classes are not possible (at most %d): use sgd",
                       (long long)classes, MG_DUAL_CLASSES);
    mg_dual_rows *r;
    mg_status status = mg_memory_zeroed(&r, 1, sizeof *r, error);
    if (status) return status;
    r->rows = rows;
    r->classes = classes;
    r->joint = joint;
    r->label = label;
    bool dense = classes <= MG_DUAL_DENSE;
    const mg_buffer buffers[] = {
        MG_BUFFER(r->dense, dense ? rows : 0, classes),
        MG_BUFFER(r->slots, dense ? 0 : rows, 1),
        MG_BUFFER(r->slab, dense ? 0 : rows / SLAB_ROWS + 1, 1),
    };
    status = MG_ARENA_FILL(&r->arena, buffers, error);
    if (status) mg_dual_rows_destroy(r);
    else *out = r;
    return status;
}

void mg_dual_rows_destroy(mg_dual_rows *r) {
    if (!r) return;
    for (int64_t i = 0; i < r->slabs; i++) mg_memory_free(r->slab[i]);
    mg_memory_free(r->returned);
    mg_arena_free(&r->arena);
    mg_memory_free(r);
}

void mg_dual_rows_beside(mg_dual_rows *r, int64_t before, int64_t after) {
    r->before = before;
    r->after = after;
}

static float *wide_row(const mg_dual_rows *r, uint32_t place) {
    return r->slab[place / SLAB_ROWS] + (int64_t)(place % SLAB_ROWS) * r->classes;
}

// One bit for each of 16 lanes, set if the lane is not zero.
static unsigned nonzero_of(const float *c) {
    mg_four_mask nonzero[MG_FOURS];
    for (int v = 0; v < MG_FOURS; v++) nonzero[v] = mg_four_load(c + 4 * v) != 0;
    return mg_fours_bits(nonzero);
}

static void clear(float *c, int64_t lanes) {
    for (int64_t k = 0; k < lanes; k += MG_LANES) memset(c + k, 0, MG_LANES * sizeof *c);
}

void mg_dual_rows_get(const mg_dual_rows *r, int64_t row, int64_t lanes, float *c) {
    size_t known = (size_t)r->classes * sizeof *c;
    if (r->dense) {
        memcpy(c, r->dense + row * r->classes, known);
        memset(c + r->classes, 0, (size_t)lanes * sizeof *c - known);
        return;
    }
    const slot *s = &r->slots[row];
    clear(c, lanes);
    if (s->count == WIDE) {
        memcpy(c, wide_row(r, s->wide), known);
        return;
    }
    float sum = 0;
    for (int j = 0; j < s->count; j++) {
        c[s->class[j]] = s->value[j];
        sum += s->value[j];
    }
    if (r->joint && s->count > 0) c[r->label[row]] = -sum;
}

void mg_dual_rows_fetch(const mg_dual_rows *r, int64_t row) {
    if (r->dense) __builtin_prefetch(r->dense + row * r->classes, 1, 3);
    else __builtin_prefetch(&r->slots[row], 1, 3);
}

void mg_dual_rows_balance(const mg_dual_rows *r, int64_t row, int64_t lanes, float *c) {
    if (!r->joint) return;
    int64_t own = r->label[row];
    float sum = 0;
    for (int64_t k = 0; k < lanes; k += MG_LANES)
        for (unsigned bits = nonzero_of(c + k); bits; bits &= bits - 1) {
            int64_t class = k + __builtin_ctz(bits);
            if (class != own) sum += c[class];
        }
    c[own] = -sum;
}

// Gives the slot a place in the pool. Returns false if memory runs out.
static bool widen(mg_dual_rows *r, slot *s) {
    if (s->count == WIDE) return true;
    uint32_t place;
    if (r->returned_count > 0) {
        place = r->returned[--r->returned_count];
    } else {
        if (r->used == r->slabs * SLAB_ROWS) {
            if (mg_memory_get(&r->slab[r->slabs], SLAB_ROWS, (size_t)r->classes * sizeof(float), NULL))
                return false;
            r->slabs++;
        }
        place = (uint32_t)r->used++;
    }
    s->wide = place;
    s->count = WIDE;
    return true;
}

static bool narrow(mg_dual_rows *r, slot *s) {
    if (s->count != WIDE) return true;
    if (mg_memory_grow(&r->returned, &r->returned_room, (size_t)r->returned_count + 1, sizeof *r->returned,
                       NULL))
        return false;
    r->returned[r->returned_count++] = s->wide;
    return true;
}

// Fills a slot with the rivals' nonzero coefficients. Returns false if there are more than a slot can hold.
static bool few_of(const mg_dual_rows *r, int64_t row, int64_t lanes, const float *c, slot *few) {
    int64_t own = r->joint ? r->label[row] : -1;
    few->count = 0;
    for (int64_t k = 0; k < lanes; k += MG_LANES) {
        for (unsigned bits = nonzero_of(c + k); bits; bits &= bits - 1) {
            int64_t class = k + __builtin_ctz(bits);
            if (class == own) continue;
            if (few->count == MG_DUAL_FEW) return false;
            few->value[few->count] = c[class];
            few->class[few->count++] = (uint16_t) class;
        }
    }
    return true;
}

bool mg_dual_rows_put_few(mg_dual_rows *r, int64_t row, int64_t lanes, const float *c) {
    if (r->dense) {
        memcpy(r->dense + row * r->classes, c, (size_t)r->classes * sizeof *c);
        return true;
    }
    slot *s = &r->slots[row], fresh = {.count = 0};
    if (s->count == WIDE || !few_of(r, row, lanes, c, &fresh)) return false;
    *s = fresh;
    return true;
}

bool mg_dual_rows_put(mg_dual_rows *r, int64_t row, int64_t lanes, const float *c) {
    if (mg_dual_rows_put_few(r, row, lanes, c)) return true;
    slot *s = &r->slots[row], fresh = {.count = 0};
    if (!few_of(r, row, lanes, c, &fresh)) {
        if (!widen(r, s)) return false;
        memcpy(wide_row(r, s->wide), c, (size_t)r->classes * sizeof *c);
        return true;
    }
    if (!narrow(r, s)) return false;
    *s = fresh;
    return true;
}

// ---- packing for a checkpoint -------------------------------------------------------------------

static unsigned char *put_word(unsigned char *to, bool write, uint16_t word) {
    if (write) memcpy(to, &word, sizeof word);
    return to + sizeof word;
}

static unsigned char *pack_row(const mg_dual_rows *r, int64_t row, const float *c, unsigned char *to,
                               bool write) {
    int64_t own = r->joint ? r->label[row] : -1;
    uint16_t count = 0;
    unsigned char *head = to;
    to += sizeof count;
    for (int64_t k = 0; k < r->classes; k++) {
        if (c[k] == 0 || k == own) continue;
        count++;
        to = put_word(to, write, (uint16_t)(k | (c[k] == 1 ? AT_BOUND : 0)));
        if (c[k] == 1) continue;
        if (write) memcpy(to, &c[k], sizeof c[k]);
        to += sizeof c[k];
    }
    put_word(head, write, count);
    return to;
}

int64_t mg_dual_rows_pack(void *rows, unsigned char *to) {
    const mg_dual_rows *r = rows;
    unsigned char *at = to, scratch[2];
    bool write = to != NULL;
    int64_t size = 0;
    float *c;
    int64_t lanes = mg_round_up(r->classes, MG_LANES);
    if (mg_memory_get(&c, (size_t)lanes, sizeof *c, NULL)) return -1;
    for (int64_t row = 0; row < r->rows; row++) {
        mg_dual_rows_get(r, row, lanes, c);
        unsigned char *begin = write ? at : scratch, *end = pack_row(r, row, c, begin, write);
        size += end - begin;
        at = write ? end : at;
    }
    mg_memory_free(c);
    return size;
}

static bool unpack_row(mg_dual_rows *r, int64_t row, const unsigned char **at, const unsigned char *end,
                       int64_t lanes, float *c) {
    uint16_t count, word;
    int64_t last = -1;
    memset(c, 0, (size_t)lanes * sizeof *c);
    if (end - *at < (int64_t)sizeof count) return false;
    memcpy(&count, *at, sizeof count);
    *at += sizeof count;
    for (int j = 0; j < count; j++) {
        if (end - *at < (int64_t)sizeof word) return false;
        memcpy(&word, *at, sizeof word);
        *at += sizeof word;
        float value = 1;
        if (!(word & AT_BOUND)) {
            if (end - *at < (int64_t)sizeof value) return false;
            memcpy(&value, *at, sizeof value);
            *at += sizeof value;
        }
        int64_t class = word & ~AT_BOUND;
        if (class <= last || class >= r->classes || (r->joint && class == r->label[row]) ||
            !isfinite(value) || value == 0)
            return false;
        last = class;
        c[class] = value;
    }
    mg_dual_rows_balance(r, row, lanes, c);
    return true;
}

int64_t mg_dual_rows_most_bytes(void *rows) {
    const mg_dual_rows *r = rows;
    return (r->before + r->rows + r->after) *
           (int64_t)(sizeof(uint16_t) + (size_t)r->classes * (sizeof(uint16_t) + sizeof(float)));
}

// Skips packed rows of other ranks. Returns false if the bytes end before.
static bool skip_rows(int64_t rows, const unsigned char **at, const unsigned char *end) {
    for (int64_t row = 0; row < rows; row++) {
        uint16_t count, word;
        if (end - *at < (int64_t)sizeof count) return false;
        memcpy(&count, *at, sizeof count);
        *at += sizeof count;
        for (int j = 0; j < count; j++) {
            if (end - *at < (int64_t)sizeof word) return false;
            memcpy(&word, *at, sizeof word);
            *at += sizeof word;
            int64_t value = word & AT_BOUND ? 0 : (int64_t)sizeof(float);
            if (end - *at < value) return false;
            *at += value;
        }
    }
    return true;
}

mg_status mg_dual_rows_unpack(void *rows, const unsigned char *from, int64_t size, mg_error *error) {
    mg_dual_rows *r = rows;
    const unsigned char *at = from, *end = from + size;
    int64_t lanes = mg_round_up(r->classes, MG_LANES);
    float *c;
    mg_status status = mg_memory_get(&c, (size_t)lanes, sizeof *c, error);
    bool whole = status || skip_rows(r->before, &at, end);
    for (int64_t row = 0; !status && row < r->rows; row++) {
        if (!whole || !unpack_row(r, row, &at, end, lanes, c))
            status = mg_fail(error, MG_DATA, "the dual variables of row %lld do not fit %lld classes",
                             (long long)(r->before + row), (long long)r->classes);
        else if (!mg_dual_rows_put(r, row, lanes, c))
            status =
                mg_fail(error, MG_MEMORY, "out of memory: the dual variables of row %lld cannot be stored",
                        (long long)row);
    }
    if (!status && (!skip_rows(r->after, &at, end) || at != end))
        status = mg_fail(error, MG_DATA,
                         "dual variables: %lld bytes too many for %lld rows: the checkpoint is damaged",
                         (long long)(end - at), (long long)(r->before + r->rows + r->after));
    mg_memory_free(c);
    return status;
}

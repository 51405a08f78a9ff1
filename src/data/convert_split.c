// convert_split.c - counts the rows of each class, and draws the test rows among them.
#include "data/convert_split.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/rng.h"
#include "io/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SPLIT_STREAM = 7 };

static mg_status grow_slots(mg_strata *s, mg_error *error) {
    size_t slots = s->slots ? s->slots * 2 : 1024;
    uint32_t *larger;
    mg_status status = mg_memory_zeroed(&larger, slots, sizeof *larger, error);
    if (status) return status;
    for (uint32_t k = 0; k < s->distinct; k++) {
        size_t at = s->text[k] & (slots - 1);
        while (larger[at]) at = (at + 1) & (slots - 1);
        larger[at] = k + 1;
    }
    mg_memory_free(s->slot);
    s->slot = larger;
    s->slots = slots;
    return MG_OK;
}

// The number of a distinct label.
static mg_status find(mg_strata *s, uint64_t text, uint64_t value, uint32_t *out, mg_error *error) {
    mg_status status = (size_t)s->distinct * 2 >= s->slots ? grow_slots(s, error) : MG_OK;
    if (status) return status;
    size_t at = text & (s->slots - 1);
    while (s->slot[at] && s->text[s->slot[at] - 1] != text) at = (at + 1) & (s->slots - 1);
    if (!s->slot[at]) {
        size_t need = (size_t)s->distinct + 1;
        status = mg_memory_grow(&s->text, &s->text_room, need, sizeof *s->text, error);
        if (!status) status = mg_memory_grow(&s->value, &s->value_room, need, sizeof *s->value, error);
        if (status) return status;
        s->text[s->distinct] = text;
        s->value[s->distinct] = value;
        s->slot[at] = ++s->distinct;
    }
    *out = s->slot[at] - 1;
    return MG_OK;
}

mg_status mg_strata_add(mg_strata *s, const char *label, size_t bytes, mg_error *error) {
    int64_t code;
    uint64_t text = mg_hash_bytes(0, label, bytes), value = text;
    if (mg_text_whole(label, label + bytes, &code)) value = mg_hash_mix((uint64_t)code + 1);
    mg_status status = mg_memory_grow(&s->row, &s->room, (size_t)s->count + 1, sizeof *s->row, error);
    return status ? status : find(s, text, value, &s->row[s->count++], error);
}

mg_status mg_strata_add_code(mg_strata *s, int64_t label, mg_error *error) {
    char text[24];
    return mg_strata_add(s, text, (size_t)snprintf(text, sizeof text, "%" PRId64, label), error);
}

void mg_strata_clear(mg_strata *s) {
    mg_memory_free(s->row);
    mg_memory_free(s->text);
    mg_memory_free(s->value);
    mg_memory_free(s->slot);
    *s = (mg_strata){0};
}

typedef struct class {
    int64_t rows, held;
    double lost; // what rounding down has taken from its share
    uint32_t number;
} class;

typedef struct draw {
    uint64_t number;
    int64_t row;
    uint32_t class;
} draw;

static int by_class(const void *a, const void *b) {
    const draw *x = a, *y = b;
    if (x->class != y->class) return x->class < y->class ? -1 : 1;
    if (x->number != y->number) return x->number < y->number ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static int by_lost(const void *a, const void *b) {
    const class *x = a, *y = b;
    if (x->lost != y->lost) return x->lost > y->lost ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

// Maps each distinct text to its class. Texts of the same whole number, such as 1 and 1.0, have one class:
// that of the first of them.
static mg_status merge(const mg_strata *s, bool numbers, uint32_t *class_of, mg_error *error) {
    mg_strata seen = {0}; // only the table of digests is used
    mg_status status = MG_OK;
    for (uint32_t k = 0; !status && k < s->distinct; k++) {
        class_of[k] = k;
        if (numbers) status = find(&seen, s->value[k], s->value[k], &class_of[k], error);
    }
    mg_strata_clear(&seen);
    return status;
}

// Decides how many rows of each class are held. *count becomes their sum.
static void share(class *classes, uint32_t count, const mg_strata_split *split, int64_t *held) {
    int64_t wanted = (int64_t)llround(split->fraction * (double)split->rows);
    *held = 0;
    for (uint32_t k = 0; k < count; k++) {
        class *c = &classes[k];
        double exact = split->fraction * (double)c->rows;
        c->number = k;
        c->held = (int64_t)floor(exact);
        c->lost = exact - floor(exact);
        if (c->held >= c->rows && c->rows) c->held = c->rows - 1;
        *held += c->held;
    }
    qsort(classes, count, sizeof *classes, by_lost);
    for (uint32_t k = 0; k < count && *held < wanted; k++) {
        if (classes[k].held + 1 >= classes[k].rows) continue;
        classes[k].held++;
        ++*held;
    }
}

static void pick(class *classes, uint32_t count, draw *draws, int64_t rows, uint8_t *held) {
    // back to the order of their numbers
    for (uint32_t k = 0; k < count; k++)
        while (classes[k].number != k) {
            class other = classes[classes[k].number];
            classes[classes[k].number] = classes[k];
            classes[k] = other;
        }
    qsort(draws, (size_t)rows, sizeof *draws, by_class);
    for (int64_t i = 0, first = 0; i < rows; i++) {
        if (draws[i].class != draws[first].class) first = i;
        held[draws[i].row] = i - first < classes[draws[i].class].held;
    }
}

mg_status mg_strata_select(const mg_strata *s, const mg_strata_split *split, uint8_t **held, int64_t *count,
                           mg_error *error) {
    draw *draws = NULL;
    class *classes = NULL;
    uint32_t *class_of = NULL;
    bool labelled = s->count == split->rows;
    uint64_t key = mg_rng_key(split->seed, SPLIT_STREAM, 0);
    *held = NULL;
    mg_status status = mg_memory_get(&draws, (size_t)split->rows, sizeof *draws, error);
    if (!status) status = mg_memory_zeroed(held, (size_t)split->rows, 1, error);
    if (!status) status = mg_memory_zeroed(&classes, (size_t)s->distinct + 1, sizeof *classes, error);
    if (!status) status = mg_memory_get(&class_of, (size_t)s->distinct + 1, sizeof *class_of, error);
    if (!status) status = merge(s, split->numbers, class_of, error);
    if (!status) {
        for (int64_t i = 0; i < split->rows; i++) {
            draws[i] = (draw){mg_rng_at(key, (uint64_t)i), i, labelled ? class_of[s->row[i]] : 0};
            classes[draws[i].class].rows++;
        }
        share(classes, s->distinct + 1, split, count);
        pick(classes, s->distinct + 1, draws, split->rows, *held);
    }
    mg_memory_free(draws);
    mg_memory_free(classes);
    mg_memory_free(class_of);
    if (status) mg_memory_free(*held), *held = NULL;
    return status;
}

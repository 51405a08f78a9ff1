// answers.c - the text of answers.
#include "train/answers.h"

#include "base/delimited.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/printable.h"

#include <string.h>

void mg_answers_clear(mg_answers *a) {
    mg_memory_free(a->leader);
    mg_memory_free(a->header);
    mg_memory_free(a->reject_label);
    mg_ids_clear(&a->ids);
    mg_writer_clear(&a->out);
    *a = (mg_answers){0};
}

int64_t mg_answers_lead(mg_answers *a, const float *order) {
    int64_t count = 0;
    for (int64_t k = 0; k < a->classes->count; k++) {
        int64_t at = count;
        while (at > 0 && order[k] > order[a->leader[at - 1]]) at--;
        if (at >= a->top) continue;
        count += count < a->top;
        memmove(a->leader + at + 1, a->leader + at, (size_t)(count - at - 1) * sizeof *a->leader);
        a->leader[at] = (int32_t)k;
    }
    return count;
}

// ---- header -------------------------------------------------------------------------------------

// The next column of the header: the next name that the user gave or, if there is none left, `text`.
typedef struct column_names {
    mg_answers *answers;
    const char *given;
    bool first;
} column_names;

static void add_column(column_names *c, const char *text, const char *label) {
    mg_answers *a = c->answers;
    mg_writer name = {0};
    char delimiter[2] = {a->delimiter, 0};
    if (!c->first) mg_writer_add(&a->out, delimiter);
    c->first = false;
    if (c->given) {
        const char *end = strchrnul(c->given, ',');
        mg_writer_add_bytes(&name, c->given, (size_t)(end - c->given));
        c->given = *end ? end + 1 : NULL;
    } else {
        mg_writer_add(&name, text);
        if (label) mg_writer_add(&name, "_");
        if (label) mg_writer_add(&name, label);
    }
    if (!name.status) mg_delimited_add(&a->out, name.length ? name.text : "", a->delimiter);
    mg_writer_fail(&a->out, &name.error);
    mg_writer_clear(&name);
}

mg_status mg_answers_check(const mg_answers *a, bool ids, mg_error *error) {
    int64_t columns = ids + (a->top ? 2 * a->top : 1 + (a->values ? a->classes->count : 0));
    int64_t names = a->header ? 1 : 0;
    for (const char *c = a->header; c && *c; c++) names += *c == ',';
    if (names <= columns) return MG_OK;
    return mg_fail(error, MG_USAGE,
                   "header: %s has %lld names, but the table has %lld column%s: give at most as many names",
                   a->header, (long long)names, (long long)columns, columns == 1 ? "" : "s");
}

void mg_answers_begin(mg_answers *a) {
    char number[MG_LABEL_BUFFER];
    column_names c = {a, a->header, true};
    if (!a->delimiter) return;
    if (a->ids.column) add_column(&c, a->ids.column, NULL);
    if (a->top == 0) add_column(&c, a->label, NULL);
    for (int64_t k = 0; a->top == 0 && a->values && k < a->classes->count; k++)
        add_column(&c, a->value, mg_classes_label(a->classes, k, number));
    for (int64_t i = 1; i <= a->top; i++) {
        snprintf(number, sizeof number, "%lld", (long long)i);
        add_column(&c, a->label, number);
        add_column(&c, a->value, number);
    }
    mg_writer_add(&a->out, "\n");
}

// ---- rows ---------------------------------------------------------------------------------------

// Labels may contain any character. In lines, line ends are escaped, because an answer must be one line.
static void add_label(mg_answers *a, int64_t k) {
    char buffer[MG_LABEL_BUFFER];
    const char *label = k < 0 ? a->reject_label : mg_classes_label(a->classes, k, buffer);
    if (a->delimiter) mg_delimited_add(&a->out, label, a->delimiter);
    else mg_printable_add(&a->out, label);
}

static void add_value(mg_answers *a, float value) {
    char text[MG_REAL_TEXT];
    mg_print_float(value + 0.0f, text); // adding 0 removes the sign of a negative zero
    mg_writer_add(&a->out, text);
}

static void add_leaders(mg_answers *a, const mg_answer *answer, const char *between, const char *inside) {
    int64_t count = mg_answers_lead(a, answer->order);
    for (int64_t i = 0; i < count; i++) {
        if (i) mg_writer_add(&a->out, between);
        add_label(a, a->leader[i]);
        mg_writer_add(&a->out, inside);
        add_value(a, answer->shown[a->leader[i]]);
    }
}

void mg_answers_add(mg_answers *a, const mg_answer *answer) {
    char id[MG_ID_BUFFER], delimiter[2] = {a->delimiter ? a->delimiter : '\t', 0};
    if (a->ids.column) {
        mg_delimited_add(&a->out, mg_ids_text(&a->ids, a->rows, id), a->delimiter);
        mg_writer_add(&a->out, delimiter);
    }
    a->rows++;
    if (a->top > 0) {
        add_leaders(a, answer, delimiter, a->delimiter ? delimiter : ":");
    } else {
        add_label(a, answer->best);
        for (int64_t k = 0; a->values && k < a->classes->count; k++) {
            mg_writer_add(&a->out, delimiter);
            add_value(a, answer->shown[k]);
        }
    }
    mg_writer_add(&a->out, "\n");
}

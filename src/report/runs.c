// runs.c - mg_runs_print: finds trainings, sorts and prints them.
#include "base/float_mode.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/printable.h"
#include "report/fact_columns.h"

#include <margin/nearest.h>
#include <margin/runs.h>

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct row {
    mg_record record;
    mg_record_facts facts;
    int64_t place; // order of the request
} row;

typedef struct rows {
    row *row; // [count]
    size_t count, room;
} rows;

typedef struct order {
    const mg_fact_column *column;
    bool backwards;
} order;

// ---- finding ----------------------------------------------------------------------------------

static mg_status add(rows *all, const char *directory, mg_error *error) {
    mg_status status = mg_memory_grow(&all->row, &all->room, all->count + 1, sizeof *all->row, error);
    if (status) return status;
    row *one = &all->row[all->count];
    *one = (row){.place = (int64_t)all->count};
    status = mg_record_read(directory, &one->record, error);
    if (status) return status;
    one->facts = mg_record_summarise(&one->record);
    all->count++;
    return MG_OK;
}

// Adds a row for a training whose files cannot be read, so that it does not hide the others.
static mg_status add_unread(rows *all, const char *directory, const char *how, mg_error *error) {
    row *one = &all->row[all->count];
    *one = (row){.place = (int64_t)all->count, .record.status = how};
    one->facts = mg_record_summarise(&one->record);
    mg_status status = mg_memory_text(&one->record.path, directory, error);
    all->count += !status;
    return status;
}

static mg_status add_inside(rows *all, const char *parent, const char *name, bool *found, mg_error *error) {
    char *path;
    mg_writer text = {0};
    mg_writer_format(&text, "%s%s%s", parent, parent[strlen(parent) - 1] == '/' ? "" : "/", name);
    mg_status status = mg_writer_take(&text, &path, error);
    if (!status && mg_record_is_there(path)) {
        mg_error why = {0};
        status = add(all, path, &why);
        if (status == MG_DATA) status = add_unread(all, path, "damaged", error);
        else if (status == MG_IO) status = add_unread(all, path, "unreadable", error);
        else if (status) mg_fail(error, status, "%s", why.text);
        *found = true;
    }
    mg_memory_free(path);
    return status;
}

static mg_status add_directory(rows *all, const char *directory, mg_error *error) {
    struct dirent **entry;
    bool found = false;
    mg_status status = MG_OK;
    int count = mg_record_is_there(directory) ? -1 : scandir(directory, &entry, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (!status && entry[i]->d_name[0] != '.')
            status = add_inside(all, directory, entry[i]->d_name, &found, error);
        free(entry[i]);
    }
    if (count >= 0) free(entry);
    return status || found ? status : add(all, directory, error); // refuses a directory without trainings
}

// ---- sorting ----------------------------------------------------------------------------------

static const char *column_name(int i, const void *context) {
    (void)context;
    return mg_runs_column(i);
}

static mg_status find_order(const char *sort, order *out, mg_error *error) {
    *out = (order){0};
    if (!sort) return MG_OK;
    out->backwards = sort[0] == '-';
    sort += out->backwards;
    for (int i = 0; (out->column = mg_fact_column_at(i)); i++)
        if (!strcmp(out->column->name, sort)) return MG_OK;
    const char *nearest = mg_nearest_name(sort, column_name, NULL);
    mg_writer names = {0};
    for (int i = 0; mg_runs_column(i); i++)
        mg_writer_format(&names, "%s%s", i ? ", " : "", mg_runs_column(i));
    mg_status status =
        mg_fail(error, MG_USAGE, "--sort: %s is not a column (%s)%s%s", sort, names.text ? names.text : "",
                nearest ? "; did you mean " : "", nearest ? nearest : "");
    mg_writer_clear(&names);
    return status;
}

static int by_number(double x, double y, bool backwards) {
    if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
    return backwards ? (x < y) - (x > y) : (x > y) - (x < y);
}

static int by_text(const char *x, const char *y, bool backwards) {
    if (!x || !y) return !x - !y;
    return backwards ? strcmp(y, x) : strcmp(x, y);
}

static int compare(const void *a, const void *b, void *context) {
    const order *by = context;
    const row *x = a, *y = b;
    const mg_fact_column *c = by->column;
    int found = c->text ? by_text(c->text(&x->record), c->text(&y->record), by->backwards)
                        : by_number(c->number(&x->facts), c->number(&y->facts),
                                    by->backwards != (c->kind == MG_FACT_SHARE));
    return found ? found : (x->place > y->place) - (x->place < y->place);
}

// ---- printing ---------------------------------------------------------------------------------

static void print_cell(mg_writer *to, const mg_fact_column *c, const row *one) {
    char number[MG_REAL_TEXT];
    const char *text = c->text ? c->text(&one->record) : NULL;
    double value = c->text ? NAN : c->number(&one->facts);
    if (c->text) mg_printable_add(to, text ? text : "-");
    else if (isnan(value)) mg_writer_add(to, "-");
    else {
        if (c->kind == MG_FACT_SHARE) mg_print_fixed(100 * value, 2, number);
        else if (c->kind == MG_FACT_SECONDS) mg_print_fixed(value, 2, number);
        else mg_print_short(value, c->digits, number);
        mg_writer_format(to, "%s%s", number, c->kind == MG_FACT_SHARE ? "%" : "");
    }
}

static int columns_of(const char *text) {
    int columns = 0;
    for (; *text; text++) columns += (*text & 0xc0) != 0x80;
    return columns;
}

// `to` receives a failure.
static int width_of(mg_writer *to, const rows *all, const mg_fact_column *c) {
    int width = columns_of(c->name);
    for (size_t i = 0; i < all->count; i++) {
        mg_writer cell = {0};
        print_cell(&cell, c, &all->row[i]);
        if (cell.text && columns_of(cell.text) > width) width = columns_of(cell.text);
        mg_writer_fail(to, &cell.error);
        mg_writer_clear(&cell);
    }
    return width;
}

// Texts are aligned to the left, numbers to the right.
static void print_padded(mg_writer *to, const char *text, int width, bool left) {
    int blanks = width - columns_of(text);
    mg_writer_format(to, "%*s", left || blanks < 0 ? 0 : blanks, "");
    mg_writer_add(to, text);
    mg_writer_format(to, "%*s", left && blanks > 0 ? blanks : 0, "");
}

enum { OMITTED = -1 }; // instead of the width of a column

static void print_line(mg_writer *to, const row *one, const int *width) {
    const mg_fact_column *c;
    mg_writer line = {0};
    for (int i = 0; (c = mg_fact_column_at(i)); i++) {
        mg_writer cell = {0};
        if (width[i] == OMITTED) continue;
        if (one) print_cell(&cell, c, one);
        else mg_writer_add(&cell, c->name);
        if (i) mg_writer_add(&line, "  ");
        mg_writer_fail(to, &cell.error);
        print_padded(&line, cell.text ? cell.text : "", width[i], c->text != NULL);
        mg_writer_clear(&cell);
    }
    mg_writer_fail(to, &line.error);
    mg_writer_add_bytes(to, line.text, line.length);
    mg_writer_add(to, "\n");
    mg_writer_clear(&line);
}

// Leaves out the columns that matter least until the others fit.
static void omit_columns(int *width, int most, const mg_fact_column *sorted) {
    static const char *const least[] = {"kind",   "seconds", "solver",    "loss",
                                        "status", "gap",     "objective", "C"};
    int used = -2;
    for (int i = 0; mg_fact_column_at(i); i++) used += width[i] + 2;
    for (size_t n = 0; n < sizeof least / sizeof *least && used > most; n++)
        for (int i = 0; mg_fact_column_at(i); i++) {
            if (strcmp(mg_fact_column_at(i)->name, least[n]) || mg_fact_column_at(i) == sorted) continue;
            used -= width[i] + 2;
            width[i] = OMITTED;
        }
}

static void print_table(mg_writer *to, const rows *all, const mg_runs_request *request, const order *by) {
    enum { MOST = 32 };
    int width[MOST], omitted = 0;
    for (int i = 0; mg_fact_column_at(i); i++) width[i] = width_of(to, all, mg_fact_column_at(i));
    if (request->width) omit_columns(width, request->width, by->column);
    print_line(to, NULL, width);
    for (size_t i = 0; i < all->count; i++) print_line(to, &all->row[i], width);
    for (int i = 0; mg_fact_column_at(i); i++)
        if (width[i] == OMITTED)
            mg_writer_format(to, "%s %s", omitted++ ? "," : "no room for", mg_fact_column_at(i)->name);
    if (omitted) mg_writer_add(to, "\n");
}

static void print_tsv(mg_writer *to, const rows *all) {
    const mg_fact_column *c;
    char number[MG_REAL_TEXT];
    for (int i = 0; (c = mg_fact_column_at(i)); i++) mg_writer_format(to, "%s%s", i ? "\t" : "", c->name);
    mg_writer_add(to, "\n");
    for (size_t r = 0; r < all->count; r++) {
        for (int i = 0; (c = mg_fact_column_at(i)); i++) {
            const char *text = c->text ? c->text(&all->row[r].record) : NULL;
            double value = c->text ? NAN : c->number(&all->row[r].facts);
            if (i) mg_writer_add(to, "\t");
            if (text) mg_printable_add(to, text);
            if (!isnan(value)) mg_print_real(value, number), mg_writer_add(to, number);
        }
        mg_writer_add(to, "\n");
    }
}

static void print_json(mg_writer *to, const rows *all) {
    const mg_fact_column *c;
    mg_writer_add(to, "{\"runs\": [");
    for (size_t r = 0; r < all->count; r++) {
        mg_writer_add(to, r ? ", {" : "{");
        for (int i = 0; (c = mg_fact_column_at(i)); i++) {
            const char *text = c->text ? c->text(&all->row[r].record) : NULL;
            if (text) mg_json_put_text(to, c->name, text);
            else mg_json_put_real(to, c->name, c->text ? NAN : c->number(&all->row[r].facts));
        }
        mg_writer_add(to, "}");
    }
    mg_writer_add(to, "]}\n");
}

mg_status mg_runs_check_model(const char *directory, mg_error *error) {
    mg_record record;
    mg_model *model = NULL;
    char *path = NULL;
    mg_status status = mg_record_read(directory, &record, error);
    if (status) return status;
    status = mg_record_file(&record, "model.h5", &path, error);
    if (!status && !access(path, F_OK)) status = mg_model_read(path, &model, error);
    if (model) status = mg_record_check_model(&record, model, error);
    mg_model_free(model);
    mg_memory_free(path);
    mg_record_clear(&record);
    return status;
}

const char *mg_runs_column(int i) {
    const mg_fact_column *column = mg_fact_column_at(i);
    return column ? column->name : NULL;
}

mg_status mg_runs_print(const mg_runs_request *request, FILE *file, mg_error *error) {
    MG_FLOAT_SCOPE;
    rows all = {0};
    order by;
    mg_writer to = {0};
    mg_status status = find_order(request->sort, &by, error);
    for (int i = 0; !status && i < request->count; i++)
        status = add_directory(&all, request->directories[i], error);
    if (!status && by.column) qsort_r(all.row, all.count, sizeof *all.row, compare, &by);
    if (!status && request->format == MG_RUNS_JSON) print_json(&to, &all);
    else if (!status && request->format == MG_RUNS_TSV) print_tsv(&to, &all);
    else if (!status) print_table(&to, &all, request, &by);
    for (size_t i = 0; i < all.count; i++) mg_record_clear(&all.row[i].record);
    mg_memory_free(all.row);
    return status ? status : mg_writer_print(&to, file, "the list", error);
}

// columns.c - finds and reads the names of a file's columns, in the places that AnnData, 10x and margin use.
#include "data/columns.h"

#include "base/memory.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { PLACE = 1100 };

static bool is_array(mg_h5 *file, const char *name) { return mg_h5_find(file, name) == MG_H5_ARRAY; }

static void join(char out[PLACE], const char *group, const char *member) {
    // A longer name is none of the places that are looked for, so it is dropped.
    if (snprintf(out, PLACE, "%s/%s", group, member) >= PLACE) *out = 0;
}

// Finds the index of a data frame of AnnData. An attribute gives its name; otherwise it has one of two usual
// names.
static mg_status index_of(mg_h5 *file, const char *frame, char out[PLACE], mg_error *error) {
    static const char *const usual[] = {"_index", "index"};
    char *name = NULL;
    *out = 0;
    if (mg_h5_find(file, frame) != MG_H5_GROUP) return MG_OK;
    mg_status status = MG_OK;
    if (mg_h5_has_attribute(file, frame, "_index"))
        status = mg_h5_attribute_text(file, frame, "_index", &name, error);
    if (!status && name) join(out, frame, name);
    mg_memory_free(name);
    for (size_t i = 0;
         !status && i < sizeof usual / sizeof *usual && (!*out || mg_h5_find(file, out) == MG_H5_MISSING);
         i++)
        join(out, frame, usual[i]);
    if (mg_h5_find(file, out) == MG_H5_MISSING) *out = 0;
    return status;
}

// Returns AnnData's data frame that describes the columns of `features`; NULL if there is none.
static const char *frame_of(const char *features) {
    while (*features == '/') features++;
    if (!strcmp(features, "raw/X")) return "raw/var";
    if (!strcmp(features, "raw.X")) return "raw.var"; // AnnData 0.5
    return !strcmp(features, "X") || !strncmp(features, "layers/", 7) ? "var" : NULL;
}

// Finds the data set of the file that holds the names of the columns of `features`. The layout of the file
// says where it is. out: "" if there is none.
static mg_status find_names(mg_h5 *file, const char *features, char out[PLACE], mg_error *error) {
    static const char *const tenx[] = {"features/id", "genes", "features/name", "gene_names"};
    *out = 0;
    const char *frame = frame_of(features);
    if (frame) return index_of(file, frame, out, error);
    for (size_t i = 0; mg_h5_find(file, features) == MG_H5_GROUP && i < sizeof tenx / sizeof *tenx; i++) {
        join(out, features, tenx[i]);
        if (is_array(file, out)) return MG_OK;
    }
    *out = 0;
    return MG_OK;
}

static mg_status print_numbers(const int64_t *numbers, int64_t count, char ***out, mg_error *error) {
    char number[32];
    mg_status status = mg_memory_zeroed(out, (size_t)count, sizeof **out, error);
    for (int64_t i = 0; !status && i < count; i++) {
        snprintf(number, sizeof number, "%lld", (long long)numbers[i]);
        status = mg_memory_text(&(*out)[i], number, error);
    }
    return status;
}

// Reads a vector of texts or whole numbers, because AnnData also uses numbers as names.
static mg_status read_vector(mg_h5 *file, const char *place, char ***out, int64_t *count, mg_error *error) {
    mg_h5_array *array;
    int64_t *numbers = NULL;
    *out = NULL;
    mg_status status = mg_h5_array_open(file, place, &array, error);
    if (status) return status;
    *count = mg_h5_array_rows(array);
    if (mg_h5_array_type(array) == MG_H5_TEXT) status = mg_h5_array_read_texts(array, out, error);
    else if (mg_h5_array_type(array) > MG_H5_U64)
        status = mg_fail(
            error, MG_DATA,
            "%s: %s must contain the names of the features, but contains %s: set data.names (eval, predict: "
            "--names) to none or a data set of strings",
            mg_h5_path(file), place, mg_h5_type_name(mg_h5_array_type(array)));
    else status = mg_h5_array_read_int64(array, &numbers, error);
    if (!status && numbers) status = print_numbers(numbers, *count, out, error);
    mg_memory_free(numbers);
    mg_h5_array_close(array);
    return status;
}

// Reads names stored as categories: name i is categories[codes[i]].
static mg_status read_categorical(mg_h5 *file, const char *place, char ***out, int64_t *count,
                                  mg_error *error) {
    char codes[PLACE], categories[PLACE];
    mg_h5_array *array = NULL;
    int64_t *code = NULL, kinds = 0;
    char **kind = NULL;
    join(codes, place, "codes");
    join(categories, place, "categories");
    mg_status status = mg_h5_array_open(file, codes, &array, error);
    if (!status) *count = mg_h5_array_rows(array);
    if (!status) status = mg_h5_array_read_int64(array, &code, error);
    if (!status) status = read_vector(file, categories, &kind, &kinds, error);
    if (!status) status = mg_memory_zeroed(out, (size_t)*count, sizeof **out, error);
    for (int64_t i = 0; !status && i < *count; i++)
        if (code[i] < 0 || code[i] >= kinds)
            status = mg_fail(error, MG_DATA,
                             "%s: %s[%lld] is %lld (0 to %lld are allowed): give every column a name",
                             mg_h5_path(file), codes, (long long)i, (long long)code[i], (long long)kinds - 1);
        else status = mg_memory_text(&(*out)[i], kind[code[i]], error);
    mg_h5_free_texts(kind, kinds);
    mg_memory_free(code);
    mg_h5_array_close(array);
    return status;
}

static mg_status read_place(mg_h5 *file, const char *place, char ***out, int64_t *count, mg_error *error) {
    char member[PLACE];
    *out = NULL;
    if (mg_h5_find(file, place) != MG_H5_GROUP) return read_vector(file, place, out, count, error);
    join(member, place, "codes");
    if (is_array(file, member)) return read_categorical(file, place, out, count, error);
    join(member, place, "values"); // a group of nullable texts, as AnnData writes it
    return read_vector(file, member, out, count, error);
}

// Takes over the names. Refuses a name that occurs twice, because it does not identify a column.
static mg_status take_names(mg_names *names, char **text, int64_t count, const char *where, mg_error *error) {
    bool found;
    int64_t first, second;
    char name[MG_NAME_SHOWN];
    const mg_names all = {count, text};
    mg_status status = mg_names_repeat(&all, &found, &first, &second, error);
    if (!status && found)
        status =
            mg_fail(error, MG_DATA,
                    "%s: '%s' is the name of features %lld and %lld; names must differ: rename one of "
                    "them, or set data.names (eval, predict: --names) to none or to other names",
                    where, mg_name_shown(text[first], name), (long long)first + 1, (long long)second + 1);
    return status ? status : mg_names_take(names, text, count, where, error);
}

// Reads and checks names. `whose`: the columns, for the message that the number of names is wrong.
static mg_status read_names(mg_h5 *file, const char *place, const char *whose, int64_t width, mg_names *names,
                            mg_error *error) {
    char where[PATH_MAX + PLACE], **text = NULL;
    int64_t count = 0;
    mg_status status = read_place(file, place, &text, &count, error);
    if (!status && count != width)
        status = mg_fail(error, MG_DATA,
                         "%s: %s has %lld names but %s has %lld columns: give every column one name, or set "
                         "data.names (eval, predict: --names) to none",
                         mg_h5_path(file), place, (long long)count, whose, (long long)width);
    snprintf(where, sizeof where, "%s: %s", mg_h5_path(file), place);
    if (!status) status = take_names(names, text, count, where, error);
    if (status) mg_h5_free_texts(text, count);
    return status;
}

// Reads names from a table (compound data set), which AnnData 0.5 wrote where later versions write a group.
static mg_status read_table(mg_h5 *file, const char *features, int64_t width, mg_names *names,
                            mg_error *error) {
    char where[PATH_MAX + PLACE], **text = NULL;
    const char *frame = frame_of(features);
    if (!frame || !is_array(file, frame)) return MG_OK;
    mg_status status = mg_h5_field_texts(file, frame, "index", width, &text, error);
    if (status || !text) return status;
    snprintf(where, sizeof where, "%s: %s/index", mg_h5_path(file), frame);
    status = take_names(names, text, width, where, error);
    if (status) mg_h5_free_texts(text, width);
    return status;
}

// Reads a vector of float32 that `convert` has stored, one number for each column.
static mg_status read_values(mg_h5 *file, const char *name, int64_t width, mg_column_values *out,
                             mg_error *error) {
    mg_h5_array *array;
    if (!is_array(file, name)) return MG_OK;
    mg_status status = mg_h5_array_open(file, name, &array, error);
    if (status) return status;
    if (mg_h5_array_type(array) != MG_H5_F32 || mg_h5_array_rank(array) != 1 ||
        mg_h5_array_rows(array) != width)
        status = mg_fail(error, MG_DATA,
                         "%s: data set %s does not hold %lld values of float32: convert the file again",
                         mg_h5_path(file), name, (long long)width);
    if (!status) status = mg_memory_get(&out->value, (size_t)width, sizeof *out->value, error);
    if (!status) status = mg_h5_array_read(array, 0, width, out->value, error);
    if (!status) out->count = width;
    mg_h5_array_close(array);
    return status;
}

// Reads the table with which n-grams were weighted, and the values that replaced missing ones.
static mg_status read_tables(mg_h5 *file, int64_t width, mg_columns *out, mg_error *error) {
    size_t bytes;
    mg_status status = MG_OK;
    if (mg_recipe_is(out->recipe, "weighting", "tf-idf"))
        status = read_values(file, "text/idf", width, &out->idf, error);
    if (!status && mg_recipe_find(out->recipe, "missing", &bytes))
        status = read_values(file, "csv/fill", width, &out->fill, error);
    return status;
}

mg_status mg_columns_read(mg_h5 *file, const mg_columns_place *place, int64_t width, mg_columns *out,
                          mg_error *error) {
    char found[PLACE];
    const char *features = place->features, *names = place->names;
    *out = (mg_columns){0};
    bool none = names && !strcmp(names, "none");
    bool automatic = !names || !strcmp(names, "auto") ||
                     (!none && place->optional && mg_h5_find(file, names) == MG_H5_MISSING);
    mg_status status = automatic ? find_names(file, features, found, error) : MG_OK;
    if (!status && automatic && *found) status = read_names(file, found, features, width, &out->names, error);
    if (!status && automatic && !*found) status = read_table(file, features, width, &out->names, error);
    if (!status && !automatic && !none) status = read_names(file, names, features, width, &out->names, error);
    if (!status && !automatic && !mg_h5_is_arrays(file))
        status = mg_memory_text(&out->names_from, names, error);
    if (!status && !strcmp(features + (*features == '/'), "X"))
        status = mg_recipe_read(file, &out->recipe, error);
    if (!status && place->table) status = read_tables(file, width, out, error);
    mg_error why;
    if (!status && mg_columns_check(out, &why))
        status = mg_fail(error, MG_DATA, "%s: %s: convert the file again", mg_h5_path(file), why.text);
    if (status) mg_columns_clear(out);
    return status;
}

mg_status mg_column_values_copy(const float *values, int64_t count, mg_column_values *out, mg_error *error) {
    *out = (mg_column_values){0};
    if (!values) return MG_OK;
    mg_status status = mg_memory_get(&out->value, (size_t)count, sizeof *out->value, error);
    if (status) return status;
    memcpy(out->value, values, (size_t)count * sizeof *values);
    out->count = count;
    return MG_OK;
}

mg_status mg_columns_copy(const mg_columns *from, mg_columns *to, mg_error *error) {
    *to = (mg_columns){0};
    mg_status status = mg_names_copy(&from->names, &to->names, error);
    if (!status && from->names_from) status = mg_memory_text(&to->names_from, from->names_from, error);
    if (!status && from->recipe) status = mg_memory_text(&to->recipe, from->recipe, error);
    if (!status) status = mg_column_values_copy(from->idf.value, from->idf.count, &to->idf, error);
    if (!status) status = mg_column_values_copy(from->fill.value, from->fill.count, &to->fill, error);
    if (!status) status = mg_column_values_copy(from->low.value, from->low.count, &to->low, error);
    if (!status) status = mg_column_values_copy(from->high.value, from->high.count, &to->high, error);
    if (!status) status = mg_column_values_copy(from->scale.value, from->scale.count, &to->scale, error);
    if (status) mg_columns_clear(to);
    return status;
}

void mg_columns_clear(mg_columns *columns) {
    mg_names_clear(&columns->names);
    mg_memory_free(columns->names_from);
    mg_memory_free(columns->recipe);
    mg_memory_free(columns->idf.value);
    mg_memory_free(columns->fill.value);
    mg_memory_free(columns->scale.value);
    mg_memory_free(columns->low.value);
    mg_memory_free(columns->high.value);
    *columns = (mg_columns){0};
}

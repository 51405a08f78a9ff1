// columns.h - what a data file says about its columns: their names, and the recipe with which it was
// converted.
#ifndef MG_DATA_COLUMNS_H
#define MG_DATA_COLUMNS_H

#include "base/names.h"
#include "io/h5.h"

// Attribute of the root of a converted file: the format it was made from.
#define MG_COLUMNS_FORMAT "recipe"
// Attribute of the format's group: the digest of the idf table by which the values were weighted.
#define MG_COLUMNS_DIGEST "idf_digest"
// Attribute of the format's group: the name of the label column in the header.
#define MG_COLUMNS_LABEL_NAME "label_name"
enum { MG_RECIPE_LONGEST = 16384 };

typedef struct mg_columns {
    mg_names names;
    char *names_from; // the names' data set as data.names gives it; NULL: found by the layout
    char *recipe;     // lines "option: value", the first one for the format; NULL: unknown
} mg_columns;         // starts zeroed

// Where a file's columns and their names are stored.
typedef struct mg_columns_place {
    const char *features; // data set or group
    // A data set, "none", or "auto" (also NULL): AnnData's var (raw/var for raw/X), or the feature ids of a
    // 10x group.
    const char *names;
    bool optional; // if the data set `names` is missing, act as with "auto"
} mg_columns_place;

// Errors: MG_DATA, also if the number of names is not `width`.
mg_status mg_columns_read(mg_h5 *file, const mg_columns_place *place, int64_t width, mg_columns *out,
                          mg_error *error);
mg_status mg_columns_copy(const mg_columns *from, mg_columns *to, mg_error *error);
void mg_columns_clear(mg_columns *columns);

// The format a converted file was made from, with its options; NULL for other files. Errors: MG_MEMORY,
// MG_DATA.
mg_status mg_recipe_read(mg_h5 *file, char **out, mg_error *error);

// The value of an option in the recipe, not zero-terminated, *bytes long. NULL if the recipe does not have
// it.
const char *mg_recipe_find(const char *recipe, const char *option, size_t *bytes);
// Returns true if two values of an option, a and b bytes long, are equivalent ("word:1" and "word:1:1").
bool mg_recipe_same(const char *option, const char *x, size_t a, const char *y, size_t b);
bool mg_recipe_is(const char *recipe, const char *option, const char *value);

// Errors: MG_DATA if the rows of the other file have another meaning. `named`: the names of both files are
// compared too.
mg_status mg_recipe_compare(const char *known, const char *other, bool named, const mg_names_parties *parties,
                            mg_error *error);

#endif

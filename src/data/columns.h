// columns.h - what a data file says of its columns: their names, and the recipe it was converted by.
#ifndef MG_DATA_COLUMNS_H
#define MG_DATA_COLUMNS_H

#include "base/names.h"
#include "io/h5.h"

#define MG_COLUMNS_FORMAT "recipe" // attribute of a converted file's root: the format it was made from
#define MG_COLUMNS_DIGEST                                                                                    \
    "idf_digest" // attribute of a format's group: which table of idf the values were weighed by
#define MG_COLUMNS_LABEL_NAME                                                                                \
    "label_name" // attribute of a format's group: what the header calls the column of the labels
enum { MG_RECIPE_LONGEST = 16384 };

typedef struct mg_columns {
    mg_names names;
    char *names_from; // data set of the names as data.names gives it; NULL: found by the layout
    char *recipe;     // lines "option: value", the first of which is the format; NULL: not known
} mg_columns;         // starts zeroed

// Where a file's columns and their names are.
typedef struct mg_columns_place {
    const char *features; // data set or group
    const char *names; // data set, "none", or "auto" (NULL is the same): AnnData's var (raw/var for raw/X),
                       // or the feature ids in a group as 10x writes it
    bool optional;     // a named data set that is not there is as "auto"
} mg_columns_place;

// Errors: MG_DATA, also when there are not `width` names.
mg_status mg_columns_read(mg_h5 *file, const mg_columns_place *place, int64_t width, mg_columns *out,
                          mg_error *error);
mg_status mg_columns_copy(const mg_columns *from, mg_columns *to, mg_error *error);
void mg_columns_clear(mg_columns *columns);

// The format a converted file was made from, or NULL: not a converted one. Errors: MG_MEMORY, MG_DATA.
mg_status mg_recipe_read(mg_h5 *file, char **out, mg_error *error);

// Value of an option of the recipe, without an end: *bytes long. NULL when it is not in it.
const char *mg_recipe_find(const char *recipe, const char *option, size_t *bytes);
// Do two values of an option mean the same ("word:1" and "word:1:1")? They end after a and b bytes.
bool mg_recipe_same(const char *option, const char *x, size_t a, const char *y, size_t b);
bool mg_recipe_is(const char *recipe, const char *option, const char *value);

// Errors: MG_DATA when the other file's rows do not mean the same. `named`: the names of both were compared.
mg_status mg_recipe_compare(const char *known, const char *other, bool named, const mg_names_parties *parties,
                            mg_error *error);

#endif

// columns.h - what a data file says about its columns: their names, and the recipe by which `convert` made
// them.
#ifndef MG_DATA_COLUMNS_H
#define MG_DATA_COLUMNS_H

#include "base/names.h"
#include "io/h5.h"

// Attribute of the root of a converted file: the format of its inputs.
#define MG_COLUMNS_FORMAT "recipe"
// Attribute of the format's group: digest of the idf table whose weights the values contain.
#define MG_COLUMNS_DIGEST "idf_digest"
// Attribute of the format's group: name of the label column in the header.
#define MG_COLUMNS_LABEL_NAME "label_name"
enum { MG_RECIPE_LONGEST = 16384, MG_RECIPE_NOTE = 1000 };

// One number for each column, or for each used column; NULL: unknown.
typedef struct mg_column_values {
    int64_t count;
    float *value;
} mg_column_values;

typedef struct mg_columns {
    mg_names names;
    char *names_from; // the data set of the names, if data.names gives it; NULL: it was found by the layout
    char *recipe;     // lines "option: value"; the first line is the format. NULL: unknown
    mg_column_values idf;  // texts weighted by tf-idf: the idf table of all columns
    mg_column_values fill; // tables converted with --missing: what replaces a missing value of each column
    mg_column_values low, high; // limits of the prepared values of all columns (data.clip); NULL: none
    mg_column_values scale;     // the factors by which a run has scaled its used columns (data.scale)
} mg_columns;                   // must be zero before its first use

// The columns of another file, which rows must have.
typedef struct mg_known_columns {
    const mg_columns *columns;
    int64_t features;
    const char *whose; // where they come from, for messages ("in the model m.h5")
    bool same;         // names must be the same and in the same order; otherwise columns are matched by name
    bool complete;     // it is an error if the file lacks one of the names; otherwise that column is 0
} mg_known_columns;

// Where a file stores its columns and their names.
typedef struct mg_columns_place {
    const char *features; // data set or group
    // A data set; "none"; or "auto" (also NULL). "auto" finds AnnData's var (raw/var for raw/X), or the
    // feature ids of a 10x group.
    const char *names;
    bool table; // also read the idf table and the values to fill in, which only the rows of a training file
                // need
    bool optional; // if the data set `names` is missing, act as with "auto"
} mg_columns_place;

enum { MG_IDF_DIGEST = 17 }; // characters of the digest of an idf table, with the 0 at the end
void mg_idf_digest(const float *idf, int64_t count, char out[MG_IDF_DIGEST]);

// Refuses an idf table if its digest is not that in the recipe, and a one-hot column of the recipe for which
// there is no feature. Errors: MG_DATA; the message lacks the path.
mg_status mg_columns_check(const mg_columns *columns, mg_error *error);

// Reads names and recipe. Errors: MG_DATA, also if the number of names is not `width`.
mg_status mg_columns_read(mg_h5 *file, const mg_columns_place *place, int64_t width, mg_columns *out,
                          mg_error *error);

// The same for joined files, which must all have the same names and the same recipe. Errors: also MG_DATA
// with the file and what differs.
mg_status mg_columns_join(mg_h5 *file, const mg_columns_place *place, int64_t width, mg_columns *out,
                          mg_error *error);
mg_status mg_column_values_copy(const float *values, int64_t count, mg_column_values *out, mg_error *error);
mg_status mg_columns_copy(const mg_columns *from, mg_columns *to, mg_error *error);
void mg_columns_clear(mg_columns *columns);

// Reads the format and options with which a converted file was made; *out becomes NULL for other files.
// Errors: MG_MEMORY, MG_DATA.
mg_status mg_recipe_read(mg_h5 *file, char **out, mg_error *error);

// The data sets of an HDF5 file of rows that get the columns of another file.
typedef struct mg_recipe_places {
    // The names in the training file, which are replaced unless the user has given others (`given`). *labels
    // may be NULL: none are read.
    const char **features, **labels;
    char *note; // [MG_RECIPE_NOTE] becomes a note about names that were replaced, if there are any
    bool features_given, labels_given;
    char own[2][MG_H5_NAME];
} mg_recipe_places;

// A file that `convert` has made has X and y, whatever the names in its inputs. Another file has the names
// that the recipe says, if the training file was made from HDF5 files. Errors: MG_MEMORY, MG_DATA.
mg_status mg_recipe_place(mg_h5 *file, const char *recipe, mg_recipe_places *places, mg_error *error);

// Returns the value of an option in the recipe: *bytes characters, not terminated by 0. NULL if the recipe
// does not have the option.
const char *mg_recipe_find(const char *recipe, const char *option, size_t *bytes);
// True if two values of an option, a and b bytes long, have the same meaning (such as "word:1" and
// "word:1:1").
bool mg_recipe_same(const char *option, const char *x, size_t a, const char *y, size_t b);
bool mg_recipe_is(const char *recipe, const char *option, const char *value);

// Refuses a recipe that differs from a known one in any option. NULL is the recipe of a file that `convert`
// has not made. Errors: MG_DATA with the first difference.
mg_status mg_recipe_require(const char *known, const char *other, const mg_names_parties *parties,
                            mg_error *error);

// Compares two recipes. `named`: the caller also compares the names of the columns. Errors: MG_DATA if
// columns of the other file have another meaning.
mg_status mg_recipe_compare(const char *known, const char *other, bool named, const mg_names_parties *parties,
                            mg_error *error);

#endif

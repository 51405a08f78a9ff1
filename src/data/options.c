// options.c - the options of section data.
#include "data/options.h"

#include <string.h>

bool mg_data_fraction(const char *text, double *out) {
    const char *rest;
    if (mg_parse_real(text, out)) return true;
    if (!mg_parse_real_prefix(text, out, &rest) || strcmp(rest, "%")) return false;
    *out /= 100;
    return true;
}

static const char *rows_name(int i) {
    static const char *const names[] = {"none", "unit", "total"};
    return i < 3 ? names[i] : NULL;
}

static const char *transform_name(int i) {
    static const char *const names[] = {"none", "log1p"};
    return i < 2 ? names[i] : NULL;
}

static const char *scale_word(int i) {
    static const char *const words[] = {"none", "standard", "max-abs"};
    return i < 3 ? words[i] : NULL;
}

static const char *unlabelled_name(int i) {
    static const char *const names[] = {"error", "drop"};
    return i < 2 ? names[i] : NULL;
}

static mg_status check_scale(const char *value, mg_error *error) {
    double number;
    for (int i = 0; scale_word(i); i++)
        if (!strcmp(value, scale_word(i))) return MG_OK;
    if (mg_parse_real(value, &number) && number >= 1e-30 && number <= 1e30) return MG_OK;
    return mg_fail(error, MG_CONFIG, "none, standard, max-abs or a number from 1e-30 to 1e30 such as 1/255");
}

static const char *missing_name(int i) {
    static const char *const names[] = {"zero", "error"};
    return i < 2 ? names[i] : NULL;
}

#define AT(field) offsetof(mg_data_options, field)
static const mg_option rows[] = {
    {"train", MG_OPTION_PATHS, AT(train), "", 0, 0, NULL, NULL, false,
     "HDF5 file with the training rows, or several: a list or a pattern such as parts/*.h5."},
    {"validation", MG_OPTION_PATHS, AT(validation), "", 0, 0, NULL, NULL, false,
     "File with validation rows, or the fraction of the training rows to hold out, such as 0.1 or 10%. A "
     "file that is not HDF5 is converted with the options with which data.train was converted."},
    {"test", MG_OPTION_PATHS, AT(test), "", 0, 0, NULL, NULL, false,
     "File with test rows, which are evaluated once, at the end of training. It may have any format that "
     "data.validation may have."},
    {"features", MG_OPTION_TEXT, AT(features), "X", 0, 0, NULL, NULL, true,
     "Name of the features in each of the files: a data set [N,D], or a CSR group (data, indices, indptr)."},
    {"labels", MG_OPTION_TEXT, AT(labels), "y", 0, 0, NULL, NULL, true,
     "Name of the labels [N] in each of the files: a data set of integers or strings, or an AnnData "
     "categorical group such as obs/cell_type."},
    {"unlabelled", MG_OPTION_CHOICE, AT(unlabelled), "error", 0, 0, unlabelled_name, NULL, true,
     "What to do with rows without a label (missing, masked, NaN, NA and similar words) in any of the files: "
     "error, or drop, which leaves these rows out."},
    {"names", MG_OPTION_TEXT, AT(names), "auto", 0, 0, NULL, NULL, true,
     "Where the names of the features [D] are: a data set, none, or auto (AnnData's var, 10x's feature ids). "
     "The columns of the validation and test files are matched to those of the training file by these "
     "names."},
    {"missing", MG_OPTION_CHOICE, AT(missing), "zero", 0, 0, missing_name, NULL, false,
     "What to do if the validation or test file lacks features that the training file has, by name: zero "
     "(their cells count as 0) or error."},
    {"weights", MG_OPTION_TEXT, AT(weights), "", 0, 0, NULL, NULL, true,
     "Name of the data set with the weights of the rows [N], none negative. A row of weight 2 counts as two "
     "rows."},
    {"rows", MG_OPTION_CHOICE, AT(rows), "none", 0, 0, rows_name, NULL, true,
     "First preparation: how each row is scaled. none, unit (to the Euclidean length 1) or total (to the sum "
     "10,000; its sum must be above 0). Rows of zeros do not change."},
    {"transform", MG_OPTION_CHOICE, AT(transform), "none", 0, 0, transform_name, NULL, true,
     "Second preparation: what replaces each value x. none, or log1p, which is log(1 + x)."},
    {"scale", MG_OPTION_TEXT, AT(scale), "none", 0, 0, scale_word, check_scale, true,
     "Third preparation: how each column is scaled. none, a factor such as 1/255, standard (to mean 0 and "
     "standard deviation 1) or max-abs (to the largest magnitude 1)."},
    {"clip", MG_OPTION_REAL, AT(clip), "0", 0, 1e30, NULL, NULL, true,
     "Upper limit of prepared and scaled values, such as 10: larger values become the limit. 0 = no limit."},
    {"clip_below", MG_OPTION_REAL, AT(clip_below), "0", 0, 1e30, NULL, NULL, true,
     "Lower limit of prepared and scaled values, without its sign, such as 10: values below -10 become -10. "
     "0 = no limit."},
    {"memory_limit", MG_OPTION_BYTES, AT(memory_limit), "0", 0, 1e18, NULL, NULL, false,
     "Bytes of training rows that may be held in memory. Larger data are streamed from the file. 0 = 60% "
     "of the free memory."},
    {"window", MG_OPTION_BYTES, AT(window), "64MiB", 4096, 1e15, NULL, NULL, true,
     "Bytes of rows that are shuffled together. An epoch takes blocks of rows in random order and shuffles "
     "the rows of each window."},
};

const mg_section mg_data_section = {
    .name = "data",
    .help = "where the rows come from and how they are prepared",
    .options = rows,
    .count = sizeof rows / sizeof *rows,
};

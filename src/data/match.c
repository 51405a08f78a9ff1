// match.c - checks that the columns of a file have the same meaning as those of another file.
#include "data/dataset.h"

#include <stdio.h>

static mg_status check_width(const mg_dataset *dataset, int64_t features, const char *whose,
                             mg_error *error) {
    if (dataset->features == features || (dataset->layout == MG_CSR && dataset->features < features))
        return MG_OK;
    if (dataset->layout == MG_CSR)
        return mg_fail(
            error, MG_DATA,
            "%s: has %lld features but there are %lld %s: column %lld (from 0) and above do not exist there: "
            "convert both files with the same options (margin convert --like)",
            dataset->path, (long long)dataset->features, (long long)features, whose, (long long)features);
    return mg_fail(error, MG_DATA,
                   "%s: has %lld features but there are %lld %s: convert both files with the same options "
                   "(margin convert --like)",
                   dataset->path, (long long)dataset->features, (long long)features, whose);
}

mg_status mg_dataset_match(mg_dataset *dataset, const mg_columns *known, int64_t features, const char *whose,
                           mg_error *error) {
    mg_names_parties parties = {dataset->path, whose, "convert it again, with --like and the training file"};
    const mg_names *names = &dataset->columns.names;
    bool named = known->names.count > 0 && names->count > 0;
    mg_status status = mg_recipe_compare(known->recipe, dataset->columns.recipe, named, &parties, error);
    parties.advice = "rename and reorder its columns to match";
    if (!status && named) status = mg_names_compare(&known->names, names, &parties, error);
    if (!status) status = check_width(dataset, features, whose, error);
    if (status) return status;
    dataset->features = features; // a sparse file may have fewer features; the missing ones are 0
    if (dataset->resident) dataset->store.features = features;
    return MG_OK;
}

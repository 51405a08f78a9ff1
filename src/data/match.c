// match.c - gives the rows of a file the columns of another file: by names, or by position if one of the two
// has none.
#include "data/dataset.h"

#include <stdio.h>

static mg_status check_width(const mg_dataset *dataset, const mg_known_columns *known, mg_error *error) {
    int64_t own = dataset->features, features = known->features;
    if (own == features || (dataset->layout == MG_CSR && own < features)) return MG_OK;
    if (dataset->layout == MG_CSR)
        return mg_fail(error, MG_DATA,
                       "%s: has %lld features but there are %lld %s, so column %lld (from 0) and above are "
                       "unknown there: convert both files with the same options (margin convert --like)",
                       dataset->path, (long long)own, (long long)features, known->whose, (long long)features);
    return mg_fail(error, MG_DATA,
                   "%s: has %lld features but there are %lld %s: convert both files with the same options "
                   "(margin convert --like)",
                   dataset->path, (long long)own, (long long)features, known->whose);
}

// Refuses an alignment that leaves no feature, or too few.
static mg_status check_matched(const mg_dataset *dataset, const mg_known_columns *known,
                               const mg_align *align, const mg_names_parties *parties, mg_error *error) {
    char a[MG_NAME_SHOWN], b[MG_NAME_SHOWN];
    const mg_names *theirs = &known->columns->names, *own = &dataset->columns.names;
    if (!align->matched)
        return mg_fail(
            error, MG_DATA,
            "%s: none of its %lld features has a name of the %lld %s (the first is '%s' here, '%s' "
            "there): name the data set with such names (data.names; eval, predict: --names)",
            dataset->path, (long long)own->count, (long long)theirs->count, known->whose,
            mg_name_shown(own->text[0], a), mg_name_shown(theirs->text[0], b));
    return known->complete ? mg_align_complete(align, theirs, parties, error) : MG_OK;
}

static mg_status align(mg_dataset *dataset, const mg_known_columns *known, const mg_names_parties *parties,
                       mg_error *error) {
    mg_align found;
    mg_status status =
        mg_align_create(&known->columns->names, &dataset->columns.names, parties, &found, error);
    if (!status) status = check_matched(dataset, known, &found, parties, error);
    if (!status) status = mg_source_align(dataset->source, &found, error);
    if (status) mg_align_clear(&found);
    return status;
}

mg_status mg_dataset_match(mg_dataset *dataset, const mg_known_columns *known, mg_error *error) {
    mg_names_parties parties = {dataset->path, known->whose,
                                "convert it again, with --like and the training file"};
    const mg_names *theirs = &known->columns->names, *own = &dataset->columns.names;
    bool named = theirs->count > 0 && own->count > 0;
    mg_status status =
        mg_recipe_compare(known->columns->recipe, dataset->columns.recipe, named, &parties, error);
    parties.advice = "rename and reorder its columns to match";
    if (!status && named && known->same) status = mg_names_compare(theirs, own, &parties, error);
    else if (!status && named && !mg_names_same(theirs, own)) status = align(dataset, known, &parties, error);
    else if (!status) status = check_width(dataset, known, error);
    if (status) return status;
    dataset->features = known->features; // a sparse file may have fewer features; the missing ones are 0
    if (dataset->resident) dataset->store.features = known->features;
    return MG_OK;
}

void mg_dataset_matched(const mg_dataset *dataset, int64_t others, char out[MG_ALIGN_TEXT]) {
    mg_align_text(mg_source_alignment(dataset->source), mg_dataset_width(dataset), others, out);
}

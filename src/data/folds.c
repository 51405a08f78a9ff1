// folds.c - assigns rows to folds, class by class. The rows of a class go to the folds in turn.
#include "data/folds.h"

#include "base/memory.h"
#include "base/rng.h"

enum { FOLD_STREAM = 7 };

// Sorts the numbers of the labelled rows by class; within a class they are in file order. Class k has
// member[first[k] .. first[k+1]).
static void sort_by_class(const int32_t *label, int64_t rows, int64_t classes, int64_t *first,
                          uint32_t *member) {
    for (int64_t i = 0; i < rows; i++)
        if (label[i] >= 0) first[label[i] + 1]++;
    for (int64_t k = 0; k < classes; k++) first[k + 1] += first[k];
    for (int64_t i = 0; i < rows; i++)
        if (label[i] >= 0) member[first[label[i]]++] = (uint32_t)i;
    for (int64_t k = classes; k > 0; k--) first[k] = first[k - 1];
    first[0] = 0;
}

// Fails if too few rows can be held out. The only row of a class is never held out, because nothing would be
// left to train that class.
static mg_status check_dealt(const char *name, const int64_t *first, const mg_classes *classes, int64_t folds,
                             mg_error *error) {
    int64_t dealt = 0;
    for (int64_t k = 0; k < classes->count; k++)
        dealt += first[k + 1] - first[k] > 1 ? first[k + 1] - first[k] : 0;
    if (dealt >= folds) return MG_OK;
    return mg_fail(error, MG_USAGE,
                   "--folds: %lld folds need at least %lld rows, not counting classes of one row, but %s has "
                   "%lld: use fewer folds or more rows",
                   (long long)folds, (long long)folds, name, (long long)dealt);
}

mg_status mg_folds_deal(const mg_split_request *request, int32_t *fold, mg_error *error) {
    const mg_classes *classes = request->classes;
    int64_t rows = request->rows, folds = request->folds;
    int64_t *first = NULL, dealt = 0;
    uint32_t *member = NULL, *order = NULL;
    if (folds > rows || rows > UINT32_MAX)
        return mg_fail(
            error, MG_USAGE,
            "--folds: %lld folds are not allowed for %lld rows (at most as many folds as rows, and %u rows)",
            (long long)folds, (long long)rows, UINT32_MAX);
    mg_status status = mg_memory_zeroed(&first, (size_t)classes->count + 1, sizeof *first, error);
    if (!status) status = mg_memory_get(&member, (size_t)rows, sizeof *member, error);
    if (!status) status = mg_memory_get(&order, (size_t)rows, sizeof *order, error);
    if (!status) {
        sort_by_class(request->label, rows, classes->count, first, member);
        status = check_dealt(request->name, first, classes, folds, error);
    }
    for (int64_t i = 0; !status && i < rows; i++) fold[i] = MG_NO_FOLD;
    // Each class begins with the fold after the last one used, so that the rows of small classes do not all
    // go to the first folds.
    for (int64_t k = 0; !status && k < classes->count; k++) {
        int64_t count = first[k + 1] - first[k];
        if (count == 1) continue;
        mg_rng_permutation(mg_rng_key(request->seed, FOLD_STREAM, (uint64_t)k), (uint32_t)count, order);
        for (int64_t j = 0; j < count; j++) fold[member[first[k] + order[j]]] = (int32_t)(dealt++ % folds);
    }
    mg_memory_free(first);
    mg_memory_free(member);
    mg_memory_free(order);
    return status;
}

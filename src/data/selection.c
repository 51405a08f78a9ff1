// selection.c - selects the rows of a data set.
#include "data/selection.h"

#include "base/memory.h"
#include "data/split.h"

#include <string.h>

mg_status mg_selected_split(mg_h5 *file, const mg_dataset_request *request, const mg_source *source,
                            mg_selected *out, mg_error *error) {
    int64_t rows = mg_source_rows(source);
    *out = (mg_selected){.count = rows};
    if (request->selection == MG_SELECT_ALL) return MG_OK;
    mg_classes classes = {0};
    int32_t *label = NULL;
    mg_split split = {0};
    mg_status status = MG_OK;
    const mg_labels_request all = {.name = request->labels,
                                   .rows = rows,
                                   .part_rows = mg_source_part_rows(source),
                                   .count = rows,
                                   .allow_unlabelled = request->drop_unlabelled};
    if (request->labels) status = mg_labels_read(file, &all, &label, &classes, error);
    const mg_split_request how = {.name = mg_h5_parts(file) > 1 ? mg_h5_path(file) : request->path,
                                  .label = label,
                                  .rows = rows,
                                  .classes = &classes,
                                  .fraction = request->held_out,
                                  .folds = request->folds,
                                  .fold = request->fold,
                                  .seed = request->seed};
    if (!status) status = mg_split_rows(&how, &split, error);
    if (!status) status = mg_memory_get(&out->row, (size_t)rows, sizeof *out->row, error);
    out->count = 0;
    for (int64_t i = 0; !status && i < rows; i++)
        if (split.held[i] == (request->selection == MG_SELECT_HELD_OUT)) out->row[out->count++] = i;
    if (!status && out->count == 0)
        status = mg_fail(error, MG_CONFIG,
                         "data.validation: %g of %lld rows leaves no rows for training or for validation: "
                         "set another fraction",
                         request->held_out, (long long)rows);
    out->left_out.unseen = split.unseen;
    memcpy(out->left_out.unseen_label, split.unseen_label, sizeof split.unseen_label);
    mg_split_clear(&split);
    mg_memory_free(label);
    mg_classes_clear(&classes);
    return status;
}

mg_status mg_selected_drop_unlabelled(const char *path, mg_selected *selected, int32_t *label,
                                      mg_error *error) {
    int64_t count = selected->count, unlabelled = 0, kept = 0;
    for (int64_t i = 0; i < count; i++) unlabelled += label[i] == MG_UNLABELLED;
    selected->left_out.unlabelled = unlabelled;
    if (!unlabelled) return MG_OK;
    if (unlabelled == count)
        return mg_fail(error, MG_DATA, "%s: none of its %lld rows has a label: check data.labels", path,
                       (long long)count);
    bool all = !selected->row;
    mg_status status =
        all ? mg_memory_get(&selected->row, (size_t)count, sizeof *selected->row, error) : MG_OK;
    for (int64_t i = 0; !status && i < count; i++) {
        if (label[i] == MG_UNLABELLED) continue;
        selected->row[kept] = all ? i : selected->row[i];
        label[kept++] = label[i];
    }
    selected->count = kept;
    return status;
}

// classes.c - lists the classes of a data file.
#include "inspect/inspect.h"

#include "base/memory.h"
#include "base/printable.h"
#include "data/source.h"

mg_status mg_inspect_class_counts(mg_h5 *file, const char *features, const char *labels, mg_writer *out,
                                  mg_error *error) {
    mg_source *source;
    mg_classes classes = {0};
    int32_t *label = NULL;
    int64_t *count = NULL;
    char buffer[MG_LABEL_BUFFER];
    mg_status status = mg_source_open(file, features, mg_preparation_of("none", "none"), &source, error);
    if (status) return status;
    const mg_labels_request all = {
        .name = labels, .rows = mg_source_rows(source), .count = mg_source_rows(source)};
    status = mg_labels_read(file, &all, &label, &classes, error);
    if (!status) status = mg_memory_zeroed(&count, (size_t)classes.count, sizeof *count, error);
    for (int64_t i = 0; !status && i < all.count; i++) count[label[i]]++;
    for (int64_t k = 0; !status && k < classes.count; k++) {
        mg_printable_add(out, mg_classes_label(&classes, k, buffer));
        mg_writer_format(out, "\t%lld\n", (long long)count[k]);
    }
    if (!status) status = mg_h5_check_unchanged(file, error);
    mg_memory_free(count);
    mg_memory_free(label);
    mg_classes_clear(&classes);
    mg_source_close(source);
    return status;
}

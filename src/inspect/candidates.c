// candidates.c - lists what else in a file could be features, and which columns could be labels.
#include "inspect/inspect.h"

#include "base/arithmetic.h"
#include "base/memory.h"
#include "base/printable.h"
#include "data/source.h"

#include <stdio.h>
#include <string.h>

enum { PLACE = MG_H5_NAME + 1100, MOST_LISTED = 40, SHOWN_CLASSES = 5 };

typedef struct listing {
    mg_h5 *file;
    const char *used;    // the data set that is described anyway
    int64_t rows;        // number of rows; 0: not known yet
    mg_writer list;      // lines about candidates
    mg_writer others;    // names of columns that are no labels
    int found, unlisted; // candidates; those beyond MOST_LISTED
    mg_error error;      // the first error that says nothing about the content
    mg_status status;
} listing;

typedef void visit(listing *l, const char *name);

// Returns true if `status` is that of an unfit data set. Keeps errors that are not about the content.
static bool unfit(listing *l, mg_status status, const mg_error *error) {
    if (status && status != MG_DATA && !l->status) {
        l->status = status;
        l->error = *error;
    }
    return status != MG_OK;
}

// Ends a text: keeps the error if it is incomplete for lack of memory.
static void end_text(listing *l, mg_writer *text) {
    unfit(l, text->status, &text->error);
    mg_writer_clear(text);
}

static bool listed(listing *l, const char *name) {
    if (!l->used || strcmp(name, l->used) != 0) l->found++;
    l->unlisted += l->found > MOST_LISTED;
    return l->found <= MOST_LISTED;
}

// Calls `see` for the members of a group or the columns of a table.
static void each_member(listing *l, const char *parent, visit *see) {
    char member[1024], name[PLACE];
    bool table = mg_h5_find(l->file, parent) == MG_H5_ARRAY;
    for (int64_t i = 0; !l->status && (table ? mg_h5_column(l->file, parent, i, member, sizeof member)
                                             : mg_h5_member(l->file, parent, i, member, sizeof member));
         i++) {
        snprintf(name, sizeof name, "%s%s%s", strcmp(parent, "/") ? parent : "",
                 strcmp(parent, "/") ? "/" : "", member);
        see(l, name);
    }
}

// ---- features -----------------------------------------------------------------------------------

static void put_features(listing *l, const char *name) {
    mg_source *source;
    mg_error error;
    mg_status status = mg_source_open(l->file, name, mg_preparation_of("none", "none"), &source, &error);
    if (unfit(l, status, &error)) return;
    const char *layout = mg_source_transposed_bytes(source)   ? "sparse (CSC)"
                         : mg_source_layout(source) == MG_CSR ? "sparse (CSR)"
                                                              : "dense";
    if (!l->rows) l->rows = mg_source_rows(source);
    if (listed(l, name))
        mg_printable_line(&l->list, "  %-24s %lld rows of %lld features, %s, %s", name,
                          (long long)mg_source_rows(source), (long long)mg_source_features(source), layout,
                          mg_source_type_name(source));
    mg_source_close(source);
}

// The groups of AnnData that never hold features of the rows.
static bool never_features(const char *name) {
    static const char *const names[] = {"obs", "var", "uns", "obsp", "varp", "varm", "raw.var", "raw.varm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i])) return true;
    return false;
}

static void look_for_features(listing *l, const char *name) {
    static const char *const groups[] = {"raw", "layers", "obsm"};
    if (never_features(name)) return;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (!strcmp(name, groups[i])) {
            each_member(l, name, put_features);
            return;
        }
    put_features(l, name);
}

// ---- labels -------------------------------------------------------------------------------------

static void put_classes(listing *l, const char *name, const mg_classes *classes, const int32_t *label,
                        const int64_t *count) {
    int64_t least = l->rows, most = 0, unlabelled = 0;
    char buffer[MG_LABEL_BUFFER], shown[MG_NAME_SHOWN];
    mg_writer line = {0};
    for (int64_t k = 0; k < classes->count; k++)
        least = mg_min(least, count[k]), most = mg_max(most, count[k]);
    for (int64_t i = 0; i < l->rows; i++) unlabelled += label[i] == MG_UNLABELLED;
    for (int64_t k = 0; k < classes->count && k < SHOWN_CLASSES; k++)
        mg_writer_format(&line, "%s%s", k ? ", " : "",
                         mg_name_shown(mg_classes_label(classes, k, buffer), shown));
    if (classes->count > SHOWN_CLASSES) mg_writer_add(&line, ", ...");
    if (unlabelled) mg_writer_format(&line, "; %lld rows without a label", (long long)unlabelled);
    char rows[64];
    if (least == most) snprintf(rows, sizeof rows, "%lld rows each", (long long)most);
    else snprintf(rows, sizeof rows, "%lld to %lld rows", (long long)least, (long long)most);
    mg_printable_line(&l->list, "  %-24s %lld classes of %s: %s", name, (long long)classes->count, rows,
                      line.text ? line.text : "");
    end_text(l, &line);
}

static bool is_index(const char *name) {
    const char *leaf = strrchr(name, '/');
    leaf = leaf ? leaf + 1 : name;
    return !strcmp(leaf, "_index") || !strcmp(leaf, "index") || !strncmp(leaf, "__", 2);
}

static void put_labels(listing *l, const char *name) {
    const mg_labels_request all = {.name = name, .rows = l->rows, .count = l->rows, .allow_unlabelled = true};
    int32_t *label;
    int64_t *count = NULL;
    mg_classes classes;
    mg_error error;
    if (is_index(name)) return;
    mg_status status = mg_labels_read(l->file, &all, &label, &classes, &error);
    bool none = unfit(l, status, &error);
    // Texts that repeat at all are classes; numbers may be measurements.
    int64_t most = classes.texts ? l->rows - 1 : l->rows / 2;
    if (!none && classes.count >= 2 && classes.count <= most) {
        unfit(l, mg_memory_zeroed(&count, (size_t)classes.count, sizeof *count, &error), &error);
        for (int64_t i = 0; count && i < l->rows; i++)
            if (label[i] >= 0) count[label[i]]++;
        if (count && listed(l, name)) put_classes(l, name, &classes, label, count);
    } else if (!l->others.length || l->others.length < 300) {
        mg_writer_format(&l->others, "%s%s", l->others.length ? ", " : "", name);
    }
    if (none) return;
    mg_memory_free(count);
    mg_memory_free(label);
    mg_classes_clear(&classes);
}

static bool is_vector(listing *l, const char *name) {
    mg_h5_array *array;
    mg_error error;
    if (mg_h5_find(l->file, name) != MG_H5_ARRAY ||
        unfit(l, mg_h5_array_open(l->file, name, &array, &error), &error))
        return false;
    bool is = mg_h5_array_rows(array) == l->rows && mg_h5_array_columns(array) == 1;
    mg_h5_array_close(array);
    return is;
}

static void look_for_labels(listing *l, const char *name) {
    if (!strcmp(name, "obs")) each_member(l, name, put_labels);
    else if (is_vector(l, name)) put_labels(l, name);
}

// ---- both ---------------------------------------------------------------------------------------

static void finish(listing *l, const char *head, mg_writer *out) {
    if (l->found || l->others.length) mg_writer_format(out, "\n%s\n", head);
    if (l->found && l->list.length) mg_writer_add_bytes(out, l->list.text, l->list.length);
    if (l->unlisted) mg_writer_format(out, "  ... and %d more\n", l->unlisted);
    if (l->others.length)
        mg_printable_line(out, "  no labels (measurements, or too many or too few values): %s",
                          l->others.text);
    end_text(l, &l->list);
    end_text(l, &l->others);
}

mg_status mg_inspect_candidates(mg_h5 *file, const char *features, const char *labels, int64_t rows,
                                mg_writer *out, mg_error *error) {
    listing l = {.file = file, .used = features, .rows = rows};
    each_member(&l, "/", look_for_features);
    finish(&l, "could be features (--features; in a configuration: data.features)", out);
    listing columns = {.file = file, .used = labels, .rows = l.rows, .status = l.status, .error = l.error};
    if (columns.rows) each_member(&columns, "/", look_for_labels);
    finish(&columns, "could be labels (--labels; in a configuration: data.labels)", out);
    return columns.status ? mg_fail(error, columns.status, "%s", columns.error.text) : MG_OK;
}

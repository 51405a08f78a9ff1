// own_rows.c - owns what the ranks tell each other about labels. First each rank looks at a slice of the
// file. From the results of all ranks, every rank learns the classes, the rows that a class must keep, and
// how many rows each slice has that are selected. So every rank knows which rows of the file are its own, and
// reads those.
#include "data/own_rows.h"

#include "base/arithmetic.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/rng.h"
#include "comm/blocks.h"
#include "data/raw_labels.h"
#include "data/row_weights.h"
#include "data/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What all ranks know in the end.
typedef struct own_rows {
    const mg_own_file *file;
    mg_own_rows *out;
    const mg_dataset_request *request;
    mg_comm *comm;
    int64_t rows;          // of the file
    mg_split_tally *tally; // [classes] of all rows; for a fraction that is held out
    mg_split split;        // which rows are held out; for the folds of a cross-validation
    int64_t *edge;         // [ranks + 1] the row of the file with which each rank begins
} own_rows;

// Rows of a file with their classes.
typedef struct labelled {
    mg_label_span span;
    int32_t *label; // [span.count]
} labelled;

static mg_status agree(const own_rows *o, mg_status status, mg_error *error) {
    return mg_comm_agree(o->comm, status, NULL, error);
}

static bool splits(const own_rows *o) { return o->request->selection != MG_SELECT_ALL; }

static mg_status read_raw(const own_rows *o, const mg_label_span *span, mg_raw_labels *raw, mg_error *error) {
    return mg_raw_labels_join(o->file->file, o->request->labels, mg_source_part_rows(o->file->source), span,
                              o->request->drop_unlabelled, raw, error);
}

static mg_status map(const own_rows *o, const mg_raw_labels *raw, bool allow_unknown, labelled *out,
                     mg_error *error) {
    const mg_labels_request request = {.name = o->request->labels,
                                       .rows = o->rows,
                                       .part_rows = mg_source_part_rows(o->file->source),
                                       .count = out->span.count,
                                       .known = o->request->known,
                                       .allow_unknown = allow_unknown || o->request->allow_unknown,
                                       .allow_unlabelled = o->request->drop_unlabelled};
    mg_status status = mg_memory_get(&out->label, (size_t)out->span.count, sizeof *out->label, error);
    if (status) return status;
    return mg_labels_map(o->file->file, &request, raw, out->span.first, &o->out->classes, out->label, error);
}

// ---- the classes --------------------------------------------------------------------------------

// Collects a block of every rank. *all: the blocks, one after the other; *total: their bytes.
static mg_status collect(const own_rows *o, const void *own, int64_t bytes, char **all, size_t *total,
                         mg_error *error) {
    mg_comm *comm = o->comm;
    int64_t *sizes = NULL;
    size_t *each = NULL, before = 0;
    *all = NULL;
    *total = 0;
    mg_status status = mg_comm_copies(comm, &bytes, sizeof bytes, (void **)&sizes, error);
    if (status) return status;
    status = mg_memory_get(&each, (size_t)comm->ranks, sizeof *each, error);
    for (int r = 0; !status && r < comm->ranks; r++) {
        each[r] = (size_t)sizes[r];
        if (r == comm->rank) before = *total;
        *total += each[r];
    }
    if (!status) status = mg_memory_get(all, *total + 1, 1, error);
    status = agree(o, status, error);
    if (!status && bytes) memcpy(*all + before, own, (size_t)bytes);
    if (!status) status = mg_comm_blocks(comm, each, *all, error);
    mg_memory_free(sizes);
    mg_memory_free(each);
    return status;
}

// The classes of all ranks, from those of the slices. `status`: of making `own`.
static mg_status unite_classes(const own_rows *o, mg_status status, const mg_classes *own, mg_error *error) {
    char *packed = NULL, *all = NULL;
    int64_t bytes = 0;
    size_t total = 0;
    if (!status) status = mg_classes_pack(own, &packed, &bytes, error);
    status = agree(o, status, error);
    if (!status)
        status = mg_comm_same(o->comm, own->texts, MG_DATA, "the kinds of the labels",
                              "all ranks need the same file", error);
    if (!status) {
        status = collect(o, packed, bytes, &all, &total, error);
        if (!status) status = mg_classes_unite(all, total, own->texts, &o->out->classes, error);
        status = agree(o, status, error);
    }
    mg_memory_free(all);
    mg_memory_free(packed);
    return status;
}

static mg_status find_classes(const own_rows *o, const mg_raw_labels *raw, int64_t count, mg_status status,
                              mg_error *error) {
    mg_classes own = {0};
    if (o->request->known) {
        if (!status) status = mg_classes_copy(o->request->known, &o->out->classes, error);
        return agree(o, status, error);
    }
    if (!status) status = mg_classes_of(raw, NULL, count, &own, error);
    status = unite_classes(o, status, &own, error);
    mg_classes_clear(&own);
    return status;
}

// ---- the same file on all ranks -----------------------------------------------------------------

static mg_label_span slice_of(const own_rows *o, int rank) {
    int64_t first = mg_comm_rank_row(o->comm, o->rows, rank);
    return (mg_label_span){o->rows, first, mg_comm_rank_row(o->comm, o->rows, rank + 1) - first};
}

static mg_status compare_shapes(const own_rows *o, mg_error *error) {
    const mg_source *source = o->file->source;
    const int64_t shape[4] = {o->rows, mg_source_features(source), mg_source_layout(source),
                              mg_source_cell(source)};
    char what[MG_PATH_TEXT];
    snprintf(what, sizeof what, "%s: the shape or type", o->file->path);
    return mg_comm_same(o->comm, mg_hash_bytes(0, shape, sizeof shape), MG_DATA, what,
                        "all ranks need the same file", error);
}

// Hash of the labels, and of the weights of these rows in the file of this rank.
static mg_status hash_of(const own_rows *o, const labelled *part, uint64_t *hash, mg_error *error) {
    size_t count = (size_t)part->span.count;
    int64_t *select = NULL;
    float *weight = NULL;
    mg_status status = MG_OK;
    *hash = mg_hash_bytes(0, part->label, count * sizeof *part->label);
    if (!o->request->weights) return MG_OK;
    status = mg_memory_get(&select, count, sizeof *select, error);
    for (size_t i = 0; !status && i < count; i++) select[i] = part->span.first + (int64_t)i;
    const mg_row_selection rows = {o->file->file, o->file->source, select, part->span.count};
    if (!status) status = mg_row_weights_read(&rows, o->request->weights, &weight, error);
    if (!status) *hash = mg_hash_bytes(*hash, weight, count * sizeof *weight);
    mg_memory_free(select);
    mg_memory_free(weight);
    return status;
}

// Each rank reads the slice of the next one too, and both compare what they have read.
static mg_status compare_files(const own_rows *o, const labelled *slice, mg_error *error) {
    mg_comm *comm = o->comm;
    mg_raw_labels raw = {0};
    labelled next = {.span = slice_of(o, (comm->rank + 1) % comm->ranks)};
    uint64_t hash[2] = {0, 0}, (*all)[2] = NULL;
    mg_status status = hash_of(o, slice, &hash[0], error);
    if (!status) status = read_raw(o, &next.span, &raw, error);
    if (!status) status = map(o, &raw, true, &next, error);
    mg_raw_labels_clear(&raw);
    if (!status) status = hash_of(o, &next, &hash[1], error);
    mg_memory_free(next.label);
    status = agree(o, status, error);
    if (!status) status = mg_comm_copies(comm, hash, sizeof hash, (void **)&all, error);
    for (int r = 0; !status && r < comm->ranks; r++) {
        int other = (r + 1) % comm->ranks, low = r < other ? r : other, high = r + other - low;
        if (all[r][1] == all[other][0]) continue;
        status =
            mg_fail(error, MG_DATA,
                    "%s: the labels or weights of rank %d (%s) differ from those of rank %d (%s): all ranks "
                    "need the same file",
                    o->file->path, high, comm->host[high], low, comm->host[low]);
    }
    mg_memory_free(all);
    return agree(o, status, error);
}

// ---- the selected rows --------------------------------------------------------------------------

typedef struct counting {
    const own_rows *o;
    const labelled *slice;
} counting;

static void count_slice(void *context, void *tally) {
    const counting *c = context;
    for (int64_t i = 0; i < c->slice->span.count; i++)
        mg_split_count(c->o->request->held_out, c->o->request->seed, c->slice->span.first + i,
                       c->slice->label[i], tally);
}

// The fold of a row depends on the classes of all rows, so every rank collects them.
static mg_status deal(own_rows *o, const labelled *slice, mg_error *error) {
    const mg_dataset_request *request = o->request;
    mg_left_out *left = &o->out->left_out;
    char *label = NULL;
    size_t bytes = 0;
    mg_status status =
        collect(o, slice->label, slice->span.count * (int64_t)sizeof *slice->label, &label, &bytes, error);
    const mg_split_request how = {.name = o->file->path,
                                  .label = (const int32_t *)(const void *)label,
                                  .rows = o->rows,
                                  .classes = &o->out->classes,
                                  .folds = request->folds,
                                  .fold = request->fold,
                                  .seed = request->seed};
    if (!status) status = agree(o, mg_split_rows(&how, &o->split, error), error);
    mg_memory_free(label);
    if (status) return status;
    left->unseen = o->split.unseen;
    memcpy(left->unseen_label, o->split.unseen_label, sizeof left->unseen_label);
    return MG_OK;
}

// Decides which rows are held out. For a fraction, a rank needs only the tallies of the rows of other ranks,
// not the rows themselves.
static mg_status hold_out(own_rows *o, const labelled *slice, mg_error *error) {
    size_t classes = (size_t)o->out->classes.count;
    counting c = {o, slice};
    mg_left_out *left = &o->out->left_out;
    char buffer[MG_LABEL_BUFFER];
    if (!splits(o)) return MG_OK;
    if (o->request->folds) return deal(o, slice, error);
    mg_status status = mg_memory_zeroed(&o->tally, classes + 1, sizeof *o->tally, error);
    status = agree(o, status, error);
    if (!status)
        status = mg_comm_in_turn(o->comm, o->tally, classes * sizeof *o->tally, count_slice, &c, error);
    for (size_t k = 0; !status && k < classes; k++) {
        mg_split_keep_one(&o->tally[k]);
        if (o->tally[k].held || left->unseen++) continue;
        mg_name_shown(mg_classes_label(&o->out->classes, (int64_t)k, buffer), left->unseen_label);
    }
    return status;
}

// True if the request selects a row of this class.
static bool is_selected(const own_rows *o, int64_t row, int32_t class) {
    if (!splits(o)) return class != MG_UNLABELLED;
    bool held = o->split.held ? o->split.held[row]
                              : class >= 0 && mg_split_holds(o->request->held_out, o->request->seed, row,
                                                             &o->tally[class]);
    if (o->request->selection == MG_SELECT_HELD_OUT) return held;
    return !held && class != MG_UNLABELLED;
}

// Finds the row of the file with which each rank begins: the ranks share the selected rows, not those of the
// file.
static mg_status find_edges(own_rows *o, const labelled *slice, mg_error *error) {
    mg_comm *comm = o->comm;
    int ranks = comm->ranks;
    bool unlabelled_count = o->request->selection != MG_SELECT_HELD_OUT;
    int64_t own[2] = {0, 0}, (*all)[2] = NULL, before = 0, total = 0, *found = NULL;
    for (int64_t i = 0; i < slice->span.count; i++) {
        own[0] += is_selected(o, slice->span.first + i, slice->label[i]);
        own[1] += unlabelled_count && slice->label[i] == MG_UNLABELLED;
    }
    mg_status status = mg_comm_copies(comm, own, sizeof own, (void **)&all, error);
    if (status) return status;
    for (int r = 0; r < ranks; r++) {
        if (r == comm->rank) before = total;
        total += all[r][0];
        o->out->left_out.unlabelled += all[r][1];
    }
    mg_memory_free(all);
    o->out->all = total;
    o->out->first = mg_comm_rank_row(comm, total, comm->rank);
    status = mg_memory_zeroed(&o->edge, (size_t)ranks + 1, sizeof *o->edge, error);
    status = agree(o, status, error);
    int64_t place = before;
    int next = 0;
    while (!status && next < ranks && mg_comm_rank_row(comm, total, next) < before) next++;
    for (int64_t i = 0; !status && i < slice->span.count; i++) {
        if (!is_selected(o, slice->span.first + i, slice->label[i])) continue;
        for (; next < ranks && mg_comm_rank_row(comm, total, next) == place; next++)
            o->edge[next] = slice->span.first + i;
        place++;
    }
    size_t bytes = (size_t)ranks * sizeof *o->edge;
    if (!status) status = mg_comm_copies(comm, o->edge, bytes, (void **)&found, error);
    for (int e = 0; !status && e < ranks; e++)
        for (int r = 0; r < ranks; r++) o->edge[e] = mg_max(o->edge[e], found[r * ranks + e]);
    mg_memory_free(found);
    if (status) return status;
    o->edge[ranks] = o->rows;
    for (int e = ranks - 1; e >= 0; e--) // ranks without rows begin where the next one does
        if (mg_comm_rank_row(comm, total, e) == total) o->edge[e] = o->rows;
    return MG_OK;
}

static mg_status refuse_empty(const own_rows *o, mg_error *error) {
    if (o->out->all) return MG_OK;
    if (!splits(o) || o->out->left_out.unlabelled)
        return mg_fail(error, MG_DATA, "%s: none of its %lld rows has a label: check data.labels",
                       o->file->path, (long long)o->rows);
    return mg_fail(error, MG_CONFIG,
                   "data.validation: %g of %lld rows leaves no rows for training or for validation: set "
                   "another fraction",
                   o->request->held_out, (long long)o->rows);
}

// Keeps the selected rows of a part of the file, and their classes.
static mg_status keep(const own_rows *o, const labelled *part, mg_error *error) {
    mg_own_rows *own = o->out;
    size_t most = (size_t)part->span.count + 1;
    mg_status status = mg_memory_get(&own->select, most, sizeof *own->select, error);
    if (!status) status = mg_memory_get(&own->label, most, sizeof *own->label, error);
    for (int64_t i = 0; !status && i < part->span.count; i++) {
        int64_t row = part->span.first + i;
        if (!is_selected(o, row, part->label[i])) continue;
        own->select[own->count] = row;
        own->label[own->count++] = part->label[i];
    }
    return status;
}

static mg_status read_own(const own_rows *o, mg_error *error) {
    mg_own_rows *out = o->out;
    mg_source *source = o->file->source;
    int64_t first = o->edge[o->comm->rank], end = o->edge[o->comm->rank + 1];
    labelled own = {.span = {o->rows, first, end - first}};
    mg_raw_labels raw = {0};
    mg_status status = read_raw(o, &own.span, &raw, error);
    if (!status) status = map(o, &raw, false, &own, error);
    mg_raw_labels_clear(&raw);
    if (!status) status = keep(o, &own, error);
    mg_memory_free(own.label);
    if (!status && out->count)
        status = mg_source_read_ends(source, out->select[0], out->select[out->count - 1] + 1, error);
    const mg_row_selection rows = {o->file->file, source, out->select, out->count};
    if (!status && o->request->weights)
        status = mg_row_weights_read(&rows, o->request->weights, &out->weight, error);
    return status;
}

mg_status mg_own_rows_read(const mg_own_file *file, const mg_dataset_request *request, mg_own_rows *out,
                           mg_error *error) {
    mg_comm *comm = request->comm;
    own_rows o = {
        .file = file, .out = out, .request = request, .comm = comm, .rows = mg_source_rows(file->source)};
    labelled slice = {.span = slice_of(&o, comm->rank)};
    mg_raw_labels raw = {0};
    mg_status status = compare_shapes(&o, error);
    if (status) return status;
    status = read_raw(&o, &slice.span, &raw, error);
    status = find_classes(&o, &raw, slice.span.count, status, error);
    if (!status) status = agree(&o, map(&o, &raw, false, &slice, error), error);
    if (!status) status = compare_files(&o, &slice, error);
    mg_raw_labels_clear(&raw);
    if (!status) status = hold_out(&o, &slice, error);
    if (!status) status = find_edges(&o, &slice, error);
    mg_memory_free(slice.label);
    if (!status) status = refuse_empty(&o, error);
    if (!status) status = agree(&o, read_own(&o, error), error);
    mg_memory_free(o.tally);
    mg_split_clear(&o.split);
    mg_memory_free(o.edge);
    return status;
}

// align.c - the two maps between the columns of a file and known columns.
#include "data/align.h"

#include "base/memory.h"
#include "base/number.h"

#include <stdio.h>
#include <string.h>

static mg_status refuse_repeat(const mg_names_index *index, const char *where, mg_error *error) {
    const char *repeated = index->names->text[index->repeated];
    char name[MG_NAME_SHOWN];
    return mg_fail(error, MG_DATA,
                   "%s: '%s' is the name of features %lld and %lld, so columns cannot be matched by name: "
                   "rename one of them",
                   where, mg_name_shown(repeated, name), (long long)mg_names_find(index, repeated) + 1,
                   (long long)index->repeated + 1);
}

static void match(mg_align *align, const mg_names_index *known, const mg_names *own) {
    int64_t last = -1;
    align->ascending = true;
    for (int64_t d = 0; d < align->width; d++) align->from[d] = -1;
    for (int64_t i = 0; i < align->columns; i++) {
        int64_t place = mg_names_find(known, own->text[i]);
        align->place[i] = place;
        if (place < 0) continue;
        align->from[place] = i;
        align->matched++;
        align->ascending = align->ascending && place > last;
        last = place;
    }
}

mg_status mg_align_create(const mg_names *known, const mg_names *own, const mg_names_parties *parties,
                          mg_align *align, mg_error *error) {
    mg_names_index theirs = {0}, ours = {0};
    *align = (mg_align){.width = known->count, .columns = own->count};
    mg_status status = mg_names_index_create(known, &theirs, error);
    if (!status) status = mg_names_index_create(own, &ours, error);
    if (!status && ours.repeated >= 0) status = refuse_repeat(&ours, parties->path, error);
    if (!status && theirs.repeated >= 0) status = refuse_repeat(&theirs, parties->whose, error);
    if (!status) status = mg_memory_get(&align->place, (size_t)align->columns, sizeof *align->place, error);
    if (!status) status = mg_memory_get(&align->from, (size_t)align->width, sizeof *align->from, error);
    if (!status) match(align, &theirs, own);
    mg_names_index_clear(&theirs);
    mg_names_index_clear(&ours);
    if (status) mg_align_clear(align);
    return status;
}

void mg_align_clear(mg_align *align) {
    mg_memory_free(align->place);
    mg_memory_free(align->from);
    *align = (mg_align){0};
}

mg_status mg_align_complete(const mg_align *align, const mg_names *known, const mg_names_parties *parties,
                            mg_error *error) {
    char name[MG_NAME_SHOWN];
    int64_t first = 0;
    if (align->matched == align->width) return MG_OK;
    while (align->from[first] >= 0) first++;
    return mg_fail(error, MG_DATA,
                   "%s: lacks %lld of the %lld features %s, the first is '%s': add them, or take them as 0 "
                   "(data.missing: zero; eval, predict: --missing zero)",
                   parties->path, (long long)(align->width - align->matched), (long long)align->width,
                   parties->whose, mg_name_shown(known->text[first], name));
}

void mg_align_dense(const mg_align *align, size_t cell, const void *row, void *to) {
    const int64_t *from = align->from;
    memset(to, 0, (size_t)align->width * cell);
    // A copy of a known size is one instruction.
    for (int64_t d = 0; d < align->width; d++) {
        if (from[d] < 0) continue;
        char *place = (char *)to + (size_t)d * cell;
        const char *value = (const char *)row + (size_t)from[d] * cell;
        if (cell == 4) memcpy(place, value, 4);
        else if (cell == 2) memcpy(place, value, 2);
        else *place = *value;
    }
}

int64_t mg_align_sparse(const mg_align *align, int64_t n, uint32_t *columns, float *values) {
    int64_t kept = 0;
    for (int64_t e = 0; e < n; e++) {
        int64_t place = align->place[columns[e]];
        if (place < 0) continue;
        columns[kept] = (uint32_t)place;
        values[kept++] = values[e];
    }
    return kept;
}

void mg_align_text(const mg_align *align, int64_t width, int64_t others, char out[MG_ALIGN_TEXT]) {
    char matched[MG_COUNT_TEXT], all[MG_COUNT_TEXT], count[MG_COUNT_TEXT];
    int64_t found = align->width ? align->matched : width, missing = width - found,
            unused = others + (align->width ? align->columns - found : 0);
    *out = 0;
    if (!align->width && !others) return;
    int used = snprintf(out, MG_ALIGN_TEXT, "features: %s of %s matched", mg_print_count(found, matched),
                        mg_print_count(width, all));
    if (missing)
        used += snprintf(out + used, MG_ALIGN_TEXT - (size_t)used, ", %s missing (taken as 0)",
                         mg_print_count(missing, count));
    if (unused)
        used += snprintf(out + used, MG_ALIGN_TEXT - (size_t)used, ", %s not used",
                         mg_print_count(unused, count));
    if (align->width && !align->ascending)
        snprintf(out + used, MG_ALIGN_TEXT - (size_t)used, ", in another order");
}

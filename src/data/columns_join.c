// columns_join.c - the columns of several files, which must be the same in all of them.
#include "data/columns.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static mg_status compare_values(const mg_column_values *known, const mg_column_values *other,
                                const mg_names_parties *parties, const char *what, mg_error *error) {
    bool same =
        known->count == other->count &&
        (!known->count || !memcmp(known->value, other->value, (size_t)known->count * sizeof *known->value));
    if (same) return MG_OK;
    return mg_fail(error, MG_DATA, "%s: %s differ from those %s: %s", parties->path, what, parties->whose,
                   parties->advice);
}

static mg_status compare(const mg_columns *known, const mg_columns *other, const mg_names_parties *parties,
                         mg_error *error) {
    const mg_names *names = &known->names, *own = &other->names;
    mg_status status = mg_recipe_require(known->recipe, other->recipe, parties, error);
    if (!status && !names->count != !own->count)
        status = mg_fail(error, MG_DATA, "%s: its features have %s but those %s have %s: %s", parties->path,
                         own->count ? "names" : "no names", parties->whose, own->count ? "none" : "names",
                         parties->advice);
    if (!status && own->count) status = mg_names_compare(names, own, parties, error);
    if (!status)
        status = compare_values(&known->idf, &other->idf, parties, "the weights of its idf table", error);
    if (!status)
        status = compare_values(&known->fill, &other->fill, parties,
                                "the values that replace its missing ones (--missing)", error);
    return status;
}

mg_status mg_columns_join(mg_h5 *file, const mg_columns_place *place, int64_t width, mg_columns *out,
                          mg_error *error) {
    mg_h5 *first = mg_h5_part(file, 0);
    char whose[PATH_MAX + 32];
    snprintf(whose, sizeof whose, "in %s", mg_h5_path(first));
    mg_status status = mg_columns_read(first, place, width, out, error);
    for (int p = 1; !status && p < mg_h5_parts(file); p++) {
        mg_columns other = {0};
        mg_h5 *part = mg_h5_part(file, p);
        const mg_names_parties parties = {mg_h5_path(part), whose,
                                          "convert it again, with --like and that file"};
        status = mg_columns_read(part, place, width, &other, error);
        if (!status) status = compare(out, &other, &parties, error);
        mg_columns_clear(&other);
    }
    if (status) mg_columns_clear(out);
    return status;
}

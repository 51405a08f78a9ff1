// recipe.c - reads the recipe of a converted file as one text, and compares two recipes.
#include "data/columns.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/writer.h"
#include "data/convert_h5.h"
#include "format/format.h"
#include "format/ngram.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// Finds the group with the options of a format. Other programs may also have a group with the name of a
// format. So such a group is a recipe only if it has at least one of the options of that format.
static const mg_format *format_by_group(mg_h5 *file) {
    const mg_format *format;
    for (int i = 0; (format = mg_format_at(i)); i++) {
        if (mg_h5_find(file, format->name) != MG_H5_GROUP) continue;
        for (int o = 0; o < format->section->count; o++)
            if (mg_h5_has_attribute(file, format->name, format->section->options[o].name)) return format;
    }
    return NULL;
}

static mg_status format_of(mg_h5 *file, const mg_format **out, mg_error *error) {
    char *name;
    *out = NULL;
    if (!mg_h5_has_attribute(file, "/", MG_COLUMNS_FORMAT)) {
        *out = format_by_group(file);
        return MG_OK;
    }
    mg_status status = mg_h5_attribute_text(file, "/", MG_COLUMNS_FORMAT, &name, error);
    if (!status) *out = !strcmp(name, mg_convert_h5.name) ? &mg_convert_h5 : mg_format_find(name);
    mg_memory_free(name);
    return status == MG_DATA ? MG_OK : status; // an attribute of the same name that another program wrote is
                                               // ignored
}

static mg_status add_option(mg_h5 *file, const char *group, const char *option, mg_writer *out,
                            mg_error *error) {
    char *value;
    if (!mg_h5_has_attribute(file, group, option)) return MG_OK;
    mg_status status = mg_h5_attribute_text(file, group, option, &value, error);
    if (!status && !strchr(value, '\n')) mg_writer_format(out, "%s: %s\n", option, value);
    mg_memory_free(value);
    return status;
}

mg_status mg_recipe_read(mg_h5 *file, char **out, mg_error *error) {
    const mg_format *format;
    mg_writer text = {0};
    bool binding;
    *out = NULL;
    mg_status status = format_of(file, &format, error);
    if (status || !format) return status;
    const mg_section *section = format->section;
    mg_writer_format(&text, "format: %s\n", format->name);
    bool kept = mg_h5_find(file, format->name) == MG_H5_GROUP;
    for (int i = 0; !status && kept && i < section->count; i++)
        if (mg_format_stores(format, &section->options[i], &binding))
            status = add_option(file, format->name, section->options[i].name, &text, error);
    if (!status && kept) status = add_option(file, format->name, MG_COLUMNS_LABEL_NAME, &text, error);
    if (!status && kept) status = add_option(file, format->name, MG_COLUMNS_DIGEST, &text, error);
    if (!status && text.status) status = mg_fail(error, text.status, "%s", text.error.text);
    if (!status && text.length > MG_RECIPE_LONGEST)
        status = mg_fail(
            error, MG_DATA,
            "%s: the recipe of group %s has %zu bytes; at most %d are allowed: convert the file again",
            mg_h5_path(file), format->name, text.length, MG_RECIPE_LONGEST);
    if (!status) status = mg_memory_text(out, text.text, error);
    mg_writer_clear(&text);
    return status;
}

const char *mg_recipe_find(const char *recipe, const char *option, size_t *bytes) {
    size_t length = strlen(option);
    for (const char *line = recipe; line && *line;) {
        size_t size = strcspn(line, "\n");
        if (size >= length + 2 && !memcmp(line, option, length) && line[length] == ':' &&
            line[length + 1] == ' ') {
            *bytes = size - length - 2;
            return line + length + 2;
        }
        line += size + (line[size] == '\n');
    }
    return NULL;
}

bool mg_recipe_is(const char *recipe, const char *option, const char *value) {
    size_t bytes;
    const char *found = mg_recipe_find(recipe, option, &bytes);
    return found && bytes == strlen(value) && !memcmp(found, value, bytes);
}

void mg_idf_digest(const float *idf, int64_t count, char out[MG_IDF_DIGEST]) {
    snprintf(out, MG_IDF_DIGEST, "%016" PRIx64, mg_hash_bytes(0, idf, (size_t)count * sizeof *idf));
}

static mg_status check_idf(const mg_columns *columns, mg_error *error) {
    char digest[MG_IDF_DIGEST];
    if (!columns->idf.value) return MG_OK;
    if (!mg_recipe_is(columns->recipe, "weighting", "tf-idf"))
        return mg_fail(error, MG_DATA, "idf is there, but the recipe does not have weighting: tf-idf");
    mg_idf_digest(columns->idf.value, columns->idf.count, digest);
    if (mg_recipe_is(columns->recipe, MG_COLUMNS_DIGEST, digest)) return MG_OK;
    return mg_fail(error, MG_DATA, "idf has the digest %s, which is not " MG_COLUMNS_DIGEST " of the recipe",
                   digest);
}

// True if a name is that of the one-hot column `column`, then '=' and a value.
static bool has_values(const mg_names *names, const char *column, size_t bytes) {
    bool found = false;
    for (int64_t i = 0; !found && i < names->count; i++)
        found = !strncmp(names->text[i], column, bytes) && names->text[i][bytes] == '=';
    return found;
}

// The list is "features:NUMBER=NAME,..."; names that data.names gives need not fit it.
static mg_status check_one_hot(const mg_columns *columns, mg_error *error) {
    size_t bytes = 0;
    const char *at = mg_recipe_find(columns->recipe, "one-hot", &bytes), *end = at ? at + bytes : NULL;
    if (!columns->names.count || columns->names_from) return MG_OK;
    for (const char *stop; at && at < end; at = stop + 1) {
        stop = memchr(at, ',', (size_t)(end - at));
        if (!stop) stop = end;
        const char *name = memchr(at, '=', (size_t)(stop - at));
        if (name && !has_values(&columns->names, name + 1, (size_t)(stop - name - 1)))
            return mg_fail(error, MG_DATA,
                           "the recipe has the one-hot column '%.*s', but names has no feature '%.*s=...'",
                           (int)(stop - name - 1), name + 1, (int)(stop - name - 1), name + 1);
    }
    return MG_OK;
}

mg_status mg_columns_check(const mg_columns *columns, mg_error *error) {
    mg_status status = check_idf(columns, error);
    return status ? status : check_one_hot(columns, error);
}

// The value of an option as a text, or `other` if there is none that fits.
static const char *value_or(const char *recipe, const char *option, char own[MG_H5_NAME], const char *other) {
    size_t bytes;
    const char *found = mg_recipe_find(recipe, option, &bytes);
    if (!found || bytes >= MG_H5_NAME) return other;
    memcpy(own, found, bytes);
    own[bytes] = '\0';
    return own;
}

mg_status mg_recipe_place(mg_h5 *file, const char *recipe, mg_recipe_places *p, mg_error *error) {
    const char *features = *p->features, *labels = *p->labels;
    const mg_format *format;
    mg_status status = format_of(file, &format, error);
    if (status) return status;
    bool made = format != NULL; // by convert
    if (!made && !mg_recipe_is(recipe, "format", mg_convert_h5.name)) return MG_OK;
    if (made && mg_h5_find(file, features) == MG_H5_MISSING) features = "X";
    if (made && labels && mg_h5_find(file, labels) == MG_H5_MISSING) labels = "y";
    if (!made) features = value_or(recipe, "features", p->own[0], features);
    if (!made && labels) labels = value_or(recipe, "labels", p->own[1], labels);
    if (p->features_given) features = *p->features;
    if (p->labels_given) labels = *p->labels;
    bool same = !strcmp(features, *p->features) && (!labels || !strcmp(labels, *p->labels));
    *p->features = features;
    *p->labels = labels;
    if (!same)
        snprintf(p->note, MG_RECIPE_NOTE, "%.400s: features %.160s%s%.160s are read, %s", mg_h5_path(file),
                 features, labels ? ", labels " : "", labels ? labels : "",
                 made ? "because convert has made the file" : "as convert did for the training file");
    return MG_OK;
}

bool mg_recipe_same(const char *option, const char *x, size_t a, const char *y, size_t b) {
    if (a == b && !memcmp(x, y, a)) return true;
    char first[64], second[64];
    mg_ngram_recipe r = {0}, s = {0};
    if (strcmp(option, "ngrams") || a >= sizeof first || b >= sizeof second) return false;
    memcpy(first, x, a), first[a] = 0;
    memcpy(second, y, b), second[b] = 0;
    return mg_ngram_parse(first, &r) && mg_ngram_parse(second, &s) && r.words == s.words && r.low == s.low &&
           r.high == s.high;
}

// Compares one option. If both recipes have it, the values must have the same meaning.
static mg_status compare_option(const char *known, const char *other, const char *option,
                                const mg_names_parties *parties, mg_error *error) {
    size_t a, b;
    const char *x = mg_recipe_find(known, option, &a), *y = mg_recipe_find(other, option, &b);
    if (!x || !y || mg_recipe_same(option, x, a, y, b)) return MG_OK;
    if (!strcmp(option, MG_COLUMNS_DIGEST))
        return mg_fail(error, MG_DATA,
                       "%s: its tf-idf weights come from another idf table than the one %s: %s",
                       parties->path, parties->whose, parties->advice);
    return mg_fail(error, MG_DATA, "%s: was converted with %s %.*s but %s is %.*s %s: %s", parties->path,
                   option, (int)b, y, option, (int)a, x, parties->whose, parties->advice);
}

mg_status mg_recipe_compare(const char *known, const char *other, bool named, const mg_names_parties *parties,
                            mg_error *error) {
    static const char *const texts[] = {"ngrams",    "bits", "weighting",
                                        "lowercase", "unit", MG_COLUMNS_DIGEST};
    if (!known || !other) return MG_OK;
    bool text = mg_recipe_is(known, "format", "text");
    if (text != mg_recipe_is(other, "format", "text"))
        return compare_option(known, other, "format", parties, error);
    mg_status status = MG_OK;
    for (size_t i = 0; text && !status && i < sizeof texts / sizeof *texts; i++)
        status = compare_option(known, other, texts[i], parties, error);
    if (status || text) return status;
    status = compare_option(known, other, "base", parties, error);
    // If the labels are in different columns of a table, the features are too. Names of columns, if they are
    // compared, show this anyway.
    bool free = named || mg_recipe_is(known, "label", "none") || mg_recipe_is(other, "label", "none");
    return status || free ? status : compare_option(known, other, "label", parties, error);
}

// The next line "option: value" of a recipe; false at the end.
static bool next_option(const char **line, char option[64], const char **value, size_t *bytes) {
    size_t size = strcspn(*line, "\n"), name = strcspn(*line, ":");
    if (!size || name + 2 > size) return false;
    snprintf(option, 64, "%.*s", (int)name, *line);
    *value = *line + name + 2;
    *bytes = size - name - 2;
    *line += size + ((*line)[size] == '\n');
    return true;
}

mg_status mg_recipe_require(const char *known, const char *other, const mg_names_parties *parties,
                            mg_error *error) {
    char option[64];
    const char *x, *y;
    size_t a, b;
    if (!known && !other) return MG_OK;
    if (!known || !other)
        return mg_fail(error, MG_DATA, "%s: was %smade by margin convert but the columns %s were%s: %s",
                       parties->path, other ? "" : "not ", parties->whose, other ? " not" : "",
                       parties->advice);
    for (const char *line = known; next_option(&line, option, &x, &a);) {
        y = mg_recipe_find(other, option, &b);
        if (y) {
            mg_status status = compare_option(known, other, option, parties, error);
            if (status) return status;
        } else {
            return mg_fail(error, MG_DATA, "%s: was converted without %s but %s is %.*s %s: %s",
                           parties->path, option, option, (int)a, x, parties->whose, parties->advice);
        }
    }
    for (const char *line = other; next_option(&line, option, &y, &b);)
        if (!mg_recipe_find(known, option, &a))
            return mg_fail(error, MG_DATA, "%s: was converted with %s %.*s but without %s %s: %s",
                           parties->path, option, (int)b, y, option, parties->whose, parties->advice);
    return MG_OK;
}

// option.c - parses one value by its option's type, and checks its range.
#include "base/option.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { ALLOWED_TEXT = 512, LONGEST_LABEL = 1000 };

static const char *const truths[] = {"true", "yes", "on"};
static const char *const falsehoods[] = {"false", "no", "off"};

typedef struct unit {
    const char *name;
    double factor;
} unit;

static const unit byte_units[] = {
    {"", 1},      {"B", 1},        {"kB", 1e3},     {"KB", 1e3},     {"MB", 1e6},     {"GB", 1e9},
    {"TB", 1e12}, {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40},
};
static const unit second_units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}};

static void *value_of(const mg_option *option, void *values) { return (char *)values + option->offset; }

const char *mg_shorten(const char *text, char out[MG_SHORT_TEXT]) {
    enum { KEPT = MG_SHORT_TEXT - 4 };
    size_t length = strnlen(text, MG_SHORT_TEXT);
    if (length < MG_SHORT_TEXT) {
        memcpy(out, text, length + 1);
        return out;
    }
    size_t kept = KEPT;
    while (kept > KEPT - 4 && ((unsigned char)text[kept] & 0xc0) == 0x80) kept--;
    memcpy(out, text, kept);
    memcpy(out + kept, "...", 4);
    return out;
}

static const char *choice_at(int i, const void *context) { return ((const mg_option *)context)->choice(i); }

static const char *choice_hint(const mg_option *option, const char *value, char out[MG_NEAREST_TEXT]) {
    out[0] = '\0';
    return option->choice ? mg_nearest_hint(value, choice_at, option, out) : out;
}

// Returns the error "train.batch: 'x' is not a size (...)".
static mg_status refuse(const mg_section *section, const mg_option *option, const char *value,
                        const char *what, mg_error *error) {
    char allowed[ALLOWED_TEXT], brief[MG_SHORT_TEXT], hint[MG_NEAREST_TEXT];
    mg_option_allowed(option, allowed, sizeof allowed);
    return mg_fail(error, MG_CONFIG, "%s.%s: '%s' is not %s (%s)%s", section->name, option->name,
                   mg_shorten(value, brief), what, allowed, choice_hint(option, value, hint));
}

// The error for a value of the right type that is out of range: the message shows the number without quotes.
static mg_status refuse_range(const mg_section *section, const mg_option *option, const char *value,
                              mg_error *error) {
    char allowed[ALLOWED_TEXT], brief[MG_SHORT_TEXT];
    mg_option_allowed(option, allowed, sizeof allowed);
    return mg_fail(error, MG_CONFIG, "%s.%s: %s is not allowed (%s)", section->name, option->name,
                   mg_shorten(value, brief), allowed);
}

static bool in_range(const mg_option *option, double value) {
    return value >= option->low && value <= option->high;
}

// Parses a whole number. Also accepts 1e6 and 64.0; above 2^53 only plain digits, because doubles are not
// exact there.
static bool parse_whole(const char *text, int64_t *out) {
    double real;
    if (mg_parse_int(text, out)) return true;
    if (!mg_parse_real(text, &real) || real != trunc(real) || fabs(real) > 0x1p53) return false;
    *out = (int64_t)real;
    return true;
}

// Parses a number followed by one of `units`, with at most one space between.
static bool parse_with_unit(const char *text, const unit *units, size_t count, double *out) {
    double number;
    const char *rest;
    if (!mg_parse_real_prefix(text, &number, &rest)) return false;
    if (rest[0] == ' ' && rest[1] != '\0') rest++;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rest, units[i].name) != 0) continue;
        *out = number * units[i].factor;
        return isfinite(*out);
    }
    return false;
}

static mg_status parse_int(const mg_section *section, const mg_option *option, void *at, const char *value,
                           mg_error *error) {
    int64_t whole;
    double real;
    if (!parse_whole(value, &whole)) {
        bool too_large = mg_parse_real(value, &real) && real == trunc(real) && !in_range(option, real);
        return too_large ? refuse_range(section, option, value, error)
                         : refuse(section, option, value, "a whole number", error);
    }
    if (!in_range(option, (double)whole)) return refuse_range(section, option, value, error);
    *(int64_t *)at = whole;
    return MG_OK;
}

static mg_status parse_real(const mg_section *section, const mg_option *option, void *at, const char *value,
                            mg_error *error) {
    double real;
    if (option->choice && !strcmp(value, option->choice(0))) {
        *(double *)at = MG_OPTION_WORD;
        return MG_OK;
    }
    if (!mg_parse_real(value, &real)) return refuse(section, option, value, "a number", error);
    if (!in_range(option, real)) return refuse_range(section, option, value, error);
    *(double *)at = real;
    return MG_OK;
}

static mg_status parse_bytes(const mg_section *section, const mg_option *option, void *at, const char *value,
                             mg_error *error) {
    int64_t bytes;
    double size;
    if (!mg_parse_int(value, &bytes)) {
        bool known = parse_with_unit(value, byte_units, sizeof byte_units / sizeof *byte_units, &size);
        if (!known || size != trunc(size) || fabs(size) > 0x1p62)
            return refuse(section, option, value, "a size such as 4096, 512MB or 2GiB", error);
        bytes = (int64_t)size;
    }
    if (!in_range(option, (double)bytes)) return refuse_range(section, option, value, error);
    *(int64_t *)at = bytes;
    return MG_OK;
}

static mg_status parse_seconds(const mg_section *section, const mg_option *option, void *at,
                               const char *value, mg_error *error) {
    double seconds;
    if (!parse_with_unit(value, second_units, sizeof second_units / sizeof *second_units, &seconds))
        return refuse(section, option, value, "a duration such as 90, 90s, 1.5m or 2h", error);
    if (!in_range(option, seconds)) return refuse_range(section, option, value, error);
    *(double *)at = seconds;
    return MG_OK;
}

static bool among(const char *value, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(value, words[i]) == 0) return true;
    return false;
}

static mg_status parse_bool(const mg_section *section, const mg_option *option, void *at, const char *value,
                            mg_error *error) {
    bool truth = among(value, truths, sizeof truths / sizeof *truths);
    if (!truth && !among(value, falsehoods, sizeof falsehoods / sizeof *falsehoods))
        return refuse_range(section, option, value, error);
    *(bool *)at = truth;
    return MG_OK;
}

static mg_status parse_text(const mg_section *section, const mg_option *option, void *at, const char *value,
                            mg_error *error) {
    char *copy;
    mg_error inner = {.status = MG_OK};
    if (!mg_utf8_valid(value))
        return mg_fail(error, MG_CONFIG, "%s.%s: the text is not valid UTF-8", section->name, option->name);
    mg_status status = option->check ? option->check(value, &inner) : MG_OK;
    if (status == MG_MEMORY) return mg_fail(error, status, "%s", inner.text);
    if (status) {
        char brief[MG_SHORT_TEXT], hint[MG_NEAREST_TEXT];
        return mg_fail(error, MG_CONFIG, "%s.%s: '%s' is not allowed (%s)%s", section->name, option->name,
                       mg_shorten(value, brief), inner.text, choice_hint(option, value, hint));
    }
    status = mg_memory_text(&copy, value, error);
    if (status) return status;
    mg_memory_free(*(char **)at);
    *(char **)at = copy;
    return MG_OK;
}

// A separator may be written as itself.
static const char *spell(const char *value) {
    return !strcmp(value, ",") ? "comma" : !strcmp(value, ".") ? "point" : value;
}

static const char *choice_find(const mg_option *option, const char *value) {
    const char *name;
    for (int i = 0; option->choice && (name = option->choice(i)); i++)
        if (strcmp(name, spell(value)) == 0) return name;
    return NULL;
}

static mg_status refuse_choice(const mg_section *section, const mg_option *option, const char *value,
                               mg_error *error) {
    char allowed[ALLOWED_TEXT], brief[MG_SHORT_TEXT], hint[MG_NEAREST_TEXT];
    mg_option_allowed(option, allowed, sizeof allowed);
    return mg_fail(error, MG_CONFIG, "%s.%s: '%s' is not allowed (%s)%s", section->name, option->name,
                   mg_shorten(value, brief), allowed, choice_hint(option, value, hint));
}

static mg_status parse_choice(const mg_section *section, const mg_option *option, void *at, const char *value,
                              mg_error *error) {
    const char *name = choice_find(option, value);
    if (!name) return refuse_choice(section, option, value, error);
    *(const char **)at = name;
    return MG_OK;
}

static void clear_weights(mg_option_weights *weights) {
    mg_memory_free(weights->word);
    for (int64_t i = 0; i < weights->count; i++) mg_memory_free(weights->labels[i]);
    mg_memory_free(weights->labels);
    mg_memory_free(weights->weights);
    *weights = (mg_option_weights){0};
}

static mg_status parse_word(const mg_section *section, const mg_option *option, void *at, const char *value,
                            mg_error *error) {
    mg_option_weights fresh = {0};
    const char *name = choice_find(option, value);
    if (!name) return refuse_choice(section, option, value, error);
    mg_status status = mg_memory_text(&fresh.word, name, error);
    if (status) return status;
    clear_weights(at);
    *(mg_option_weights *)at = fresh;
    return MG_OK;
}

static void unset(const mg_option *option, void *at) {
    switch (option->type) {
    case MG_OPTION_INT:
    case MG_OPTION_BYTES: *(int64_t *)at = MG_UNSET_INT; break;
    case MG_OPTION_REAL:
    case MG_OPTION_SECONDS: *(double *)at = NAN; break;
    case MG_OPTION_BOOL: *(bool *)at = false; break;
    case MG_OPTION_TEXT:
    case MG_OPTION_PATHS:
        mg_memory_free(*(char **)at);
        *(char **)at = NULL;
        break;
    case MG_OPTION_CHOICE: *(const char **)at = NULL; break;
    case MG_OPTION_WEIGHTS: clear_weights(at); break;
    }
}

typedef mg_status parser(const mg_section *section, const mg_option *option, void *at, const char *value,
                         mg_error *error);

mg_status mg_option_parse(const mg_section *section, const mg_option *option, void *values, const char *value,
                          mg_error *error) {
    static parser *const parsers[] = {
        [MG_OPTION_INT] = parse_int,       [MG_OPTION_REAL] = parse_real,
        [MG_OPTION_BOOL] = parse_bool,     [MG_OPTION_TEXT] = parse_text,
        [MG_OPTION_CHOICE] = parse_choice, [MG_OPTION_WEIGHTS] = parse_word,
        [MG_OPTION_BYTES] = parse_bytes,   [MG_OPTION_SECONDS] = parse_seconds,
        [MG_OPTION_PATHS] = parse_text,
    };
    void *at = value_of(option, values);
    if (value) return parsers[option->type](section, option, at, value, error);
    if (option->preset[0] != '\0') return parsers[option->type](section, option, at, option->preset, error);
    unset(option, at);
    return MG_OK;
}

// The capacity of an array after mg_memory_grow was called for `count` elements, one after the other.
static size_t grown_capacity(int64_t count) {
    size_t capacity = count > 0 ? 16 : 0;
    while (capacity < (size_t)count) capacity *= 2;
    return capacity;
}

mg_status mg_option_add_weight(const mg_section *section, const mg_option *option, void *values,
                               const char *label, const char *weight, mg_error *error) {
    mg_option_weights *all = value_of(option, values);
    double number;
    char *copy, brief[MG_SHORT_TEXT], range[ALLOWED_TEXT];
    assert(option->type == MG_OPTION_WEIGHTS);
    mg_shorten(label, brief);
    if (strlen(label) > LONGEST_LABEL || !mg_utf8_valid(label))
        return mg_fail(error, MG_CONFIG, "%s.%s: label '%s' is longer than %d bytes or not UTF-8",
                       section->name, option->name, brief, LONGEST_LABEL);
    if (!mg_parse_real(weight, &number) || !in_range(option, number)) {
        char brief_weight[MG_SHORT_TEXT];
        mg_option_allowed(option, range, sizeof range);
        return mg_fail(error, MG_CONFIG, "%s.%s: '%s' is not allowed as weight of label '%s' (%s)",
                       section->name, option->name, mg_shorten(weight, brief_weight), brief, range);
    }
    size_t need = (size_t)all->count + 1, labels = grown_capacity(all->count), weights = labels;
    mg_status status = mg_memory_grow(&all->labels, &labels, need, sizeof *all->labels, error);
    if (!status) status = mg_memory_grow(&all->weights, &weights, need, sizeof *all->weights, error);
    if (!status) status = mg_memory_text(&copy, label, error);
    if (status) return status;
    mg_memory_free(all->word);
    all->word = NULL;
    all->labels[all->count] = copy;
    all->weights[all->count++] = number;
    return MG_OK;
}

mg_status mg_option_add_path(const mg_section *section, const mg_option *option, void *values, bool first,
                             const char *path, mg_error *error) {
    char **at = value_of(option, values), *joined;
    assert(option->type == MG_OPTION_PATHS);
    if (!*path || strchr(path, '\n'))
        return mg_fail(error, MG_CONFIG, "%s.%s: %s in the list: leave it out", section->name, option->name,
                       *path ? "a path with a line feed is" : "an empty path is");
    if (first) return parse_text(section, option, at, path, error);
    size_t before = strlen(*at), length = strlen(path);
    mg_status status = mg_memory_zeroed(&joined, before + length + 2, 1, error);
    if (status) return status;
    memcpy(joined, *at, before);
    joined[before] = '\n';
    memcpy(joined + before + 1, path, length);
    status = parse_text(section, option, at, joined, error);
    mg_memory_free(joined);
    return status;
}

mg_status mg_section_preset(const mg_section *section, void *values, mg_error *error) {
    mg_status status = MG_OK;
    for (int i = 0; i < section->count && !status; i++)
        status = mg_option_parse(section, &section->options[i], values, NULL, error);
    return status;
}

void mg_section_clear(const mg_section *section, void *values) {
    for (int i = 0; i < section->count; i++)
        unset(&section->options[i], value_of(&section->options[i], values));
}

const mg_option *mg_section_find(const mg_section *section, const char *name) {
    for (int i = 0; i < section->count; i++)
        if (strcmp(section->options[i].name, name) == 0) return &section->options[i];
    return NULL;
}

const char *mg_section_origin(const mg_section *section, const char *const *origins, const char *name) {
    const mg_option *option = mg_section_find(section, name);
    return option ? origins[option - section->options] : NULL;
}

// format.c - the registry of formats, and the guess of a file's format.
#include "format/format.h"

#include "base/memory.h"
#include "format/foreign.h"
#include "format/list.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MG_FORMAT_DECLARE(symbol) extern const mg_format mg_format_##symbol;
MG_FORMAT_LIST(MG_FORMAT_DECLARE)

static const mg_format *const formats[] = {
#define MG_FORMAT_ROW(symbol) &mg_format_##symbol,
    MG_FORMAT_LIST(MG_FORMAT_ROW)};

const mg_format *mg_format_at(int i) {
    return i >= 0 && i < (int)(sizeof formats / sizeof *formats) ? formats[i] : NULL;
}

const mg_format *mg_format_find(const char *name) {
    for (int i = 0; mg_format_at(i); i++)
        if (!strcmp(mg_format_at(i)->name, name)) return mg_format_at(i);
    return NULL;
}

const mg_format *mg_format_with_option(const char *name) {
    const mg_format *found = NULL;
    for (int i = 0; mg_format_at(i); i++) {
        if (!mg_section_find(mg_format_at(i)->section, name)) continue;
        if (found) return NULL;
        found = mg_format_at(i);
    }
    return found;
}

mg_status mg_format_open_text(const mg_format_request *request, mg_text **out, mg_error *error) {
    if (!request->line)
        return mg_text_open_parts(out, request->inputs, request->input_count, request->watch, error);
    return mg_text_open_lines(out, request->inputs[0], request->line_number, request->line,
                              request->line_bytes, error);
}

const char *const mg_format_arrays[] = {"features", "labels", NULL};

bool mg_format_stores(const mg_format *format, const mg_option *option, bool *binding) {
    *binding = option->changes_result;
    for (const char *const *name = format->remembered; name && *name; name++)
        if (!strcmp(*name, option->name)) return true;
    return option->changes_result;
}

mg_status mg_format_keep_name(char **option, const char *name, size_t bytes, mg_error *error) {
    if (*option) return MG_OK;
    mg_status status = mg_memory_zeroed(option, bytes + 1, 1, error);
    if (!status) memcpy(*option, name, bytes);
    return status;
}

const char *mg_format_settle_name(const mg_format_like *like) {
    return like && like->settle_name ? like->settle_name : "give one of these with";
}

const char *mg_format_auto_yes_no(int i) {
    static const char *const names[] = {"auto", "yes", "no"};
    return i >= 0 && i < 3 ? names[i] : NULL;
}

void mg_tell_line(const mg_tell *tell, const char *format, ...) {
    char line[2 * MG_PATH_TEXT];
    if (!tell->line) return;
    va_list arguments;
    va_start(arguments, format);
    mg_line_format(line, sizeof line, format, arguments);
    va_end(arguments);
    tell->line(tell->context, line);
}

mg_status mg_format_refuse_blank(const mg_text *text, int64_t line, mg_error *error) {
    return mg_fail(
        error, MG_DATA,
        "%s:%lld: the line is empty, but each line must be a row: remove it with sed '/^[[:space:]]*$/d'",
        mg_text_path(text), (long long)line);
}

void mg_tell_lost(const mg_tell *tell, const mg_text *text) {
    int64_t line, count = mg_text_lost(text, &line);
    if (count)
        mg_tell_line(tell,
                     "warning: %s:%lld: a value is too small for a 32-bit float (below 1.2e-38) and becomes "
                     "0 or loses digits, %lld of "
                     "them in the file: multiply the columns by a constant, or write 0",
                     mg_text_lost_path(text), (long long)line, (long long)count);
}

const char *mg_facts_text(const mg_facts *facts, char out[MG_FACTS_TEXT]) {
    int used = 0;
    *out = '\0';
    if (facts->filled)
        used = snprintf(out, MG_FACTS_TEXT, "%lld missing value%s replaced (%s)", (long long)facts->filled,
                        facts->filled == 1 ? "" : "s", facts->with);
    if (!facts->unseen) return out;
    if (used > 0) used += snprintf(out + used, MG_FACTS_TEXT - (size_t)used, "; ");
    const char *values = facts->unseen == 1 ? "value of one-hot columns is" : "values of one-hot columns are";
    snprintf(out + used, MG_FACTS_TEXT - (size_t)used,
             "%lld %s not in the training data, taken as all zeros; the first is %s",
             (long long)facts->unseen, values, facts->first);
    return out;
}

void mg_tell_lost_values(const mg_tell *tell, const char *path, int64_t row, int64_t values) {
    if (values)
        mg_tell_line(tell,
                     "warning: %s: row %lld (from 0) has a value that is too small for a 32-bit float (below "
                     "1.2e-38) and becomes 0 or loses digits, %lld of them in the file: multiply the columns "
                     "by a constant, or store 0",
                     path, (long long)row, (long long)values);
}

void mg_guess(mg_guesses *guesses, const char *flag, const char *format, ...) {
    size_t used = strlen(guesses->text);
    if (used > 0) used += (size_t)snprintf(guesses->text + used, sizeof guesses->text - used, ", ");
    va_list arguments;
    va_start(arguments, format);
    if (used < sizeof guesses->text)
        vsnprintf(guesses->text + used, sizeof guesses->text - used, format, arguments);
    va_end(arguments);
    used = strlen(guesses->flags);
    if (flag)
        snprintf(guesses->flags + used, sizeof guesses->flags - used, "%s--%s", used > 0 ? ", " : "", flag);
}

// Reads the first bytes of the unpacked file, [MG_PROBE_BYTES + 1], and adds a zero.
static mg_status read_head(const char *path, char **head, size_t *bytes, bool *packed, mg_error *error) {
    mg_input *input = NULL;
    size_t got = 1;
    *bytes = 0;
    mg_status status = mg_memory_get(head, MG_PROBE_BYTES + 1, 1, error);
    if (!status) status = mg_input_open(&input, path, NULL, error);
    if (!status) *packed = mg_input_packed(input);
    while (!status && got > 0 && *bytes < MG_PROBE_BYTES) {
        status = mg_input_read(input, *head + *bytes, MG_PROBE_BYTES - *bytes, &got, error);
        *bytes += got;
    }
    if (!status) (*head)[*bytes] = '\0';
    mg_input_close(input);
    return status;
}

// Finds the format that claims the path; *out becomes NULL if there is none.
static mg_status find_claim(const char *path, const mg_format **out, mg_error *error) {
    const mg_format *format;
    mg_status status = MG_OK;
    *out = NULL;
    for (int i = 0; !status && !*out && (format = mg_format_at(i)); i++) {
        bool is = false;
        if (format->claims) status = format->claims(path, &is, error);
        if (is) *out = format;
    }
    return status;
}

mg_status mg_format_claimed(const char *path, bool *is, mg_error *error) {
    const mg_format *claimed;
    mg_status status = find_claim(path, &claimed, error);
    *is = claimed != NULL;
    return status;
}

mg_status mg_format_check(const char *path, mg_error *error) {
    const mg_format *claimed;
    mg_status failed = find_claim(path, &claimed, error);
    if (failed || claimed) return failed;
    char *head;
    size_t bytes;
    bool packed;
    mg_status status = read_head(path, &head, &bytes, &packed, error);
    if (!status) status = mg_foreign_refuse(path, packed, head, bytes, error);
    mg_memory_free(head);
    return status;
}

mg_status mg_format_doubt(const char *path, const mg_format *format, bool like, mg_error *error) {
    const mg_format *claimed;
    mg_status failed = find_claim(path, &claimed, error);
    if (failed || claimed) return failed;
    char *head;
    size_t bytes;
    bool packed;
    mg_status status = read_head(path, &head, &bytes, &packed, error);
    if (!status) status = mg_foreign_text(path, packed, head, bytes, error);
    if (!status && !format) status = mg_foreign_unknown(path, packed, head, bytes, error);
    if (!status && !like && !strcmp(format->name, "text"))
        status = mg_foreign_table(path, head, bytes, error);
    if (!status && !like && !strcmp(format->name, "svmlight"))
        status = mg_foreign_bars(path, head, bytes, error);
    mg_memory_free(head);
    return status;
}

mg_status mg_format_guess(const char *path, const mg_format **out, bool *sure, mg_error *error) {
    char *head;
    size_t bytes;
    bool packed;
    int best = 0;
    mg_status status = find_claim(path, out, error);
    *sure = *out != NULL;
    if (status || *sure) return status;
    status = read_head(path, &head, &bytes, &packed, error);
    if (!status && bytes == 0) status = mg_fail(error, MG_DATA, "%s: is empty", path);
    if (!status) status = mg_foreign_refuse(path, packed, head, bytes, error);
    for (int i = 0; !status && mg_format_at(i); i++) {
        int score = mg_format_at(i)->probe(head, bytes);
        if (score <= best) continue;
        best = score;
        *out = mg_format_at(i);
    }
    *sure = best > 1;
    mg_memory_free(head);
    return status;
}

// convert_labels.c - checks the labels of a conversion, and counts the distinct ones.
#include "data/convert_labels.h"

#include <margin/convert.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/option.h"
#include "io/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { INTEGER_TEXT = 24 };

void mg_census_clear(mg_census *labels) {
    mg_memory_free(labels->seen);
    labels->seen = NULL;
}

void mg_census_require(mg_census *labels, mg_label_kind kind, const char *like) {
    labels->kind = kind;
    labels->like = like;
}

void mg_census_follow(mg_census *labels, bool texts, bool missing, bool mixed, const char *model) {
    // Texts can hold every label. Numbers have one form, so that 7.0 is the class 7.
    mg_census_require(labels, texts || missing || mixed ? MG_LABEL_TEXT : MG_LABEL_INTEGER, model);
    labels->missing = missing;
    labels->numbers = !texts;
}

static const char *brief(const char *text, size_t bytes, char out[MG_SHORT_TEXT]) {
    char copy[MG_SHORT_TEXT + 1];
    size_t kept = bytes < MG_SHORT_TEXT ? bytes : MG_SHORT_TEXT;
    memcpy(copy, text, kept);
    copy[kept] = '\0';
    return mg_shorten(copy, out);
}

static mg_status check_word(const mg_census *labels, const char *text, size_t bytes, mg_error *error) {
    char shown[MG_SHORT_TEXT];
    double value;
    size_t bad = mg_text_utf8(text, bytes);
    if (bad < bytes)
        return mg_fail(error, MG_DATA,
                       "the label is not UTF-8 (byte %02x); convert the file: iconv -f WINDOWS-1252 -t UTF-8 "
                       "< FILE > NEW",
                       (unsigned char)text[bad]);
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return mg_fail(error, MG_DATA, "the label has a control character (byte %02x)",
                           (unsigned char)text[i]);
    brief(text, bytes, shown);
    if (mg_text_missing(text, bytes))
        return mg_fail(
            error, MG_DATA,
            "label '%s' stands for a missing label: fill it in or remove the row (if it is a class, give the "
            "class another name, such as '%s_')",
            shown, shown);
    const char *point = mg_text_number(text, text + bytes, &value);
    bool digits = strspn(text, "+-0123456789") >= bytes; // a whole number beyond 64 bits is taken as a text
    if (point == text + bytes && !digits)
        return mg_fail(error, MG_DATA,
                       "label %s is not a whole number; margin learns classes: write the labels as words",
                       shown);
    if (labels->kind == MG_LABEL_INTEGER)
        return mg_fail(error, MG_DATA, "label '%s' is not a whole number, but all labels of %s are", shown,
                       labels->like);
    return MG_OK;
}

// Remembers a whole number that is not written as numbers are printed.
static void look_at_form(mg_census *labels, const char *text, size_t bytes) {
    size_t sign = *text == '-' || *text == '+', digits = sign;
    while (digits < bytes && text[digits] >= '0' && text[digits] <= '9') digits++;
    bool padded = digits - sign > 1 && text[sign] == '0';
    if (labels->padded || (!padded && (digits == bytes || *labels->odd))) return;
    brief(text, bytes, labels->odd);
    labels->padded = padded;
}

mg_status mg_census_survey(mg_census *labels, const char *text, size_t bytes, mg_error *error) {
    int64_t code;
    if (labels->missing && mg_text_missing(text, bytes)) return mg_census_survey_missing(labels, error);
    if (bytes == 0) return mg_fail(error, MG_DATA, "the label is empty");
    if (bytes > MG_LABEL_LONGEST)
        return mg_fail(error, MG_DATA, "the label has %zu bytes (at most %d are allowed)", bytes,
                       MG_LABEL_LONGEST);
    if (!mg_text_whole(text, text + bytes, &code)) {
        mg_status status = check_word(labels, text, bytes, error);
        if (status) return status;
        labels->words = true;
    } else if (labels->numbers) {
        mg_census_survey_code(labels, code);
        return MG_OK;
    } else {
        look_at_form(labels, text, bytes);
    }
    if (bytes > labels->longest) labels->longest = bytes;
    labels->count++;
    return MG_OK;
}

mg_status mg_census_survey_missing(mg_census *labels, mg_error *error) {
    if (labels->kind == MG_LABEL_INTEGER)
        return mg_fail(
            error, MG_DATA,
            "a row has no label, but all labels of %s are integers: label the row, or leave it out",
            labels->like);
    labels->words = true; // the empty text means that there is no label
    if (!labels->longest) labels->longest = 1;
    labels->count++;
    return MG_OK;
}

void mg_census_survey_code(mg_census *labels, int64_t code) {
    char text[INTEGER_TEXT];
    size_t bytes = (size_t)snprintf(text, sizeof text, "%" PRId64, code);
    if (bytes > labels->longest) labels->longest = bytes;
    labels->count++;
}

void mg_census_settle(mg_census *labels) {
    // Leading zeros belong to a code, such as 01 or 007, and not to a number.
    labels->padded = labels->padded && labels->kind == MG_LABEL_ANY && !labels->words;
    if (labels->kind == MG_LABEL_ANY)
        labels->kind = labels->words || labels->padded ? MG_LABEL_TEXT : MG_LABEL_INTEGER;
    if (labels->kind == MG_LABEL_TEXT && !labels->padded) labels->odd[0] = '\0';
    labels->count = 0;
}

// Adds a digest to the hash table. Returns false if it was already in it.
static bool add(uint64_t *seen, size_t size, uint64_t digest) {
    size_t at = digest & (size - 1);
    while (seen[at] != 0 && seen[at] != digest) at = (at + 1) & (size - 1);
    bool fresh = seen[at] == 0;
    seen[at] = digest;
    return fresh;
}

static mg_status count_class(mg_census *labels, uint64_t digest, mg_error *error) {
    if (labels->classes == MG_CONVERT_MOST_CLASSES) return MG_OK;
    if ((size_t)labels->classes * 2 >= labels->seen_size) {
        size_t size = labels->seen_size ? labels->seen_size * 2 : 1024;
        uint64_t *larger;
        mg_status status = mg_memory_zeroed(&larger, size, sizeof *larger, error);
        if (status) return status;
        for (size_t i = 0; i < labels->seen_size; i++)
            if (labels->seen[i]) add(larger, size, labels->seen[i]);
        mg_memory_free(labels->seen);
        labels->seen = larger;
        labels->seen_size = size;
    }
    if (add(labels->seen, labels->seen_size, digest ? digest : 1)) labels->classes++;
    return MG_OK;
}

static mg_status changed(mg_error *error) {
    return mg_fail(
        error, MG_DATA,
        "the label differs from the first reading: the input changed while it was read; convert it again");
}

mg_status mg_census_encode(mg_census *labels, const char *text, size_t bytes, int64_t *code, char *out,
                           mg_error *error) {
    char number[INTEGER_TEXT];
    labels->count++;
    if (labels->kind == MG_LABEL_INTEGER) {
        if (!mg_text_whole(text, text + bytes, code)) return changed(error);
        return count_class(labels, mg_hash_mix((uint64_t)*code + 1), error);
    }
    if (labels->numbers && mg_text_whole(text, text + bytes, code)) {
        bytes = (size_t)snprintf(number, sizeof number, "%" PRId64, *code);
        text = number;
    }
    if (labels->missing && mg_text_missing(text, bytes)) bytes = 0;
    if (bytes > labels->longest) return changed(error);
    memcpy(out, text, bytes);
    memset(out + bytes, 0, labels->longest - bytes);
    return bytes ? count_class(labels, mg_hash_bytes(0, text, bytes), error) : MG_OK;
}

mg_status mg_census_encode_code(mg_census *labels, int64_t code, char *out, mg_error *error) {
    char text[INTEGER_TEXT];
    int64_t same;
    int bytes = snprintf(text, sizeof text, "%" PRId64, code);
    return mg_census_encode(labels, text, (size_t)bytes, &same, out, error);
}

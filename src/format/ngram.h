// ngram.h - converts a text to counts of hashed n-grams. Every machine computes the same buckets.
// docs/formats.md has the rules.
#ifndef MG_FORMAT_NGRAM_H
#define MG_FORMAT_NGRAM_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mg_ngram_recipe {
    bool words;    // n-grams of words, otherwise of characters
    int low, high; // smallest and largest n
    bool lowercase;
    int bits; // buckets are 0 .. 2^bits - 1
} mg_ngram_recipe;

enum { MG_NGRAM_MOST = 16, MG_NGRAM_MOST_BITS = 28 };

// Parses "char:1:4", "word:1:2" or "word:1". Returns false for any other text.
bool mg_ngram_parse(const char *value, mg_ngram_recipe *out);

typedef struct mg_ngram mg_ngram; // working memory for one recipe

mg_status mg_ngram_create(mg_ngram **out, const mg_ngram_recipe *recipe, mg_error *error);
void mg_ngram_destroy(mg_ngram *ngram); // NULL is allowed

// Computes the buckets of `text` (valid UTF-8), in ascending order, and their counts. The arrays are valid
// until the next call.
mg_status mg_ngram_count(mg_ngram *ngram, const char *text, size_t bytes, const uint32_t **buckets,
                         const uint32_t **counts, int64_t *count, mg_error *error);

// For options: whether mg_ngram_parse can read the value; the kinds of values of n-grams.
mg_status mg_ngram_check(const char *value, mg_error *error);
const char *mg_ngram_weighting(int i);

#endif

// ngram.c - normalises a text, and counts its n-grams in hash buckets. Texts with very many n-grams are
// counted in a table of all buckets.
#include "format/ngram.h"

#include "base/memory.h"
#include "base/number.h"
#include "format/keys.h"

#include <stdio.h>
#include <string.h>

enum { PENDING = 1 << 16, SHORT = 96, LANES = 16 };

#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

struct mg_ngram {
    mg_ngram_recipe recipe;
    char *text; // normalised text, with one space at each end
    size_t text_capacity;
    size_t *starts; // offset of each word, and the end of the last one
    size_t start_capacity;
    uint64_t *pending; // [2 * PENDING] buckets that are not counted yet, and scratch memory
    size_t waiting;
    uint32_t *table; // [2^bits] counts for a text with more than PENDING n-grams; otherwise NULL or all zero
    bool table_used;
    uint32_t *buckets, *counts;
    size_t bucket_capacity, count_capacity;
};

bool mg_ngram_parse(const char *value, mg_ngram_recipe *out) {
    int low, high, end = 0;
    out->words = !strncmp(value, "word:", 5);
    if (!out->words && strncmp(value, "char:", 5) != 0) return false;
    if (sscanf(value + 5, "%2d:%2d%n", &low, &high, &end) != 2 || value[5 + end] != '\0') {
        end = 0;
        if (sscanf(value + 5, "%2d%n", &low, &end) != 1 || value[5 + end] != '\0') return false;
        high = low;
    }
    if (low < 1 || high < low || high > MG_NGRAM_MOST) return false;
    out->low = low;
    out->high = high;
    return true;
}

mg_status mg_ngram_create(mg_ngram **out, const mg_ngram_recipe *recipe, mg_error *error) {
    mg_ngram *ngram;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&ngram, 1, sizeof *ngram, error);
    if (status) return status;
    ngram->recipe = *recipe;
    status = mg_memory_get(&ngram->pending, 2 * PENDING, sizeof *ngram->pending, error);
    if (status) mg_ngram_destroy(ngram);
    else *out = ngram;
    return status;
}

void mg_ngram_destroy(mg_ngram *ngram) {
    if (!ngram) return;
    mg_memory_free(ngram->text);
    mg_memory_free(ngram->starts);
    mg_memory_free(ngram->pending);
    mg_memory_free(ngram->table);
    mg_memory_free(ngram->buckets);
    mg_memory_free(ngram->counts);
    mg_memory_free(ngram);
}

// The bucket of an n-gram: 64-bit FNV-1a over its bytes, then the finaliser of MurmurHash3, then the low
// bits.
static inline uint64_t fnv(uint64_t hash, const char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) hash = (hash ^ (unsigned char)bytes[i]) * FNV_PRIME;
    return hash;
}

// Mixes the hash once more, because the low bits of FNV-1a depend on too little of the text.
static inline uint32_t finish(uint64_t hash, int bits) {
    hash ^= hash >> 33;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 33;
    hash *= UINT64_C(0xc4ceb9fe1a85ec53);
    hash ^= hash >> 33;
    return (uint32_t)(hash & ((UINT64_C(1) << bits) - 1));
}

// Counts the pending buckets in the table.
static mg_status spill(mg_ngram *ngram, mg_error *error) {
    if (!ngram->table) {
        mg_status status =
            mg_memory_zeroed(&ngram->table, (size_t)1 << ngram->recipe.bits, sizeof *ngram->table, error);
        if (status) return status;
    }
    ngram->table_used = true;
    for (size_t i = 0; i < ngram->waiting; i++) ngram->table[ngram->pending[i]]++;
    ngram->waiting = 0;
    return MG_OK;
}

static inline mg_status put(mg_ngram *ngram, uint64_t hash, mg_error *error) {
    if (ngram->waiting == PENDING) {
        mg_status status = spill(ngram, error);
        if (status) return status;
    }
    ngram->pending[ngram->waiting++] = finish(hash, ngram->recipe.bits);
    return MG_OK;
}

static inline bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static inline bool is_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

// Normalises a text: single spaces between words, and one at each end. For n-grams of words, characters that
// cannot be part of a word become spaces.
static mg_status normalise(mg_ngram *ngram, const char *text, size_t bytes, size_t *length, mg_error *error) {
    mg_status status = mg_memory_grow(&ngram->text, &ngram->text_capacity, bytes + 2, 1, error);
    if (status) return status;
    char *to = ngram->text;
    *to++ = ' ';
    for (size_t i = 0; i < bytes; i++) {
        char c = text[i];
        if (ngram->recipe.words ? !is_word(c) : is_space(c)) {
            if (to[-1] != ' ') *to++ = ' ';
        } else {
            *to++ = ngram->recipe.lowercase && c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
        }
    }
    if (to[-1] != ' ') *to++ = ' ';
    *length = (size_t)(to - ngram->text);
    return MG_OK;
}

static inline bool is_inside(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

// Hashes every run of low .. high characters, except a single space, which every text would have.
static mg_status hash_characters(mg_ngram *ngram, size_t length, mg_error *error) {
    const char *begin = ngram->text, *end = begin + length;
    for (const char *at = begin; at < end;) {
        uint64_t hash = FNV_BASIS;
        const char *c = at;
        for (int n = 1; n <= ngram->recipe.high && c < end; n++) {
            do hash = (hash ^ (unsigned char)*c++) * FNV_PRIME;
            while (c < end && is_inside(*c));
            if (n < ngram->recipe.low || (n == 1 && *at == ' ')) continue;
            mg_status status = put(ngram, hash, error);
            if (status) return status;
        }
        for (at++; at < end && is_inside(*at); at++) {
        }
    }
    return MG_OK;
}

// Hashes every run of low .. high words, with one space between words.
static mg_status hash_words(mg_ngram *ngram, size_t length, mg_error *error) {
    size_t words = 0;
    for (size_t i = 0; i + 1 < length; i++) {
        if (ngram->text[i] != ' ') continue;
        mg_status status =
            mg_memory_grow(&ngram->starts, &ngram->start_capacity, words + 2, sizeof *ngram->starts, error);
        if (status) return status;
        ngram->starts[words++] = i + 1;
        ngram->starts[words] = length;
    }
    for (size_t first = 0; first < words; first++) {
        uint64_t hash = FNV_BASIS;
        for (size_t n = 1; n <= (size_t)ngram->recipe.high && first + n <= words; n++) {
            size_t from = ngram->starts[first + n - 1] - (n > 1), to = ngram->starts[first + n] - 1;
            hash = fnv(hash, ngram->text + from, to - from);
            if (n < (size_t)ngram->recipe.low) continue;
            mg_status status = put(ngram, hash, error);
            if (status) return status;
        }
    }
    return MG_OK;
}

static mg_status reserve(mg_ngram *ngram, size_t count, mg_error *error) {
    mg_status status =
        mg_memory_grow(&ngram->buckets, &ngram->bucket_capacity, count, sizeof *ngram->buckets, error);
    return status
               ? status
               : mg_memory_grow(&ngram->counts, &ngram->count_capacity, count, sizeof *ngram->counts, error);
}

// Sorts few buckets by counting, for each one, how many are smaller: this has no branches that can be
// mispredicted. Equal buckets get the same position, and the gaps behind them are closed afterwards.
static int64_t gather_short(mg_ngram *ngram) {
    int32_t keys[SHORT] = {0};
    size_t n = ngram->waiting, padded = (n + LANES - 1) / LANES * LANES, distinct = 0;
    for (size_t i = 0; i < padded; i++) keys[i] = i < n ? (int32_t)ngram->pending[i] : INT32_MAX;
    memset(ngram->counts, 0, n * sizeof *ngram->counts);
    for (size_t i = 0; i < n; i++) {
        int32_t key = keys[i], less = 0;
        for (size_t j = 0; j < padded; j += LANES)
            for (size_t lane = 0; lane < LANES; lane++) less += keys[j + lane] < key;
        ngram->buckets[less] = (uint32_t)key;
        ngram->counts[less]++;
    }
    for (size_t i = 0; i < n; i++) {
        if (ngram->counts[i] == 0) continue;
        ngram->buckets[distinct] = ngram->buckets[i];
        ngram->counts[distinct++] = ngram->counts[i];
    }
    return (int64_t)distinct;
}

// Sorts the pending buckets, and counts equal ones.
static mg_status gather_pending(mg_ngram *ngram, int64_t *count, mg_error *error) {
    mg_status status = reserve(ngram, ngram->waiting + 1, error); // plus 1, because there may be no buckets
    if (status) return status;
    if (ngram->waiting <= SHORT) {
        *count = gather_short(ngram);
        return MG_OK;
    }
    mg_keys_sort(ngram->pending, ngram->pending + PENDING, ngram->waiting, 0, ngram->recipe.bits);
    int64_t n = 0;
    for (size_t i = 0; i < ngram->waiting; i++) {
        uint32_t bucket = (uint32_t)ngram->pending[i];
        if (n > 0 && ngram->buckets[n - 1] == bucket) {
            ngram->counts[n - 1]++;
        } else {
            ngram->buckets[n] = bucket;
            ngram->counts[n++] = 1;
        }
    }
    *count = n;
    return MG_OK;
}

// Takes the counts from the table, and zeroes it for the next text.
static mg_status gather_table(mg_ngram *ngram, int64_t *count, mg_error *error) {
    size_t size = (size_t)1 << ngram->recipe.bits, n = 0;
    mg_status status = spill(ngram, error);
    for (size_t i = 0; !status && i < size; i++) n += ngram->table[i] > 0;
    if (!status) status = reserve(ngram, n, error);
    if (status) return status;
    n = 0;
    for (size_t i = 0; i < size; i++) {
        if (ngram->table[i] == 0) continue;
        ngram->buckets[n] = (uint32_t)i;
        ngram->counts[n++] = ngram->table[i];
        ngram->table[i] = 0;
    }
    ngram->table_used = false;
    *count = (int64_t)n;
    return MG_OK;
}

mg_status mg_ngram_count(mg_ngram *ngram, const char *text, size_t bytes, const uint32_t **buckets,
                         const uint32_t **counts, int64_t *count, mg_error *error) {
    size_t length;
    ngram->waiting = 0;
    mg_status status = normalise(ngram, text, bytes, &length, error);
    if (!status)
        status =
            ngram->recipe.words ? hash_words(ngram, length, error) : hash_characters(ngram, length, error);
    if (!status)
        status = ngram->table_used ? gather_table(ngram, count, error) : gather_pending(ngram, count, error);
    *buckets = ngram->buckets;
    *counts = ngram->counts;
    return status;
}

mg_status mg_ngram_check(const char *value, mg_error *error) {
    mg_ngram_recipe recipe;
    if (mg_ngram_parse(value, &recipe)) return MG_OK;
    return mg_fail(error, MG_CONFIG, "char:A:B or word:A:B, 1 <= A <= B <= %d", MG_NGRAM_MOST);
}

const char *mg_ngram_weighting(int i) {
    static const char *const names[] = {"tf", "tf-idf", "binary"};
    return i >= 0 && i < 3 ? names[i] : NULL;
}

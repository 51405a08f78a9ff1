// text_number.c - parses numbers as fast as a disk delivers them. Numbers whose digits fit in 64 bits are
// rounded correctly here; strtod parses all others.
#include "io/text.h"

#include "base/number.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LONGEST_NUMBER = 1000 }; // most characters of a number; a longer one is refused

// Parses with strtod: for numbers with more than 19 digits or a large exponent. `bytes` is at most
// LONGEST_NUMBER.
static double slow(const char *at, size_t bytes) {
    char copy[LONGEST_NUMBER + 1];
    memcpy(copy, at, bytes);
    copy[bytes] = '\0';
    double value = mg_strtod(copy);
    // On underflow returns the smallest double, so that the caller can see that the number was not 0.
    if (value == 0 && strcspn(copy, "123456789") < strcspn(copy, "eE"))
        value = *copy == '-' ? -DBL_TRUE_MIN : DBL_TRUE_MIN;
    return value;
}

// mantissa / 10^power, correctly rounded. The quotient is computed to at least 63 bits, and its last bit is
// set if there is a remainder.
static double divide(uint64_t mantissa, uint64_t power) {
    int shift = __builtin_clzll(mantissa);
    unsigned __int128 numerator = (unsigned __int128)(mantissa << shift) << 64;
    unsigned __int128 quotient = numerator / power;
    if (quotient * power != numerator) quotient |= 1;
    return ldexp((double)quotient, -64 - shift);
}

// mantissa * 10^exponent, correctly rounded. Returns false if only strtod can do that.
static bool scale(uint64_t mantissa, int64_t exponent, double *out) {
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    // Both factors are exact, so there is only one rounding.
    if (mantissa <= UINT64_C(1) << 53 && exponent >= -22 && exponent <= 22) {
        *out = exponent < 0 ? (double)mantissa / tens[-exponent] : (double)mantissa * tens[exponent];
        return true;
    }
    if (exponent == 0) {
        *out = (double)mantissa;
        return true;
    }
    if (exponent < 0 && exponent >= -19) {
        *out = divide(mantissa, (uint64_t)tens[-exponent]);
        return true;
    }
    return mantissa == 0 ? (*out = 0, true) : false;
}

static inline bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }

// Adds the exponent after 'e' to *exponent; NULL if it has no digits.
static const char *read_exponent(const char *at, const char *end, int64_t *exponent) {
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) at++;
    if (at == end || !is_digit(*at)) return NULL;
    int64_t value = 0;
    for (; at < end && is_digit(*at); at++)
        if (value < 1000000000) value = value * 10 + (*at - '0');
    *exponent += negative ? -value : value;
    return at;
}

const char *mg_text_number(const char *at, const char *end, double *out) {
    const char *begin = at;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) at++;
    const char *unsigned_begin = at;
    uint64_t mantissa = 0; // not used for more than 19 digits, because it overflows
    int64_t exponent = 0;
    for (; at < end && is_digit(*at); at++) mantissa = mantissa * 10 + (uint64_t)(*at - '0');
    size_t digits = (size_t)(at - unsigned_begin);
    if (at < end && *at == '.') {
        const char *point = at++;
        for (; at < end && is_digit(*at); at++) mantissa = mantissa * 10 + (uint64_t)(*at - '0');
        exponent = point + 1 - at;
        digits += (size_t)-exponent;
    }
    if (digits == 0) return NULL;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at = read_exponent(at + 1, end, &exponent);
        if (!at) return NULL;
    }
    double value;
    if (digits > 19 || !scale(mantissa, exponent, &value)) {
        if (at - begin > LONGEST_NUMBER) return NULL;
        value = slow(begin, (size_t)(at - begin));
        negative = false;
    }
    *out = negative ? -value : value;
    return at;
}

bool mg_text_whole(const char *at, const char *end, int64_t *out) {
    const char *c = at;
    bool negative = c < end && *c == '-';
    if (c < end && (*c == '-' || *c == '+')) c++;
    int64_t value = 0;
    bool fits = c < end;
    for (; c < end && is_digit(*c) && fits; c++)
        fits = !__builtin_mul_overflow(value, 10, &value) && !__builtin_sub_overflow(value, *c - '0', &value);
    // The value was accumulated as a negative number, because that range is larger by one.
    if (fits && c == end) fits = negative || !__builtin_sub_overflow(0, value, &value);
    if (fits && c == end) {
        *out = value;
        return true;
    }
    double real;
    if (mg_text_number(at, end, &real) != end || real != trunc(real) || fabs(real) > 0x1p53) return false;
    *out = (int64_t)real;
    return true;
}

bool mg_text_missing(const char *text, size_t bytes) {
#define WORD(word) word,
    static const char *const words[] = {MG_MISSING_WORDS(WORD)};
#undef WORD
    if (bytes == 0) return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (bytes == strlen(words[i]) && !strncasecmp(text, words[i], bytes)) return true;
    return false;
}

// number.c - parses numbers, and prints them in their shortest form.
#include "base/number.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static locale_t plain_locale;
static pthread_once_t plain_once = PTHREAD_ONCE_INIT;

// A host program may have set a locale with a decimal comma, which must not change how files are read.
static void plain_create(void) { plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

double mg_strtod(const char *text) {
    pthread_once(&plain_once, plain_create);
    return strtod_l(text, NULL, plain_locale);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Length of the decimal number at the start of `text`; 0 if there is none. *zero: all its digits are zero.
static size_t decimal_length(const char *text, bool *zero) {
    const char *c = text;
    size_t digits = 0;
    *zero = true;
    if (*c == '+' || *c == '-') c++;
    for (bool point = false; is_digit(*c) || (*c == '.' && !point); c++) {
        if (*c == '.') {
            point = true;
        } else {
            digits++;
            if (*c != '0') *zero = false;
        }
    }
    if (digits == 0) return 0;
    if (*c == 'e' || *c == 'E') {
        c++;
        if (*c == '+' || *c == '-') c++;
        if (!is_digit(*c)) return 0;
        while (is_digit(*c)) c++;
    }
    return (size_t)(c - text);
}

bool mg_parse_real_prefix(const char *text, double *out, const char **rest) {
    bool zero;
    size_t length = decimal_length(text, &zero);
    if (length == 0) return false;
    double value = mg_strtod(text);
    if (!isfinite(value) || (value == 0 && !zero)) return false;
    *out = value;
    *rest = text + length;
    return true;
}

bool mg_parse_real(const char *text, double *out) {
    double value, below = 1;
    const char *rest;
    if (!mg_parse_real_prefix(text, &value, &rest)) return false;
    if (*rest == '/') {
        if (rest[1] == '+' || rest[1] == '-') return false;
        if (!mg_parse_real_prefix(rest + 1, &below, &rest)) return false;
    }
    if (*rest != '\0' || below == 0) return false;
    double quotient = value / below;
    if (!isfinite(quotient) || (quotient == 0 && value != 0)) return false;
    *out = quotient;
    return true;
}

bool mg_parse_int(const char *text, int64_t *out) {
    bool negative = *text == '-';
    if (*text == '+' || *text == '-') text++;
    if (!is_digit(*text)) return false;
    int64_t value = 0;
    for (; is_digit(*text); text++) {
        int digit = *text - '0';
        // Accumulated with the number's sign, so that INT64_MIN can be parsed without overflow.
        if (__builtin_mul_overflow(value, 10, &value)) return false;
        if (__builtin_add_overflow(value, negative ? -digit : digit, &value)) return false;
    }
    if (*text != '\0') return false;
    *out = value;
    return true;
}

// Turns 1e+30 into 1e30 and 1e-05 into 1e-5.
static void shorten_exponent(char *text) {
    char *to = strchr(text, 'e');
    if (!to) return;
    const char *from = ++to;
    if (*from == '-') *to++ = '-';
    if (*from == '-' || *from == '+') from++;
    while (*from == '0' && from[1] != '\0') from++;
    memmove(to, from, strlen(from) + 1);
}

void mg_print_real(double value, char out[MG_REAL_TEXT]) {
    pthread_once(&plain_once, plain_create);
    locale_t before = uselocale(plain_locale);
    if (fabs(value) < 1e15 && value == trunc(value)) {
        snprintf(out, MG_REAL_TEXT, "%.0f", value);
    } else {
        for (int digits = 1; digits <= 17; digits++) {
            snprintf(out, MG_REAL_TEXT, "%.*g", digits, value);
            if (strtod_l(out, NULL, plain_locale) == value) break;
        }
    }
    uselocale(before);
    shorten_exponent(out);
}

void mg_print_short(double value, int digits, char out[MG_REAL_TEXT]) {
    pthread_once(&plain_once, plain_create);
    locale_t before = uselocale(plain_locale);
    snprintf(out, MG_REAL_TEXT, "%.*g", digits, value);
    uselocale(before);
    shorten_exponent(out);
}

void mg_print_fixed(double value, int decimals, char out[MG_REAL_TEXT]) {
    if (!(fabs(value) < 1e15)) {
        mg_print_short(value, decimals, out);
        return;
    }
    pthread_once(&plain_once, plain_create);
    locale_t before = uselocale(plain_locale);
    snprintf(out, MG_REAL_TEXT, "%.*f", decimals, value);
    uselocale(before);
}

void mg_print_float(float value, char out[MG_REAL_TEXT]) {
    if (value == 0 && !signbit(value)) { // most weights of sparse models
        memcpy(out, "0", 2);
        return;
    }
    pthread_once(&plain_once, plain_create);
    locale_t before = uselocale(plain_locale);
    snprintf(out, MG_REAL_TEXT, "%.9g", (double)value);
    uselocale(before);
}

const char *mg_print_bytes(double bytes, char out[MG_BYTES_TEXT]) {
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    int unit = 0;
    for (; bytes >= 999.5 && unit < 4; unit++) bytes /= 1000;
    snprintf(out, MG_BYTES_TEXT, unit && bytes < 9.95 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return out;
}

const char *mg_print_count(int64_t number, char out[MG_COUNT_TEXT]) {
    char digits[MG_COUNT_TEXT];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)number), at = 0;
    for (int i = 0; i < length; i++) {
        if (i && digits[i - 1] != '-' && (length - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
    return out;
}

// number.h - strict parsing of numbers: the whole text must be a number. The decimal point is always '.'.
#ifndef MG_BASE_NUMBER_H
#define MG_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

// Parses a decimal whole number with an optional sign. Returns false for any other text, and on overflow.
bool mg_parse_int(const char *text, int64_t *out);

// Parses a decimal number (1e-3, .5, 7.) or a fraction of two (1/255). Returns false for any other text (also
// for hexadecimal numbers, inf and nan), on overflow, and on underflow to 0.
bool mg_parse_real(const char *text, double *out);

// Parses the decimal number at the start of `text`, such as 512 in "512MB"; *rest becomes the position after
// it.
bool mg_parse_real_prefix(const char *text, double *out, const char **rest);

// strtod, but the decimal point is '.' whatever the locale of the host program is.
double mg_strtod(const char *text);

enum { MG_REAL_TEXT = 32 };

// Prints as few digits as are needed to read the same double again.
void mg_print_real(double value, char out[MG_REAL_TEXT]) __attribute__((nonnull));

// Prints nine digits (printf's %.9g), from which the same float can be read.
void mg_print_float(float value, char out[MG_REAL_TEXT]) __attribute__((nonnull));

enum { MG_COUNT_TEXT = 32 };

// Prints a whole number for people, with commas between thousands: "1,700". Returns `out`.
const char *mg_print_count(int64_t number, char out[MG_COUNT_TEXT]) __attribute__((nonnull));

// Print for people: with at most `digits` significant digits (%.*g), or with `decimals` digits after the
// point.
void mg_print_short(double value, int digits, char out[MG_REAL_TEXT]) __attribute__((nonnull));
void mg_print_fixed(double value, int decimals, char out[MG_REAL_TEXT]) __attribute__((nonnull));

enum { MG_BYTES_TEXT = 32 };

// Prints a size for people in decimal units, such as "1.5 GB". Returns `out`.
const char *mg_print_bytes(double bytes, char out[MG_BYTES_TEXT]) __attribute__((nonnull));

#endif

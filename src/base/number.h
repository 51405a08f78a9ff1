// number.h - strict numbers: the whole text is one or it is refused; the decimal point is '.' always.
#ifndef MG_BASE_NUMBER_H
#define MG_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

// Decimal whole number with an optional sign. False on rubbish or overflow.
bool mg_parse_int(const char *text, int64_t *out);

// 1e-3, .5, 7., fractions such as 1/255. False on rubbish, hexadecimal, inf, nan, overflow, underflow to 0.
bool mg_parse_real(const char *text, double *out);

// The decimal number `text` starts with, e.g. 512 of "512MB"; *rest is what follows it.
bool mg_parse_real_prefix(const char *text, double *out, const char **rest);

enum { MG_REAL_TEXT = 32 };

// Fewest digits that read back to the same double.
void mg_print_real(double value, char out[MG_REAL_TEXT]) __attribute__((nonnull));

// Nine digits, which read back to the same float, as printf's %.9g gives them.
void mg_print_float(float value, char out[MG_REAL_TEXT]) __attribute__((nonnull));

enum { MG_BYTES_TEXT = 32 };

// A size for people: "1.5 GB", in decimal units. Returns `out`.
const char *mg_print_bytes(double bytes, char out[MG_BYTES_TEXT]) __attribute__((nonnull));

#endif

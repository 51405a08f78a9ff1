// fuzz.h - one function for each kind of input: it takes any bytes, and must accept them or refuse them in
// one line. libFuzzer calls the functions (entry.c), and an ordinary test feeds them everything found before
// (replay.c).
#ifndef MG_FUZZ_H
#define MG_FUZZ_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int fuzz_config(const uint8_t *bytes, size_t size); // a YAML file
int fuzz_set(const uint8_t *bytes, size_t size);    // a value of --set
int fuzz_svmlight(const uint8_t *bytes, size_t size);
int fuzz_csv(const uint8_t *bytes, size_t size);
int fuzz_text(const uint8_t *bytes, size_t size); // texts to be hashed
int fuzz_idx(const uint8_t *bytes, size_t size);
int fuzz_npy(const uint8_t *bytes, size_t size);
int fuzz_seal(const uint8_t *bytes, size_t size); // a sealed file, or the content of one
int fuzz_lzf(const uint8_t *bytes, size_t size);  // the size of a chunk, and what is packed in it
// What is changed in a model or checkpoint before it is sealed again.
int fuzz_forge(const uint8_t *bytes, size_t size);

extern char fuzz_input[300]; // the input that is being read, for messages

// Ends the process with a message unless `holds`, which the fuzzer reports as a finding.
void fuzz_check(bool holds, const char *what);

// A refusal must be one printable line, with the returned status, which must be one that blames the input.
void fuzz_refusal(mg_status status, const mg_error *error);

typedef struct fuzz_bytes {
    const void *bytes;
    size_t size;
} fuzz_bytes;

// Reads one input of a format, or two (labels.bytes NULL: one), in both passes, with "name=value" settings
// separated by spaces. Checks what the format promises its sink: as many rows, cells and labels as the shape
// says, ascending indices, finite values.
void fuzz_format(const char *format, const char *settings, fuzz_bytes rows, fuzz_bytes labels);

#endif

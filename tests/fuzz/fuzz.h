// fuzz.h - one function for each kind of input. It takes any bytes, and must either accept them or refuse
// them with one line. libFuzzer calls these functions (entry.c), and an ordinary test repeats all inputs that
// were found before (replay.c).
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
int fuzz_text(const uint8_t *bytes, size_t size); // texts that are hashed
int fuzz_idx(const uint8_t *bytes, size_t size);
int fuzz_npz(const uint8_t *bytes, size_t size);
int fuzz_safetensors(const uint8_t *bytes, size_t size);
int fuzz_mtx(const uint8_t *bytes, size_t size);
int fuzz_npy(const uint8_t *bytes, size_t size);
int fuzz_seal(const uint8_t *bytes, size_t size); // a sealed file, or the content for one
int fuzz_lzf(const uint8_t *bytes, size_t size);  // the size of a chunk, followed by the packed chunk
// Which fields to change in a model or checkpoint, before it is sealed again.
int fuzz_forge(const uint8_t *bytes, size_t size);

extern char fuzz_input[300]; // name of the present input, for messages

// If `holds` is false, ends the process with a message; the fuzzer then reports a finding.
void fuzz_check(bool holds, const char *what);

// Checks a refusal: one printable line, with the status that was returned, which must be one for wrong
// inputs.
void fuzz_refusal(mg_status status, const mg_error *error);

typedef struct fuzz_bytes {
    const void *bytes;
    size_t size;
} fuzz_bytes;

// Reads one input of a format, or two (if labels.bytes is not NULL), in both passes. `settings`:
// "name=value", separated by spaces. Checks what a format promises to its sink: as many rows, cells and
// labels as the shape says, ascending indices, finite values.
void fuzz_format(const char *format, const char *settings, fuzz_bytes rows, fuzz_bytes labels);

#endif

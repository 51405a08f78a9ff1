// fuzz.h - one function a kind of input: any bytes in, and nothing but an answer or one line of refusal out.
// libFuzzer drives them (entry.c), and an ordinary test feeds them everything that was ever found (replay.c).
#ifndef MG_FUZZ_H
#define MG_FUZZ_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int fuzz_config(const uint8_t *bytes, size_t size); // a YAML file
int fuzz_set(const uint8_t *bytes, size_t size);    // a text of --set
int fuzz_svmlight(const uint8_t *bytes, size_t size);
int fuzz_csv(const uint8_t *bytes, size_t size);
int fuzz_text(const uint8_t *bytes, size_t size); // texts to be hashed
int fuzz_idx(const uint8_t *bytes, size_t size);
int fuzz_npy(const uint8_t *bytes, size_t size);
int fuzz_seal(const uint8_t *bytes, size_t size); // a sealed file; the content of one
int fuzz_forge(const uint8_t *bytes,
               size_t size); // what is changed in a model or checkpoint before it is sealed again

extern char fuzz_input[300]; // what is being read, for messages

// Ends the process, saying where, unless `holds`: a fuzzer takes that as a finding.
void fuzz_check(bool holds, const char *what);

// A refusal is one printable line whose status is the one returned, and one of those that blame the input.
void fuzz_refusal(mg_status status, const mg_error *error);

typedef struct fuzz_bytes {
    const void *bytes;
    size_t size;
} fuzz_bytes;

// Reads one input of a format, or two (labels.bytes NULL: one), with "name=value" settings separated by
// spaces, in both passes, and checks what the format promises its sink: as many rows, cells and labels as the
// shape says, ascending indices, finite values.
void fuzz_format(const char *format, const char *settings, fuzz_bytes rows, fuzz_bytes labels);

#endif

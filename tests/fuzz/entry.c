// entry.c - the entry points of libFuzzer; compiled once for each target.
#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

// Prepares the target here, so that its first input does not seem slow.
int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    return FUZZ_TARGET((const uint8_t *)"", 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) { return FUZZ_TARGET(bytes, size); }

// entry.c - libFuzzer's way in; compiled once for each target.
#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

// What a target prepares at its first input is no input's time.
int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    return FUZZ_TARGET((const uint8_t *)"", 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) { return FUZZ_TARGET(bytes, size); }

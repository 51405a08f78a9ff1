// entry.c - libFuzzer's way in; compiled once for each target.
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    return FUZZ_TARGET(bytes, size);
}

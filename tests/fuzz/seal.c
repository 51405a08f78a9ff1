// seal.c - the target for sealed files: a seal is accepted only if it is that of the content, and any changed
// byte is detected. How libhdf5 parses the content is not fuzzed here.
#include "fuzz.h"

#include "base/memory.h"
#include "io/file.h"

#include <string.h>

// Takes the input as a file, which may have a seal.
static void check_foreign(const uint8_t *bytes, size_t size) {
    size_t content;
    unsigned char seal[MG_SEAL_BYTES];
    mg_error error = {0};
    mg_status status = mg_file_check_seal("x.h5", bytes, size, &content, &error);
    if (status) {
        fuzz_refusal(status, &error);
        return;
    }
    fuzz_check(content + MG_SEAL_BYTES == size, "content and seal are the whole file");
    mg_file_seal(bytes, content, seal);
    fuzz_check(!memcmp(seal, bytes + content, MG_SEAL_BYTES), "a seal that is accepted is the content's own");
}

// Takes the input as content: seals it, then changes one byte, then truncates the file.
static void check_own(const uint8_t *bytes, size_t size) {
    unsigned char *file;
    size_t content, whole = size + MG_SEAL_BYTES;
    mg_error error = {0};
    fuzz_check(!mg_memory_get(&file, whole, 1, &error), "there is memory for a file");
    memcpy(file, bytes, size);
    mg_file_seal(file, size, file + size);
    fuzz_check(!mg_file_check_seal("x.h5", file, whole, &content, &error) && content == size,
               "a sealed file is accepted");
    size_t at = (bytes[0] * 257u + size) % whole;
    unsigned char bit = (unsigned char)(1u << bytes[size - 1] % 8);
    file[at] ^= bit;
    mg_status status = mg_file_check_seal("x.h5", file, whole, &content, &error);
    fuzz_check(status == MG_DATA, "a changed byte is noticed");
    fuzz_refusal(status, &error);
    file[at] ^= bit;
    if (at <= size) check_foreign(file, at); // the content itself may begin with a sealed file
    else fuzz_check(mg_file_check_seal("x.h5", file, at, &content, &error) == MG_DATA, "a cut is noticed");
    mg_memory_free(file);
}

int fuzz_seal(const uint8_t *bytes, size_t size) {
    check_foreign(bytes, size);
    if (size) check_own(bytes, size);
    return 0;
}

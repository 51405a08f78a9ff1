// formats.c - targets that read data files, with every setting that changes how bytes are read.
#include "fuzz.h"

static const fuzz_bytes none = {0};

int fuzz_svmlight(const uint8_t *bytes, size_t size) {
    fuzz_format("svmlight", "", (fuzz_bytes){bytes, size}, none);
    fuzz_format("svmlight", "base=1 features=100 layout=dense", (fuzz_bytes){bytes, size}, none);
    return 0;
}

int fuzz_csv(const uint8_t *bytes, size_t size) {
    fuzz_format("csv", "", (fuzz_bytes){bytes, size}, none);
    fuzz_format("csv", "label=first header=no delimiter=comma", (fuzz_bytes){bytes, size}, none);
    fuzz_format("csv", "label=none header=yes delimiter=tab", (fuzz_bytes){bytes, size}, none);
    return 0;
}

int fuzz_text(const uint8_t *bytes, size_t size) {
    fuzz_format("text", "bits=8", (fuzz_bytes){bytes, size}, none);
    fuzz_format("text", "bits=8 ngrams=char:1:4 weighting=tf-idf", (fuzz_bytes){bytes, size}, none);
    fuzz_format("text", "bits=8 text=text label=label", (fuzz_bytes){bytes, size}, none);
    return 0;
}

// Reads the input as a file of rows, and then as the labels of three rows.
int fuzz_idx(const uint8_t *bytes, size_t size) {
    static const char rows[] = "\0\0\x08\x02\0\0\0\3\0\0\0\2abcdef";
    fuzz_format("idx", "", (fuzz_bytes){bytes, size}, none);
    fuzz_format("idx", "", (fuzz_bytes){rows, sizeof rows - 1}, (fuzz_bytes){bytes, size});
    return 0;
}

int fuzz_npz(const uint8_t *bytes, size_t size) {
    fuzz_format("npz", "", (fuzz_bytes){bytes, size}, none);
    fuzz_format("npz", "features=data", (fuzz_bytes){bytes, size}, none);
    return 0;
}

int fuzz_safetensors(const uint8_t *bytes, size_t size) {
    fuzz_format("safetensors", "", (fuzz_bytes){bytes, size}, none);
    fuzz_format("safetensors", "features=h labels=h", (fuzz_bytes){bytes, size}, none);
    return 0;
}

int fuzz_mtx(const uint8_t *bytes, size_t size) {
    fuzz_format("mtx", "", (fuzz_bytes){bytes, size}, none);
    fuzz_format("mtx", "rows=second", (fuzz_bytes){bytes, size}, none);
    return 0;
}

int fuzz_npy(const uint8_t *bytes, size_t size) {
    static const char rows[] =
        "\x93NUMPY\1\0\x38\0{'descr': '|u1', 'fortran_order': False, 'shape': (3,1)}abc";
    fuzz_format("npy", "", (fuzz_bytes){bytes, size}, none);
    fuzz_format("npy", "", (fuzz_bytes){rows, sizeof rows - 1}, (fuzz_bytes){bytes, size});
    return 0;
}

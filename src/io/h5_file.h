// h5_file.h - what h5.c, h5_array.c and h5_image.c share of the library's handles. Only src/io/h5*.c include it.
#ifndef MG_IO_H5_FILE_H
#define MG_IO_H5_FILE_H

#include "io/h5.h"

#include <hdf5.h>

struct mg_h5 {
    hid_t file;
    char *path;
    int users; // mg_h5_share
    int fd;    // of the same file, for reads without the library; -1: it lies in memory
};

// The deepest message of this thread's HDF5 error stack, without newlines; the stack is cleared. `out` holds `size` bytes.
const char *mg_h5_reason(char *out, size_t size);

// IEEE half, little-endian; the library has no name for it. The caller closes it.
hid_t mg_h5_half_type(void);

// Text for a file that the library holds in memory. No such file can exist, as /dev/null is no directory: the driver looks for the name on
// disk although nothing is read or stored there. No two are the same, or the library would take two images for one file.
enum { MG_H5_MEMORY_NAME = 48 };
void mg_h5_memory_name(char out[MG_H5_MEMORY_NAME]);

// Silences the library's own printing in the calling thread (the setting is per thread).
void mg_h5_quiet(void);

#endif

// h5_lent.c - opens a block of memory as a file without a copy. By default the library would copy it twice.
#include "io/h5_file.h"

#include <string.h>

// Whenever the library requests a buffer, it gets the block itself, so it copies nothing. The file is
// read-only, so the library never writes to the block and never needs a larger one.
static void *lend(size_t size, H5FD_file_image_op_t operation, void *block) {
    (void)size, (void)operation;
    return block;
}

static void *copy(void *to, const void *from, size_t size, H5FD_file_image_op_t operation, void *block) {
    (void)operation, (void)block;
    return to == from ? to : memcpy(to, from, size);
}

static void *refuse_growth(void *buffer, size_t size, H5FD_file_image_op_t operation, void *block) {
    (void)buffer, (void)size, (void)operation, (void)block;
    return NULL;
}

static herr_t keep(void *buffer, H5FD_file_image_op_t operation, void *block) {
    (void)buffer, (void)operation, (void)block;
    return 0;
}

static void *share(void *block) { return block; }

static herr_t forget(void *block) {
    (void)block;
    return 0;
}

hid_t mg_h5_lend(const void *bytes, size_t size) {
    void *block = (void *)(uintptr_t)bytes;
    H5FD_file_image_callbacks_t callbacks = {lend, copy, refuse_growth, keep, share, forget, block};
    hid_t list = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fclose_degree(list, H5F_CLOSE_STRONG);
    H5Pset_fapl_core(list, 1 << 16, 0);
    H5Pset_file_image_callbacks(list, &callbacks);
    H5Pset_file_image(list, block, size);
    return list;
}

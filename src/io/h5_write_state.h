// h5_write_state.h - the state of a writer of HDF5 files, which h5_write.c (content) and h5_commit.c (names)
// share.
#ifndef MG_IO_H5_WRITE_STATE_H
#define MG_IO_H5_WRITE_STATE_H

#include "io/h5_file.h"
#include "io/h5_write.h"
#include "io/output.h"

typedef struct mg_h5_slot {
    char name[64];
    // position in the file; size of the array; bytes written so far, without those in the buffer
    int64_t offset, size, written;
    unsigned char *buffer; // allocated by the writer
    size_t filled;
} mg_h5_slot;

struct mg_h5_writer {
    char *path;
    mg_place place; // where the finished file goes
    char temporary[MG_TEMPORARY_TEXT];
    char aside[MG_TEMPORARY_TEXT]; // the temporary name of the file that is replaced; "": it has none
    bool exists;                   // the temporary file has been created
    bool kept;                     // it is the file that was replaced
    mg_named own;                  // the finished file
    bool unnamed;                  // the file has no name, and is not kept
    int64_t bytes;                 // total size of the arrays
    int file;                      // descriptor of the temporary file
    hid_t library;                 // the file as the library has it; closed by mg_h5_writer_start
    unsigned char *image; // [MOST_IMAGE] memory of the library's file, of which `image_size` bytes are used
    size_t image_size;
    int count;
    mg_h5_slot slots[MG_H5_WRITER_ARRAYS];
};

// Writes what is still buffered. Errors: MG_IO; MG_DATA if an array lacks data.
mg_status mg_h5_writer_fill(mg_h5_writer *writer, mg_error *error);

#endif

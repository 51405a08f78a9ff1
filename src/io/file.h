// file.h - opens files for reading; defines the table of system calls that write files, and the seal at the
// end of margin's own files.
#ifndef MG_IO_FILE_H
#define MG_IO_FILE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum mg_rename {
    MG_RENAME_NEW,     // fails with EEXIST if the new name exists
    MG_RENAME_REPLACE, // replaces a file of the new name
    MG_RENAME_SWAP,    // exchanges two files; fails with EINVAL if the file system cannot do that
} mg_rename;

// The system calls of a durable write, as a table, so that a test can make the k-th call fail. `directory` is
// the descriptor to which `name` is relative, or AT_FDCWD.
typedef struct mg_file_ops {
    int (*open)(int directory, const char *name, int flags, mode_t mode);
    ssize_t (*write)(int fd, const void *bytes, size_t size);
    int (*fsync)(int fd);
    int (*close)(int fd);
    int (*rename)(int directory, const char *from, const char *to, mg_rename how);
    int (*unlink)(int directory, const char *name);
} mg_file_ops;

extern mg_file_ops mg_file_calls; // the table in use: the system calls, unless a test replaces them

// MG_FILE_REGULAR: only a regular file. MG_FILE_STREAM: also a source that can only be read once, from
// beginning to end: an anonymous pipe (process substitution, /dev/stdin) or a character device. FIFOs,
// sockets and directories are always refused.
typedef enum mg_file_kind { MG_FILE_REGULAR, MG_FILE_STREAM } mg_file_kind;

// Opens a file for reading, without waiting for a writer, and checks its kind. The caller reads everything
// through *fd, so that all bytes are from one file, even if the name refers to another file later, and closes
// it. Errors: MG_IO.
mg_status mg_file_open(const char *path, mg_file_kind kind, int *fd, mg_error *error);

// The same for a name in an open directory; `path` is used in messages.
mg_status mg_file_open_at(int directory, const char *name, const char *path, mg_file_kind kind, int *fd,
                          mg_error *error);

// Reads an open regular file into memory; the caller frees *bytes (mg_memory_free). Errors: MG_IO; MG_DATA if
// the file is larger than `limit`.
mg_status mg_file_read_open(int fd, const char *path, size_t limit, unsigned char **bytes, size_t *size,
                            mg_error *error);

// The same for a path: opens, reads and closes the file.
mg_status mg_file_read(const char *path, size_t limit, unsigned char **bytes, size_t *size, mg_error *error);

// Writes all `size` bytes to the descriptor. Errors: MG_IO.
mg_status mg_file_write_all(int fd, const char *path, const void *bytes, size_t size, mg_error *error);

// The seal: 64 bytes after the content that show whether a byte has changed. HDF5 readers ignore them. A file
// is intact if it is complete and its seal matches the content.
enum { MG_SEAL_BYTES = 64, MG_SEAL_DIGEST = 32 }; // offset of the digest of the content in the seal

// Computes seal[MG_SEAL_BYTES] of `size` bytes of content.
void mg_file_seal(const void *content, size_t size, unsigned char *seal);

// Sets *sealed to whether the open file ends in a seal, correct or not. Errors: MG_IO with `path`.
mg_status mg_file_has_seal(int fd, const char *path, bool *sealed, mg_error *error);

// Checks the seal of a complete file in memory; *content_size is the size without the seal. Errors: MG_DATA
// with `path` and the fault.
mg_status mg_file_check_seal(const char *path, const unsigned char *bytes, size_t size, size_t *content_size,
                             mg_error *error);

// For content that is refused although its seal is correct: completes the error message, with `path` before
// it (unless it is already there) and `advice` after it. Does nothing unless `status` is MG_DATA. Returns
// `status`.
mg_status mg_file_blame(const char *path, const char *advice, mg_status status, mg_error *error);

#endif

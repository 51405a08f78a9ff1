// file.h - opening files for reading, the system calls that write files, and the seal at the end of margin's
// own files.
#ifndef MG_IO_FILE_H
#define MG_IO_FILE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// The system calls a durable write goes through; a test puts its own in place to fail the k-th. `directory`
// is the descriptor that names are relative to, or AT_FDCWD.
typedef struct mg_file_ops {
    int (*open)(int directory, const char *name, int flags, mode_t mode);
    ssize_t (*write)(int fd, const void *bytes, size_t size);
    int (*fsync)(int fd);
    int (*close)(int fd);
    int (*rename)(int directory, const char *from, const char *to,
                  bool replace); // fails with EEXIST rather than replace
    int (*unlink)(int directory, const char *name);
} mg_file_ops;

extern mg_file_ops mg_file_calls; // the table in use; the system's own unless a test says otherwise

// What may be read: a regular file only; or also what can be read once from its beginning to its end, an
// anonymous pipe (process substitution, /dev/stdin) or a character device. A FIFO, a socket and a directory
// are never read.
typedef enum mg_file_kind { MG_FILE_REGULAR, MG_FILE_STREAM } mg_file_kind;

// Opens for reading, without waiting for a writer, and checks what was opened. The caller closes *fd, and
// reads everything through it: whatever happens to the name afterwards, these are the bytes of one file.
// Errors: MG_IO.
mg_status mg_file_open(const char *path, mg_file_kind kind, int *fd, mg_error *error);

// The same for a name in a directory that is open; `path` is for messages.
mg_status mg_file_open_at(int directory, const char *name, const char *path, mg_file_kind kind, int *fd,
                          mg_error *error);

// The whole of an open regular file in memory, *bytes is the caller's (mg_memory_free). Errors: MG_IO;
// MG_DATA when larger than `limit`.
mg_status mg_file_read_open(int fd, const char *path, size_t limit, unsigned char **bytes, size_t *size,
                            mg_error *error);

// Opens, reads as a whole and closes.
mg_status mg_file_read(const char *path, size_t limit, unsigned char **bytes, size_t *size, mg_error *error);

// All of `bytes` to the descriptor. Errors: MG_IO.
mg_status mg_file_write_all(int fd, const char *path, const void *bytes, size_t size, mg_error *error);

// Writes `size` bytes as the whole of `path`, as mg_directory_write does in a directory that is open.
mg_status mg_file_write(const char *path, const void *bytes, size_t size, mg_error *error);

// The seal: 64 bytes after the content that tell whether every byte is as it was written. HDF5 readers ignore
// them.
enum { MG_SEAL_BYTES = 64 };

// Fills seal[MG_SEAL_BYTES] for `size` bytes of content.
void mg_file_seal(const void *content, size_t size, unsigned char *seal);

// Does the open file end in a seal, right or wrong? A file that cannot be read or is too short does not.
bool mg_file_has_seal(int fd);

// Checks a whole sealed file in memory; *content_size without the seal. Errors: MG_DATA naming `path` and
// what is wrong.
mg_status mg_file_check_seal(const char *path, const unsigned char *bytes, size_t size, size_t *content_size,
                             mg_error *error);

#endif

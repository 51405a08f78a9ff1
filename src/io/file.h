// file.h - whole files: written so that a reader sees the old one or the new one, never a torn one.
#ifndef MG_IO_FILE_H
#define MG_IO_FILE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// The system calls a durable write goes through; a test puts its own in place to fail the k-th.
typedef struct mg_file_ops {
    int (*open)(const char *path, int flags, mode_t mode);
    ssize_t (*write)(int fd, const void *bytes, size_t size);
    int (*fsync)(int fd);
    int (*close)(int fd);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
} mg_file_ops;

extern mg_file_ops mg_file_calls; // the table in use; the system's own unless a test says otherwise

// Writes `size` bytes as the whole of `path`: temporary in the same directory, fsync, rename, fsync of the directory. On any
// failure the old file stands and no temporary remains. Errors: MG_IO with path and reason.
mg_status mg_file_write(const char *path, const void *bytes, size_t size, mg_error *error);

// The same for `size` bytes of content followed by their seal.
mg_status mg_file_write_sealed(const char *path, const void *content, size_t size, mg_error *error);

// The whole file in memory, *bytes is the caller's (mg_memory_free). Errors: MG_IO; MG_DATA when larger than `limit`.
mg_status mg_file_read(const char *path, size_t limit, unsigned char **bytes, size_t *size, mg_error *error);

// Creates the directory and its missing parents, each with the entry that names it on disk. Errors: MG_IO.
mg_status mg_file_make_directory(const char *path, mg_error *error);

// Deletes what killed writers of `directory`/`name`... left: temporaries of mg_file_write, and nothing else. No other process may be
// writing there.
void mg_file_remove_leftovers(const char *directory, const char *name);

// fsync of the directory that holds `path`, after an entry of it changed.
mg_status mg_file_sync_parent(const char *path, mg_error *error);

// The seal: 64 bytes after the content that tell whether every byte is as it was written. HDF5 readers ignore them.
enum { MG_SEAL_BYTES = 64 };

// Fills seal[MG_SEAL_BYTES] for `size` bytes of content.
void mg_file_seal(const void *content, size_t size, unsigned char *seal);

// Does the file end in a seal, right or wrong? A file that cannot be read or is too short does not.
bool mg_file_has_seal(const char *path);

// Checks a whole sealed file in memory; *content_size without the seal. Errors: MG_DATA naming `path` and what is wrong.
mg_status mg_file_check_seal(const char *path, const unsigned char *bytes, size_t size, size_t *content_size,
                             mg_error *error);

#endif

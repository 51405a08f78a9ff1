// input.h - reads the bytes of one file, unpacking gzip. Refuses directories, pipes, and gzip data that is
// truncated, damaged or followed by other bytes. At the end of the file, and before it is read a second time,
// checks that no other program has written to it since it was opened.
#ifndef MG_IO_INPUT_H
#define MG_IO_INPUT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

// Called about once per MiB with the fraction of the file that was read. If it returns an error, reading ends
// with it.
typedef struct mg_watch {
    mg_status (*beat)(void *context, double fraction, mg_error *error);
    void *context;
} mg_watch;

typedef struct mg_input mg_input;

// Opens a file. It keeps pointers to `path` and `watch` (may be NULL), which must outlive the input.
mg_status mg_input_open(mg_input **out, const char *path, const mg_watch *watch, mg_error *error);

// Tells apart the versions of a file that was written to or replaced.
typedef struct mg_input_version {
    dev_t device;
    ino_t number;
    int64_t size;
    struct timespec written;
} mg_input_version;

mg_input_version mg_input_version_of(const struct stat *info);

// The version of the file when it was opened.
mg_input_version mg_input_opened(const mg_input *input);

// Errors: MG_DATA if the file was not of this version when it was opened.
mg_status mg_input_check_version(const mg_input *input, const mg_input_version *version, mg_error *error);

// A part of a file, which is read as if it were a file of its own.
typedef struct mg_input_part {
    int64_t offset, bytes; // as stored
    bool deflated;         // packed by deflate without a header, as in zip archives
    bool checked;          // `crc` is the CRC-32 of the unpacked bytes; it is compared at their end
    uint32_t crc;
    const mg_input_version *version; // NULL: any version of the file
} mg_input_part;

// Opens a part of a file. Errors: MG_IO; MG_DATA if the file is shorter, or of another version.
mg_status mg_input_open_part(mg_input **out, const char *path, const mg_input_part *part,
                             const mg_watch *watch, mg_error *error);

// Reads up to `bytes` bytes; *got becomes their number, 0 at the end.
mg_status mg_input_read(mg_input *input, void *out, size_t bytes, size_t *got, mg_error *error);

// Reads exactly `bytes` bytes. Errors: MG_DATA if the file ends before; the message calls the bytes `what`.
mg_status mg_input_exact(mg_input *input, void *out, size_t bytes, const char *what, mg_error *error);

// Errors: MG_DATA if there are bytes after those that were read.
mg_status mg_input_finish(mg_input *input, mg_error *error);

// Makes the next read start at the first byte again.
mg_status mg_input_rewind(mg_input *input, mg_error *error);

const char *mg_input_path(const mg_input *input);

// Returns true if the file is gzip.
bool mg_input_packed(const mg_input *input);

// The largest number of bytes that the file can yield: its size or, for gzip, an upper bound of its unpacked
// size.
int64_t mg_input_most(const mg_input *input);

// Version of zlib.
const char *mg_input_zlib_version(void);

// NULL is allowed.
void mg_input_close(mg_input *input);

#endif

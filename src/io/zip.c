// zip.c - reads the central directory of a zip archive, also of more than 4 GiB (zip64).
#include "io/zip.h"

#include "base/arithmetic.h"
#include "base/memory.h"
#include "io/file.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { END = 22, END64 = 56, LOCATOR = 20, ENTRY = 46, LOCAL = 30, MOST_COMMENT = 65535, DEFLATED = 8 };

typedef struct archive {
    const char *path;
    int fd;
    int64_t size;
} archive;

static uint64_t number(const unsigned char *at, int bytes) {
    uint64_t n = 0;
    for (int i = bytes - 1; i >= 0; i--) n = n << 8 | at[i];
    return n;
}

static mg_status damaged(const archive *a, mg_error *error) {
    return mg_fail(error, MG_DATA, "%s: the zip archive is damaged or truncated: write it again", a->path);
}

static mg_status read_at(const archive *a, int64_t at, void *out, int64_t bytes, mg_error *error) {
    if (at < 0 || bytes < 0 || bytes > a->size - at) return damaged(a, error);
    for (char *to = out; bytes > 0;) {
        ssize_t n = pread(a->fd, to, (size_t)bytes, at);
        if (n <= 0) return mg_fail(error, MG_IO, "%s: cannot be read", a->path);
        to += n;
        at += n;
        bytes -= n;
    }
    return MG_OK;
}

// Finds the central directory: its position, and the number of its entries.
static mg_status find_directory(const archive *a, int64_t *at, int64_t *count, mg_error *error) {
    unsigned char *tail, end64[END64];
    int64_t bytes = mg_min(a->size, END + MOST_COMMENT), e = bytes - END;
    mg_status status = mg_memory_get(&tail, (size_t)bytes + 1, 1, error);
    if (status) return status;
    status = read_at(a, a->size - bytes, tail, bytes, error);
    while (!status && e >= 0 && memcmp(tail + e, "PK\5\6", 4) != 0) e--;
    if (!status && e < 0) status = damaged(a, error);
    if (!status) {
        *count = (int64_t)number(tail + e + 10, 2);
        *at = (int64_t)number(tail + e + 16, 4);
    }
    if (!status && e >= LOCATOR && !memcmp(tail + e - LOCATOR, "PK\6\7", 4)) {
        status = read_at(a, (int64_t)number(tail + e - LOCATOR + 8, 8), end64, END64, error);
        if (!status && memcmp(end64, "PK\6\6", 4) != 0) status = damaged(a, error);
        if (!status) {
            *count = (int64_t)number(end64 + 32, 8);
            *at = (int64_t)number(end64 + 48, 8);
        }
        if (!status && *count < 0) status = damaged(a, error);
    }
    mg_memory_free(tail);
    return status;
}

// Takes sizes and position from the extra field of an archive of more than 4 GiB.
static void take_wide(const unsigned char *extra, int64_t bytes, int64_t *size, int64_t *stored,
                      int64_t *at) {
    int64_t *const fields[] = {size, stored, at};
    while (bytes >= 4) {
        int64_t length = mg_min((int64_t)number(extra + 2, 2), bytes - 4), used = 0;
        for (int i = 0; number(extra, 2) == 1 && i < 3; i++) {
            if (*fields[i] != UINT32_MAX || used + 8 > length) continue;
            *fields[i] = (int64_t)number(extra + 4 + used, 8);
            used += 8;
        }
        extra += 4 + length;
        bytes -= 4 + length;
    }
}

// Reads one entry of the directory at *at, and moves *at after it.
static mg_status read_entry(const archive *a, int64_t *at, mg_zip_member *out, mg_error *error) {
    unsigned char head[ENTRY], local[LOCAL], *rest;
    mg_status status = read_at(a, *at, head, ENTRY, error);
    if (!status && memcmp(head, "PK\1\2", 4) != 0) status = damaged(a, error);
    if (status) return status;
    int64_t name = (int64_t)number(head + 28, 2), extra = (int64_t)number(head + 30, 2),
            comment = (int64_t)number(head + 32, 2), size = (int64_t)number(head + 24, 4),
            stored = (int64_t)number(head + 20, 4), place = (int64_t)number(head + 42, 4);
    uint64_t method = number(head + 10, 2);
    status = mg_memory_get(&rest, (size_t)(name + extra) + 1, 1, error);
    if (status) return status;
    status = read_at(a, *at + ENTRY, rest, name + extra, error);
    if (!status && name < MG_ZIP_NAME) memcpy(out->name, rest, (size_t)name);
    if (!status) take_wide(rest + name, extra, &size, &stored, &place);
    mg_memory_free(rest);
    if (!status) status = read_at(a, place, local, LOCAL, error);
    if (!status && ((method != 0 && method != DEFLATED) || number(head + 8, 2) & 1))
        status = mg_fail(error, MG_DATA,
                         "%s: %s is encrypted, or packed by another method than deflate: write the file "
                         "again without that",
                         a->path, out->name);
    if (status) return status;
    out->part = (mg_input_part){.offset = place + LOCAL + (int64_t)number(local + 26, 2) +
                                          (int64_t)number(local + 28, 2),
                                .bytes = stored,
                                .deflated = method == DEFLATED,
                                .checked = true,
                                .crc = (uint32_t)number(head + 16, 4)};
    *at += ENTRY + name + extra + comment;
    return MG_OK;
}

mg_status mg_zip_open(const char *path, mg_zip *zip, mg_error *error) {
    archive a = {.path = path};
    struct stat about;
    int64_t at = 0, count = 0;
    mg_status status = mg_file_open(path, MG_FILE_REGULAR, &a.fd, error);
    if (status) return status;
    if (fstat(a.fd, &about)) {
        close(a.fd);
        return mg_fail(error, MG_IO, "%s: cannot be read", path);
    }
    a.size = (int64_t)about.st_size;
    zip->version = mg_input_version_of(&about);
    status = find_directory(&a, &at, &count, error);
    if (!status && count > MG_ZIP_MEMBERS)
        status = mg_fail(error, MG_DATA, "%s: has %lld members; at most %d are allowed", path,
                         (long long)count, MG_ZIP_MEMBERS);
    if (!status) status = mg_memory_zeroed(&zip->members, (size_t)count + 1, sizeof *zip->members, error);
    for (; !status && zip->count < count; zip->count++)
        status = read_entry(&a, &at, &zip->members[zip->count], error);
    close(a.fd);
    if (status) mg_zip_clear(zip);
    return status;
}

void mg_zip_clear(mg_zip *zip) {
    mg_memory_free(zip->members);
    *zip = (mg_zip){0};
}

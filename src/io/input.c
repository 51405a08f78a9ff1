// input.c - the descriptor and the zlib state of one input file. Plain bytes are read directly into the
// caller's memory. gzip is unpacked with inflate(), because gzread() ignores other bytes after the last
// member and reports a truncated file only when it is closed.
#include "io/input.h"

#include "base/memory.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { BLOCK = 1 << 20, GZIP_WINDOW = 15 + 16 };

struct mg_input {
    const char *path;
    const mg_watch *watch;
    int file;
    mg_input_version version; // of the file when it was opened
    int64_t begin, end;       // the part of the file that is read
    int64_t position;         // in the file as it is stored
    bool bare;                // the part is packed by deflate without a header
    bool checked;             // `crc` is the CRC-32 of the part
    uint32_t crc, found;      // `found` is that of the bytes that were read
    unsigned char *block;     // [BLOCK] compressed bytes; NULL for a plain file
    z_stream inflater;
    bool inflating;   // inflater is initialised
    bool member_open; // inside a gzip member
};

static bool is_gzip(int file) {
    unsigned char magic[2];
    return pread(file, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
}

mg_input_version mg_input_version_of(const struct stat *info) {
    return (mg_input_version){info->st_dev, info->st_ino, (int64_t)info->st_size, info->st_mtim};
}

static bool same_version(const mg_input_version *a, const mg_input_version *b) {
    return a->device == b->device && a->number == b->number && a->size == b->size &&
           a->written.tv_sec == b->written.tv_sec && a->written.tv_nsec == b->written.tv_nsec;
}

static mg_status refuse_version(const mg_input *input, const char *what, mg_error *error) {
    return mg_fail(error, MG_DATA,
                   "%s: was %s while it was read, so its rows may come from two versions: run the command "
                   "again when no other program writes to it",
                   input->path, what);
}

mg_input_version mg_input_opened(const mg_input *input) { return input->version; }

mg_status mg_input_check_version(const mg_input *input, const mg_input_version *version, mg_error *error) {
    if (same_version(&input->version, version)) return MG_OK;
    bool same = input->version.device == version->device && input->version.number == version->number;
    return refuse_version(input, same ? "written to" : "replaced", error);
}

static mg_status open_file(mg_input *input, mg_error *error) {
    struct stat info;
    // The input is read twice, which a pipe does not allow.
    mg_status status = mg_file_open(input->path, MG_FILE_REGULAR, &input->file, error);
    if (status) return status;
    if (fstat(input->file, &info) != 0)
        return mg_fail(error, MG_IO, "%s: cannot be read: %s", input->path, strerror(errno));
    input->version = mg_input_version_of(&info);
    input->end = info.st_size;
    posix_fadvise(input->file, 0, 0, POSIX_FADV_SEQUENTIAL);
    return MG_OK;
}

// Restricts the input to a part of the file, and moves to its beginning.
static mg_status take_part(mg_input *input, const mg_input_part *part, mg_error *error) {
    mg_status status = part->version ? mg_input_check_version(input, part->version, error) : MG_OK;
    if (status) return status;
    if (part->offset < 0 || part->bytes < 0 || part->bytes > input->version.size - part->offset)
        return mg_fail(
            error, MG_DATA,
            "%s: is truncated: it has %lld bytes, but its header declares more: copy or write it again",
            input->path, (long long)input->version.size);
    input->begin = input->position = part->offset;
    input->end = part->offset + part->bytes;
    input->bare = part->deflated;
    input->checked = part->checked;
    input->crc = part->crc;
    if (lseek(input->file, part->offset, SEEK_SET) == part->offset) return MG_OK;
    return mg_fail(error, MG_IO, "%s: cannot be read: %s", input->path, strerror(errno));
}

mg_status mg_input_open(mg_input **out, const char *path, const mg_watch *watch, mg_error *error) {
    return mg_input_open_part(out, path, NULL, watch, error);
}

mg_status mg_input_open_part(mg_input **out, const char *path, const mg_input_part *part,
                             const mg_watch *watch, mg_error *error) {
    mg_input *input;
    *out = NULL;
    mg_status status = mg_memory_zeroed(&input, 1, sizeof *input, error);
    if (status) return status;
    input->path = path;
    input->watch = watch;
    input->file = -1;
    status = open_file(input, error);
    if (!status && part) status = take_part(input, part, error);
    if (status) goto done;
    if (part ? part->deflated : is_gzip(input->file)) {
        status = mg_memory_get(&input->block, BLOCK, 1, error);
        if (status) goto done;
        if (inflateInit2(&input->inflater, part ? -15 : GZIP_WINDOW) != Z_OK) {
            status = mg_fail(error, MG_MEMORY, "%s: zlib cannot start: out of memory", path);
            goto done;
        }
        input->inflating = input->member_open = true;
    }
    *out = input;
done:
    if (status) mg_input_close(input);
    return status;
}

void mg_input_close(mg_input *input) {
    if (!input) return;
    if (input->inflating) inflateEnd(&input->inflater);
    if (input->file >= 0) close(input->file);
    mg_memory_free(input->block);
    mg_memory_free(input);
}

// Refuses a file that was written to meanwhile, so that no result mixes two versions of it.
// (mg_h5_check_unchanged does this for HDF5.)
static mg_status check_unchanged(const mg_input *input, mg_error *error) {
    struct stat info;
    if (fstat(input->file, &info) != 0)
        return mg_fail(error, MG_IO, "%s: cannot be read: %s", input->path, strerror(errno));
    const mg_input_version now = mg_input_version_of(&info);
    if (same_version(&now, &input->version)) return MG_OK;
    return refuse_version(input, now.size < input->version.size ? "truncated" : "written to", error);
}

mg_status mg_input_rewind(mg_input *input, mg_error *error) {
    mg_status status = check_unchanged(input, error);
    if (status) return status;
    if (lseek(input->file, input->begin, SEEK_SET) != input->begin)
        return mg_fail(error, MG_IO, "%s: cannot be read again: %s", input->path, strerror(errno));
    input->position = input->begin;
    input->found = 0;
    if (input->block) {
        inflateReset(&input->inflater);
        input->inflater.avail_in = 0;
        input->member_open = true;
    }
    return MG_OK;
}

// Reads bytes as they are stored.
static mg_status read_stored(mg_input *input, void *out, size_t bytes, size_t *got, mg_error *error) {
    *got = 0;
    if (input->watch) {
        double done = (double)(input->position - input->begin), all = (double)(input->end - input->begin);
        double fraction = all > 0 ? done / all : 1;
        mg_status status = input->watch->beat(input->watch->context, fraction, error);
        if (status) return status;
    }
    ssize_t n;
    if ((int64_t)bytes > input->end - input->position) bytes = (size_t)(input->end - input->position);
    do {
        n = read(input->file, out, bytes);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return mg_fail(error, MG_IO, "%s: cannot be read: %s", input->path, strerror(errno));
    input->position += n;
    *got = (size_t)n;
    return n == 0 ? check_unchanged(input, error) : MG_OK;
}

// Reads more compressed bytes for the inflater; *end is true at the end of the file.
static mg_status refill(mg_input *input, bool *end, mg_error *error) {
    size_t got;
    mg_status status = read_stored(input, input->block, BLOCK, &got, error);
    input->inflater.next_in = input->block;
    input->inflater.avail_in = (uInt)got;
    *end = got == 0;
    return status;
}

// At the end of a gzip member: another member may follow, but no other bytes.
static mg_status next_member(mg_input *input, mg_error *error) {
    if (input->bare || input->inflater.next_in[0] != 0x1f)
        return mg_fail(error, MG_DATA,
                       "%s: other bytes follow the gzip data (byte %lld); unpack and repack it", input->path,
                       (long long)(input->position - input->inflater.avail_in));
    inflateReset(&input->inflater);
    input->member_open = true;
    return MG_OK;
}

static mg_status read_gzip(mg_input *input, void *out, size_t bytes, size_t *got, mg_error *error) {
    z_stream *z = &input->inflater;
    z->next_out = out;
    z->avail_out = (uInt)(bytes < BLOCK ? bytes : BLOCK);
    uInt asked = z->avail_out;
    while (z->avail_out == asked) {
        bool end = false;
        if (z->avail_in == 0) {
            mg_status status = refill(input, &end, error);
            if (status) return status;
        }
        if (end && input->member_open)
            return mg_fail(error, MG_DATA,
                           "%s: the gzip data is truncated after %lld bytes: copy or download the file again",
                           input->path, (long long)input->position);
        if (end) break;
        if (!input->member_open) {
            mg_status status = next_member(input, error);
            if (status) return status;
        }
        int code = inflate(z, Z_NO_FLUSH);
        if (code == Z_STREAM_END) {
            input->member_open = false;
        } else if (code == Z_MEM_ERROR) {
            return mg_fail(error, MG_MEMORY, "%s: zlib is out of memory", input->path);
        } else if (code != Z_OK && code != Z_BUF_ERROR) {
            return mg_fail(
                error, MG_DATA,
                "%s: the gzip data is damaged near byte %lld (%s): copy or download the file again",
                input->path, (long long)input->position, z->msg ? z->msg : "unknown code");
        }
    }
    *got = asked - z->avail_out;
    return MG_OK;
}

mg_status mg_input_read(mg_input *input, void *out, size_t bytes, size_t *got, mg_error *error) {
    *got = 0;
    if (bytes == 0) return MG_OK;
    mg_status status = input->block ? read_gzip(input, out, bytes, got, error)
                                    : read_stored(input, out, bytes < BLOCK ? bytes : BLOCK, got, error);
    if (status || !input->checked) return status;
    input->found = (uint32_t)crc32_z(input->found, out, *got);
    if (*got > 0 || input->found == input->crc) return MG_OK;
    return mg_fail(error, MG_DATA, "%s: is damaged: the CRC-32 of an array is %08x, not %08x: write it again",
                   input->path, input->found, input->crc);
}

mg_status mg_input_exact(mg_input *input, void *out, size_t bytes, const char *what, mg_error *error) {
    unsigned char *to = out;
    while (bytes > 0) {
        size_t got;
        mg_status status = mg_input_read(input, to, bytes, &got, error);
        if (status) return status;
        if (got == 0)
            return mg_fail(error, MG_DATA,
                           "%s: is truncated: it ends %zu bytes before the end of %s: copy or write it again",
                           input->path, bytes, what);
        to += got;
        bytes -= got;
    }
    return MG_OK;
}

mg_status mg_input_finish(mg_input *input, mg_error *error) {
    unsigned char rest[64];
    size_t got;
    mg_status status = mg_input_read(input, rest, sizeof rest, &got, error);
    if (status) return status;
    if (got > 0)
        return mg_fail(error, MG_DATA, "%s: has more bytes than its header declares: write it again",
                       input->path);
    return MG_OK;
}

const char *mg_input_path(const mg_input *input) { return input->path; }

bool mg_input_packed(const mg_input *input) { return input->block != NULL; }

int64_t mg_input_most(const mg_input *input) {
    int64_t most;
    if (!input->block) return input->end - input->begin;
    // In the best case, deflate packs 258 bytes into 2 bits.
    return __builtin_mul_overflow(input->end - input->begin, 1032, &most) ? INT64_MAX : most;
}

const char *mg_input_zlib_version(void) { return zlibVersion(); }

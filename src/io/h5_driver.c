// h5_driver.c - a driver with which the library reads through a descriptor that is already open. The
// library's own driver opens files by name. It also crashes at the end of the process if close() failed.
// After a failed read, some of its functions say that an object does not exist.
#include "io/h5_file.h"

#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

// What the library has to know about the file.
typedef struct place {
    int fd;
    _Atomic int *failed; // becomes errno if a read fails; threads that do not read look at it
} place;

typedef struct reader {
    H5FD_t head; // must be the first member
    place from;
    haddr_t end, allocated;
} reader;

static hid_t driver_id = H5I_INVALID_HID;

static herr_t refuse(reader *r, int reason) {
    *r->from.failed = reason;
    // mg_h5_reason looks for this form, which the library's own drivers use.
    H5Epush2(H5E_DEFAULT, __FILE__, __func__, __LINE__, H5E_ERR_CLS, H5E_IO, H5E_READERROR,
             "error message = '%s'", strerror(reason));
    return -1;
}

static H5FD_t *open_reader(const char *name, unsigned flags, hid_t list, haddr_t most) {
    (void)name, (void)most;
    struct stat about;
    const place *from = H5Pget_driver_info(list);
    reader *r;
    if (!from || (flags & H5F_ACC_RDWR)) return NULL;
    if (mg_memory_zeroed(&r, 1, sizeof *r, NULL)) {
        *from->failed = ENOMEM;
        return NULL;
    }
    r->from = *from;
    if (fstat(from->fd, &about)) {
        refuse(r, errno);
        mg_memory_free(r);
        return NULL;
    }
    r->end = (haddr_t)about.st_size;
    return &r->head;
}

// Leaves the descriptor open, because it belongs to the mg_h5.
static herr_t close_reader(H5FD_t *file) {
    mg_memory_free(file);
    return 0;
}

static herr_t query(const H5FD_t *file, unsigned long *features) {
    (void)file;
    *features = H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

static haddr_t get_allocated(const H5FD_t *file, H5FD_mem_t type) {
    (void)type;
    return ((const reader *)file)->allocated;
}

static herr_t set_allocated(H5FD_t *file, H5FD_mem_t type, haddr_t end) {
    (void)type;
    ((reader *)file)->allocated = end;
    return 0;
}

static haddr_t get_end(const H5FD_t *file, H5FD_mem_t type) {
    (void)type;
    return ((const reader *)file)->end;
}

// Reads bytes. Beyond the end of the file they are zeros, as with the library's own drivers.
static herr_t read_bytes(H5FD_t *file, H5FD_mem_t type, hid_t list, haddr_t at, size_t size, void *out) {
    (void)type, (void)list;
    reader *r = (reader *)file;
    for (char *to = out; size;) {
        ssize_t got = pread(r->from.fd, to, size, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return refuse(r, errno);
        if (got == 0) memset(to, 0, size);
        if (got == 0) break;
        to += got;
        at += (haddr_t)got;
        size -= (size_t)got;
    }
    return 0;
}

static herr_t refuse_write(H5FD_t *file, H5FD_mem_t type, hid_t list, haddr_t at, size_t size,
                           const void *bytes) {
    (void)file, (void)type, (void)list, (void)at, (void)size, (void)bytes;
    return -1;
}

static void register_driver(void) {
    static const H5FD_class_t driver = {
#ifdef H5FD_CLASS_VERSION
        .version = H5FD_CLASS_VERSION,
        .value = (H5FD_class_value_t)600, // from the range that the library leaves to other programs
#endif
        .name = "margin",
        .maxaddr = ((haddr_t)1 << 63) - 1,
        .fc_degree = H5F_CLOSE_STRONG,
        .fapl_size = sizeof(place),
        .open = open_reader,
        .close = close_reader,
        .query = query,
        .get_eoa = get_allocated,
        .set_eoa = set_allocated,
        .get_eof = get_end,
        .read = read_bytes,
        .write = refuse_write,
        .fl_map = H5FD_FLMAP_DICHOTOMY,
    };
    driver_id = H5FDregister(&driver);
}

hid_t mg_h5_read_through(int fd, _Atomic int *failed) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const place from = {fd, failed};
    pthread_once(&once, register_driver);
    hid_t list = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fclose_degree(list, H5F_CLOSE_STRONG);
    H5Pset_driver(list, driver_id, &from);
    return list;
}

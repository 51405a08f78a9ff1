// h5_filter.c - checks the filters of a data set, and unpacks lzf, for which the library has no filter.
#include "io/h5_file.h"

#include "io/lzf.h"

#include <pthread.h>
#include <stdio.h>

enum { LZF = 32000, MOST_CHUNK = 1 << 30 };

// Unpacked bytes of a chunk of the data set that this thread is reading. They come from the shape, because
// sizes stated by the file or the library cannot be trusted.
static _Thread_local size_t expected;

void mg_h5_expect_chunks(size_t bytes) { expected = bytes; }

// The filter function for the library: frees the given block and returns a new one from the library's
// allocator. Returns 0 on failure.
static size_t unpack_lzf(unsigned flags, size_t count, const unsigned values[], size_t bytes, size_t *room,
                         void **block) {
    size_t size = expected;
    (void)count;
    (void)values;
    if (!(flags & H5Z_FLAG_REVERSE) || size == 0 || size > MOST_CHUNK) return 0;
    void *out = H5allocate_memory(size, false);
    if (!out) return 0;
    if (!mg_lzf_unpack(*block, bytes, out, size)) {
        H5free_memory(out);
        return 0;
    }
    H5free_memory(*block);
    *block = out;
    *room = size;
    return size;
}

static void register_lzf(void) {
    const H5Z_class2_t lzf = {
        .version = H5Z_CLASS_T_VERS, .id = LZF, .decoder_present = 1, .name = "lzf", .filter = unpack_lzf};
    H5Zregister(&lzf);
}

void mg_h5_register_filters(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_lzf);
}

// Checks the unpacked size of a chunk. A chunk is unpacked as a whole, and it may be a thousand times smaller
// in the file.
static mg_status check_chunk(const mg_h5_array *array, hid_t plist, mg_error *error) {
    if (array->chunk_bytes <= MOST_CHUNK) return MG_OK;
    hsize_t chunk[H5S_MAX_RANK];
    char shape[MG_H5_SHAPE];
    size_t used = 0;
    H5Pget_chunk(plist, array->rank, chunk);
    // Suggests a shape of chunks with a smaller first dimension, so that a chunk has about 2^20 bytes.
    for (int d = 0; d < array->rank && used < sizeof shape; d++)
        used +=
            (size_t)snprintf(shape + used, sizeof shape - used, "%s%llu", d ? "x" : "",
                             (unsigned long long)(d ? chunk[d] : 1 + (chunk[0] << 20) / array->chunk_bytes));
    return mg_fail(
        error, MG_DATA,
        "%s: data set %s has chunks of %llu bytes (at most %d are allowed): make them smaller with "
        "`h5repack -l %s:CHUNK=%s OLD.h5 NEW.h5`",
        array->file->path, array->name, (unsigned long long)array->chunk_bytes, MOST_CHUNK, array->name,
        shape);
}

static mg_status refuse_filter(const mg_h5_array *array, int id, const char *name, mg_error *error) {
    bool own = id == H5Z_FILTER_NBIT || id == H5Z_FILTER_SCALEOFFSET || id == H5Z_FILTER_SZIP;
    mg_status status = MG_DATA;
    if (own)
        return mg_fail(error, status,
                       "%s: data set %s uses the filter %s (%d); deflate, shuffle, fletcher32 and lzf are "
                       "read: repack it "
                       "with `h5repack -f GZIP=4 OLD.h5 NEW.h5`",
                       array->file->path, array->name, name, id);
    // Does not suggest h5repack, which silently drops data whose filter it does not know. h5py with
    // hdf5plugin can read it.
    return mg_fail(error, status,
                   "%s: data set %s uses the filter %s (%d); deflate, shuffle, fletcher32 and lzf are read: "
                   "repack a copy in Python (pip install h5py hdf5plugin): import h5py, hdf5plugin; f = "
                   "h5py.File('COPY.h5', 'r+'); "
                   "n = '%s'; x, a = f[n][()], dict(f[n].attrs); del f[n]; "
                   "f.create_dataset(n, data=x, compression='gzip').attrs.update(a); f.close()",
                   array->file->path, array->name, name, id, array->name);
}

mg_status mg_h5_check_filters(const mg_h5_array *array, hid_t plist, mg_error *error) {
    int count = H5Pget_nfilters(plist);
    for (int i = 0; i < count; i++) {
        unsigned flags, config;
        size_t values = 0;
        char name[64] = "";
        H5Z_filter_t id =
            H5Pget_filter2(plist, (unsigned)i, &flags, &values, NULL, sizeof name, name, &config);
        if (id != H5Z_FILTER_DEFLATE && id != H5Z_FILTER_SHUFFLE && id != H5Z_FILTER_FLETCHER32 && id != LZF)
            return refuse_filter(array, (int)id, *name ? name : "?", error);
    }
    return check_chunk(array, plist, error);
}

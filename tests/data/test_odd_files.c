// test_odd_files.c - random HDF5 files with everything that the library can write: types, shapes, layouts,
// filters, halves that were never written, links. Each file is either refused with one line or read
// correctly, within limited memory.
#include "data/dataset.h"

#include "base/hash.h"

#include <margin/inspect.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "h5_files.h"

#include <math.h>
#include <sys/resource.h>

enum { FILES = 2500, MOST_CELLS = 4096, MEMORY = 1 << 30 };

static uint64_t counter;

static uint64_t pick(uint64_t n) { return mg_hash_mix(++counter) % n; }

// ---- what a file may contain ---------------------------------------------------------------------

// A type of numbers to which the library can convert a double.
static hid_t number_type(void) {
    const hid_t types[] = {H5T_STD_I8LE,   H5T_STD_U8LE,   H5T_STD_I16LE,  H5T_STD_U16BE, H5T_STD_I32BE,
                           H5T_STD_U32LE,  H5T_STD_I64BE,  H5T_STD_I32LE,  H5T_STD_I64LE, H5T_STD_U64BE,
                           H5T_IEEE_F32LE, H5T_IEEE_F32BE, H5T_IEEE_F64LE, H5T_IEEE_F64BE};
    uint64_t which = pick(18);
    if (which < 14) return H5Tcopy(types[which]);
    if (which == 14) return half_precision((int)pick(2));
    hid_t type = H5Tcopy(which == 15 ? H5T_IEEE_F32LE : which == 16 ? H5T_STD_I32LE : H5T_IEEE_F64LE);
    if (which == 15) { // bfloat16
        H5Tset_fields(type, 15, 7, 8, 0, 7);
        H5Tset_size(type, 2);
    } else if (which == 16) { // 24 bits of 32, not the lowest ones
        H5Tset_precision(type, 24);
        H5Tset_offset(type, 5);
    } else {
        H5Tset_size(type, 16); // wider than every float of this machine
    }
    return type;
}

static hid_t enum_type(void) {
    const hid_t bases[] = {H5T_STD_I8LE, H5T_STD_I16BE, H5T_STD_I32BE, H5T_STD_U16LE};
    hid_t base = bases[pick(4)], type = H5Tenum_create(base);
    for (int v = 0; v < 100; v++) {
        char name[16], raw[8];
        long value = v;
        snprintf(name, sizeof name, "v%d", v);
        memcpy(raw, &value, sizeof raw);
        H5Tconvert(H5T_NATIVE_LONG, base, 1, raw, NULL, H5P_DEFAULT);
        H5Tenum_insert(type, name, raw);
    }
    return type;
}

static hid_t other_type(void) {
    hid_t type;
    switch (pick(9)) {
    case 0:
        type = H5Tcreate(H5T_COMPOUND, 8);
        H5Tinsert(type, "r", 0, H5T_NATIVE_FLOAT);
        H5Tinsert(type, "i", 4, H5T_NATIVE_FLOAT);
        return type;
    case 1: return H5Tvlen_create(H5T_NATIVE_FLOAT);
    case 2: return H5Tarray_create2(H5T_NATIVE_FLOAT, 1, (hsize_t[]){3});
    case 3:
        type = H5Tcreate(H5T_OPAQUE, 1 + pick(9));
        H5Tset_tag(type, "odd");
        return type;
    case 4: return H5Tcopy(H5T_STD_B8LE);
    case 5: return H5Tcopy(H5T_STD_REF_OBJ);
    case 6:
        type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, 1 + pick(12));
        return type;
    case 7:
        type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, H5T_VARIABLE);
        return type;
    default: return H5Tcopy(H5T_UNIX_D32LE);
    }
}

typedef struct drawn {
    hid_t type;
    int rank; // -1: no data space
    hsize_t dims[3];
    bool writable; // can be written from double
} drawn;

static drawn draw(int usual_rank, hsize_t rows, hsize_t columns) {
    drawn d = {.rank = usual_rank, .dims = {rows, columns, 2}};
    uint64_t kind = pick(20);
    d.writable = kind < 18;
    d.type = kind < 18 ? number_type() : kind == 18 ? enum_type() : other_type();
    if (!pick(12)) d.rank = (int)pick(5) - 1;
    if (!pick(12)) d.dims[pick(2)] = pick(2) ? pick(3) : 1 + pick(9);
    if (!pick(40)) d.dims[pick(2)] = 1ull << (20 + pick(36)); // declared but never written
    return d;
}

static hid_t draw_plist(const drawn *d, hid_t space) {
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    if (!pick(3)) H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
    // Larger data sets are only declared; no storage is allocated for them.
    bool few = H5Sget_simple_extent_npoints(space) <= MOST_CELLS;
    if (!pick(6)) H5Pset_alloc_time(plist, few && pick(2) ? H5D_ALLOC_TIME_EARLY : H5D_ALLOC_TIME_INCR);
    switch (d->rank > 0 ? pick(24) : 99) {
    case 0:
        if (few) H5Pset_layout(plist, H5D_COMPACT);
        break;
    case 1: H5Pset_external(plist, in_directory("outside.bin"), 0, H5F_UNLIMITED); break;
    case 2: H5Pset_virtual(plist, space, ".", "Z", space); break;
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
        H5Pset_chunk(plist, d->rank, (hsize_t[]){1 + pick(9), 1 + pick(9), 1});
        if (!pick(3)) H5Pset_shuffle(plist);
        if (!pick(3)) H5Pset_deflate(plist, (unsigned)pick(10));
        if (!pick(4)) H5Pset_fletcher32(plist);
        // test_bad_data.c has the other filters. In HDF5 1.10.8 they write beyond their buffers if their
        // parameters are random.
        break;
    default: break;
    }
    return plist;
}

// Writes all, some or none of the cells: small whole numbers, sometimes a NaN or infinity.
static void write_cells(hid_t set, const drawn *d, hid_t space, double (*cell)(hssize_t i)) {
    static double cells[MOST_CELLS];
    hssize_t count = H5Sget_simple_extent_npoints(space);
    if (!d->writable || count <= 0 || count > MOST_CELLS || !pick(20)) return;
    for (hssize_t i = 0; i < count; i++) cells[i] = cell(i);
    if (!pick(60)) cells[pick((uint64_t)count)] = pick(2) ? NAN : INFINITY;
    if (!pick(20)) { // only the first row
        hsize_t start[3] = {0}, extent[3] = {1, d->dims[1], d->dims[2]};
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extent, NULL);
        hid_t memory = H5Screate_simple(d->rank, extent, NULL);
        H5Dwrite(set, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, cells);
        H5Sclose(memory);
    } else {
        H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, cells);
    }
}

static void put_odd(hid_t file, const char *name, const drawn *d, double (*cell)(hssize_t i)) {
    hid_t space = d->rank < 0 ? H5Screate(H5S_NULL)
                  : d->rank   ? H5Screate_simple(d->rank, d->dims, NULL)
                              : H5Screate(H5S_SCALAR);
    hid_t plist = draw_plist(d, space);
    uint64_t link = pick(40);
    if (link == 0) H5Lcreate_soft("/Z", file, name, H5P_DEFAULT, H5P_DEFAULT);
    else if (link == 1) H5Lcreate_external("t.h5", "/Z", file, name, H5P_DEFAULT, H5P_DEFAULT);
    else if (link == 2) put_group(file, name);
    else if (link > 3) {
        hid_t set = H5Dcreate2(file, name, d->type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
        if (set >= 0) write_cells(set, d, space, cell);
        if (set >= 0) H5Dclose(set);
    }
    H5Pclose(plist);
    H5Sclose(space);
    H5Tclose(d->type);
}

static double small(hssize_t i) { return (double)((i * 7 + i / 3) % 100); }

static double label(hssize_t i) { return (double)(i % 3); }

static double one_more(hssize_t i) { return (double)(i + (i > 2 && !pick(200))); }

static void put_odd_csr(hid_t file, hsize_t rows) {
    int64_t shape[3] = {(int64_t)rows, 9, 1};
    drawn data = draw(1, 2 * rows, 1), indices = draw(1, 2 * rows, 1), indptr = draw(1, rows + 1, 1);
    put_group(file, "X");
    put_odd(file, "X/data", &data, small);
    put_odd(file, "X/indices", &indices, pick(4) ? label : small);
    put_odd(file, "X/indptr", &indptr, one_more);
    if (!pick(12)) shape[pick(2)] = (int64_t)pick(1ull << 40) - 5;
    if (pick(20)) put_attribute_int64(file, "X", "shape", pick(20) ? 2 : 1 + pick(3), shape);
    if (pick(5)) put_attribute_text(file, "X", "encoding-type", pick(20) ? "csr_matrix" : "csc_matrix");
}

static void write_odd_file(void) {
    hid_t file = create_file(test_file);
    hsize_t rows = 1 + pick(12);
    drawn y = draw(1, rows, 1);
    if (pick(3)) {
        drawn x = draw(2, rows, 1 + pick(20));
        put_odd(file, "X", &x, small);
    } else {
        put_odd_csr(file, rows);
    }
    put_odd(file, "y", &y, label);
    H5Fclose(file);
}

// ---- what margin reads ---------------------------------------------------------------------------

// Copies the file, because the library does not open the same file a second time in another way.
static void copy_file(void) {
    static unsigned char bytes[1 << 20];
    FILE *from = fopen(test_file, "rb"), *to = fopen(in_directory("other.h5"), "wb");
    size_t size = fread(bytes, 1, sizeof bytes, from);
    assert_true(size < sizeof bytes);
    fwrite(bytes, 1, size, to);
    fclose(from);
    fclose(to);
}

// The cells as the library reads them.
static double *oracle(const char *name, int64_t cells) {
    copy_file();
    hid_t file = H5Fopen(in_directory("other.h5"), H5F_ACC_RDONLY, H5P_DEFAULT),
          set = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(set);
    double *out = calloc((size_t)cells, sizeof *out);
    // Read without conversion to numbers; one byte wide, because margin refuses others.
    if (H5Tget_class(type) == H5T_ENUM) {
        signed char *raw = calloc((size_t)cells, 1);
        assert_int_equal(H5Tget_size(type), 1);
        H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, raw);
        for (int64_t i = 0; i < cells; i++) out[i] = raw[i];
        free(raw);
    } else if (H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0) {
        fail_msg("seed %llu: margin reads %s, the library does not", (unsigned long long)(counter >> 20),
                 name);
    }
    H5Tclose(type);
    H5Dclose(set);
    H5Fclose(file);
    return out;
}

static void check_rows(const mg_dataset *dataset, uint64_t seed) {
    const mg_store *store = &dataset->store;
    int64_t n =
        dataset->layout == MG_CSR ? store->indptr[dataset->count] : dataset->count * dataset->features;
    double *x = oracle(dataset->layout == MG_CSR ? "X/data" : "X", n);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = i / dataset->features * store->stride + i % dataset->features;
        double found = dataset->layout == MG_CSR ? (double)store->values[i]
                                                 : (double)mg_cell_at(dataset->cell, store->dense, at);
        if (found != (double)(float)x[i])
            fail_msg("seed %llu: cell %lld is %g, not %g", (unsigned long long)seed, (long long)i, found,
                     x[i]);
    }
    free(x);
    for (int64_t i = 0; i < dataset->count; i++)
        assert_true(dataset->label[i] >= 0 && dataset->label[i] < dataset->classes.count);
    if (dataset->classes.texts) return;
    double *y = oracle("y", dataset->count);
    for (int64_t i = 0; i < dataset->count; i++)
        assert_true((double)dataset->classes.number[dataset->label[i]] == y[i]);
    free(y);
}

static void inspect(uint64_t seed) {
    char *text = NULL;
    size_t size;
    mg_error error = {0};
    FILE *file = open_memstream(&text, &size);
    mg_status status = mg_inspect(test_file, NULL, NULL, file, &error);
    fclose(file);
    free(text);
    if (status != MG_OK && status != MG_DATA)
        fail_msg("seed %llu: info gives %d (%s)", (unsigned long long)seed, (int)status, error.text);
}

static void test_drawn(void **unused) {
    (void)unused;
    int read = 0, refused = 0;
    for (uint64_t seed = 1; seed <= FILES; seed++) {
        counter = seed << 20;
        write_odd_file();
        mg_dataset_request request = {
            .path = test_file, .features = "X", .labels = "y", .window_bytes = 1 << 16, .survey = true};
        mg_dataset *dataset;
        mg_error error = {0};
        mg_status status = mg_dataset_open(&request, &dataset, &error);
        if (status != MG_OK && (status != MG_DATA || error.status != status || strchr(error.text, '\n') ||
                                !strstr(error.text, "t.h5: ")))
            fail_msg("seed %llu: status %d (%s)", (unsigned long long)seed, (int)status, error.text);
        if (!status) check_rows(dataset, seed);
        mg_dataset_close(dataset);
        read += !status;
        refused += status != MG_OK;
        inspect(seed);
    }
    print_message("%d files read right, %d refused\n", read, refused);
    assert_true(read > FILES / 10 && refused > FILES / 10);
}

// ---- small files that unpack to large ones --------------------------------------------------------

// Writes a file of one kilobyte that declares a single chunk of gigabytes. Its content must never be read.
static void put_bomb(hid_t file, const char *name, hid_t type, int rank, hsize_t rows, hsize_t columns) {
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE),
          space = H5Screate_simple(rank, (hsize_t[]){rows, columns}, NULL);
    H5Pset_chunk(plist, rank, (hsize_t[]){rows, columns});
    H5Pset_deflate(plist, 9);
    hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    assert_true(set >= 0 && H5Dwrite_chunk(set, H5P_DEFAULT, 0, (hsize_t[]){0, 0}, 8, "deflated") >= 0);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(plist);
}

static void expect_refused(const char *labels, const char *message) {
    mg_dataset_request request = {
        .path = test_file, .features = "X", .labels = labels, .window_bytes = 1 << 16, .survey = true};
    mg_dataset *dataset;
    mg_error error = {0};
    mg_status status = mg_dataset_open(&request, &dataset, &error);
    if (status != MG_DATA || !strstr(error.text, message))
        fail_msg("status %d (%s), not %s", (int)status, error.text, message);
}

static void test_bombs(void **unused) {
    (void)unused;
    hid_t file = create_file(test_file), wide = H5Tcopy(H5T_C_S1);
    put_bomb(file, "X", H5T_STD_U8LE, 2, 1 << 20, 2000);
    H5Fclose(file);
    expect_refused(NULL, "data set X has chunks of 2097152000 bytes");
    file = create_file(test_file);
    put_matrix(file, "X", H5T_STD_U8LE, 2, 1, H5T_NATIVE_DOUBLE, (double[]){1, 2});
    H5Tset_size(wide, (size_t)1 << 30);
    put_bomb(file, "y", wide, 1, 2, 1);
    H5Tclose(wide);
    H5Fclose(file);
    expect_refused("y", "data set y has chunks of 2147483648 bytes");
}

// The sizes that a file declares must not decide how much memory is allocated. Not tested with sanitizers,
// which need more address space than such a limit allows.
static int limit_memory(void **state) {
    if (make_directory(state)) return -1;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    char line[200];
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || !fgets(line, sizeof line, file) || sscanf(line, "%ld", &pages) != 1) return -1;
    fclose(file);
    const struct rlimit limit = {(rlim_t)pages * 4096 + MEMORY, RLIM_INFINITY};
    setrlimit(RLIMIT_AS, &limit);
#endif
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_drawn), cmocka_unit_test(test_bombs)};
    return cmocka_run_group_tests(tests, limit_memory, remove_directory);
}

// test_bad_data.c - files that must be refused with MG_DATA or MG_IO, and one line that names the file, the
// data set and the place.
#include "data/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "h5_files.h"

#include <math.h>
#include <sys/stat.h>

enum { ROWS = 4, COLUMNS = 3 };
static const hsize_t shape[3] = {ROWS, COLUMNS, 2};
static const double numbers[ROWS * COLUMNS * 2] = {1, 0, 2, 0, 3, 0, 4, 5, 0, 0, 0, 6};

static void expect(mg_preparation preparation, mg_status wanted, const char *message) {
    mg_dataset_request request = {.path = test_file,
                                  .features = "X",
                                  .window_bytes = 1 << 16,
                                  .survey = true,
                                  .preparation = preparation};
    mg_dataset *dataset;
    mg_error error = {0};
    mg_status status = mg_dataset_open(&request, &dataset, &error);
    if (status != wanted) fail_msg("status %d, not %d (%s): %s", status, wanted, message, error.text);
    assert_null(dataset);
    assert_int_equal(error.status, status);
    if (!strstr(error.text, message)) fail_msg("\"%s\" is not in: %s", message, error.text);
    if (!strstr(error.text, "t.h5: ")) fail_msg("no file name in: %s", error.text);
    assert_null(strchr(error.text, '\n'));
}

static void refuse(hid_t file, const char *message) {
    H5Fclose(file);
    expect((mg_preparation){0}, MG_DATA, message);
}

// ---- cells --------------------------------------------------------------------------------------

static void test_not_finite(void **unused) {
    (void)unused;
    const struct {
        hid_t type;
        double value;
        const char *message;
    } cases[] = {
        {H5T_IEEE_F32LE, NAN, "X[3, 1] is nan"},
        {H5T_IEEE_F32LE, INFINITY, "X[3, 1] is inf"},
        {H5T_IEEE_F64BE, -INFINITY, "X[3, 1] is -inf"},
        {H5T_IEEE_F64LE, NAN, "X[3, 1] is nan"},
        {H5T_IEEE_F64LE, 1e39, "X[3, 1] is 1e+39; float32 holds at most 3.4e38"},
        {half_precision(0), NAN, "X[3, 1] is nan"},
        {half_precision(1), INFINITY, "X[3, 1] is inf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int s = 0; s < STORAGES; s++) {
            double x[ROWS * COLUMNS];
            memcpy(x, numbers, sizeof x);
            x[3 * COLUMNS + 1] = cases[i].value;
            hid_t file = create_file(test_file);
            put(file, "X", cases[i].type, 2, shape, (memory_data){H5T_NATIVE_DOUBLE, x}, &storages[s]);
            refuse(file, cases[i].message);
            file = create_file(test_file);
            put_csr(file, "X",
                    (csr_rows){3, 9, (int64_t[]){0, 1, 1, 3}, (int64_t[]){3, 0, 7},
                               (double[]){1, 2, cases[i].value}},
                    (csr_types){cases[i].type, H5T_STD_I32LE, H5T_STD_I32LE}, &storages[s]);
            char message[40];
            snprintf(message, sizeof message, "X[2, 7] is %g", cases[i].value);
            refuse(file, message);
        }
}

static void test_preparation(void **unused) {
    (void)unused;
    double x[ROWS * COLUMNS];
    memcpy(x, numbers, sizeof x);
    x[COLUMNS + 2] = -1;
    hid_t file = create_file(test_file);
    put_matrix(file, "X", H5T_IEEE_F32LE, ROWS, COLUMNS, H5T_NATIVE_DOUBLE, x);
    H5Fclose(file);
    expect(mg_preparation_of("none", "log1p"), MG_DATA, "X[1, 2] is -1; log1p needs values above -1");
    // If values cancel, there is no total to scale to; and scaled values must not leave the range of float32.
    x[0] = 3e38, x[1] = -3e38, x[2] = 1e-30;
    file = create_file(test_file);
    put_matrix(file, "X", H5T_IEEE_F32LE, ROWS, COLUMNS, H5T_NATIVE_DOUBLE, x);
    H5Fclose(file);
    expect(mg_preparation_of("total", "none"), MG_DATA, "X[0, ");
    file = create_file(test_file);
    put_csr(
        file, "X",
        (csr_rows){2, 9, (int64_t[]){0, 1, 4}, (int64_t[]){3, 0, 5, 7}, (double[]){1, 3e38, -3e38, 1e-30}},
        (csr_types){H5T_IEEE_F64LE, H5T_STD_I32LE, H5T_STD_I32LE}, &storages[0]);
    H5Fclose(file);
    expect(mg_preparation_of("total", "none"), MG_DATA,
           "X[1, 0] is inf; scaling the row to a total leaves the range");
    for (int sum = -1; sum <= 0; sum++) { // a sum of -1 cannot be scaled; a row of zeros is allowed
        memset(x, 0, sizeof x);
        x[2 * COLUMNS] = 2, x[2 * COLUMNS + 1] = sum - 2;
        file = create_file(test_file);
        for (int r = 0; r < ROWS; r++) x[r * COLUMNS] += r != 1 && r != 2;
        put_matrix(file, "X", H5T_IEEE_F32LE, ROWS, COLUMNS, H5T_NATIVE_DOUBLE, x);
        H5Fclose(file);
        expect(mg_preparation_of("total", "none"), MG_DATA, "X[2] has values, but their sum is not above 0");
    }
}

// ---- what a data set may be ----------------------------------------------------------------------

static void test_ranks(void **unused) {
    (void)unused;
    hid_t file = create_file(test_file);
    put(file, "X", H5T_IEEE_F32LE, 1, shape, (memory_data){H5T_NATIVE_DOUBLE, numbers}, &storages[0]);
    refuse(file, "X has rank 1");
    file = create_file(test_file);
    hid_t space = H5Screate(H5S_SCALAR);
    H5Dclose(H5Dcreate2(file, "X", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
    refuse(file, "data set X has rank 0");
    file = create_file(test_file), space = H5Screate(H5S_NULL);
    H5Dclose(H5Dcreate2(file, "X", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
    refuse(file, "data set X ");
    for (int empty = 0; empty < 2; empty++) {
        file = create_file(test_file);
        put_matrix(file, "X", H5T_IEEE_F32LE, empty ? 0 : 4, empty ? 4 : 0, H5T_NATIVE_DOUBLE, NULL);
        refuse(file, empty ? "X is empty (0 rows, 4 features)" : "X is empty (4 rows, 0 features)");
    }
}

static void test_types(void **unused) {
    (void)unused;
    hid_t file = create_file(test_file), type = H5Tcreate(H5T_COMPOUND, 8);
    H5Tinsert(type, "a", 0, H5T_NATIVE_FLOAT);
    H5Tinsert(type, "b", 4, H5T_NATIVE_FLOAT);
    put_matrix(file, "X", type, ROWS, COLUMNS, type, numbers);
    H5Tclose(type);
    refuse(file, "data set X is a table (compound) with the columns a, b");
    file = create_file(test_file), type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 4);
    put_matrix(file, "X", type, ROWS, COLUMNS, type, numbers);
    H5Tclose(type);
    refuse(file, "X has rank 2 and type text");
    file = create_file(test_file), type = H5Tcopy(H5T_IEEE_F64LE);
    H5Tset_size(type, 16);
    put_matrix(file, "X", type, ROWS, COLUMNS, H5T_NATIVE_DOUBLE, numbers);
    H5Tclose(type);
    refuse(file, "data set X holds floats wider than 64 bits");
}

static void test_storage(void **unused) {
    (void)unused;
    for (int s = 0; s < STORAGES; s++) { // declared but never written
        if (storages[s].compact) continue;
        hid_t file = create_file(test_file);
        put(file, "X", H5T_IEEE_F32LE, 2, shape, (memory_data){0, NULL}, &storages[s]);
        refuse(file, "data set X was declared [4, 3] but not completely written");
    }
    for (int s = 2; s < 4; s++) { // only one chunk is written
        hid_t file = create_file(test_file);
        put(file, "X", H5T_IEEE_F32LE, 2, shape, (memory_data){0, NULL}, &storages[s]);
        hid_t set = H5Dopen2(file, "X", H5P_DEFAULT), space = H5Dget_space(set),
              cell = H5Screate_simple(2, (hsize_t[]){1, 1}, NULL);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, (hsize_t[]){0, 0}, NULL, (hsize_t[]){1, 1}, NULL);
        H5Dwrite(set, H5T_NATIVE_DOUBLE, cell, space, H5P_DEFAULT, numbers);
        H5Sclose(cell);
        H5Sclose(space);
        H5Dclose(set);
        refuse(file, "data set X was declared [4, 3] but not completely written");
    }
    hid_t file = create_file(test_file);
    put(file, "X", H5T_IEEE_F32LE, 2, (hsize_t[]){1ull << 40, 1ull << 30}, (memory_data){0, NULL},
        &storages[2]);
    refuse(file, "data set X declares the shape [1099511627776, 1073741824]");
    file = create_file(test_file);
    put(file, "X", H5T_STD_U8LE, 2, (hsize_t[]){1ull << 40, 16}, (memory_data){0, NULL}, &storages[0]);
    refuse(file, "data set X was declared [1099511627776, 16] but not completely written");
}

static void test_external(void **unused) {
    (void)unused;
    FILE *outside = fopen(in_directory("outside.bin"), "w");
    fwrite(numbers, sizeof *numbers, ROWS * COLUMNS, outside);
    fclose(outside);
    hid_t file = create_file(test_file), plist = H5Pcreate(H5P_DATASET_CREATE),
          space = H5Screate_simple(2, shape, NULL);
    H5Pset_external(plist, in_directory("outside.bin"), 0, sizeof(double) * ROWS * COLUMNS);
    H5Dclose(H5Dcreate2(file, "X", H5T_IEEE_F64LE, space, H5P_DEFAULT, plist, H5P_DEFAULT));
    H5Pclose(plist);
    refuse(file, "data set X is stored in other files");
    hid_t other = create_file(in_directory("other.h5"));
    put_matrix(other, "Z", H5T_IEEE_F64LE, ROWS, COLUMNS, H5T_NATIVE_DOUBLE, numbers);
    H5Fclose(other);
    file = create_file(test_file), plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_virtual(plist, space, in_directory("other.h5"), "Z", space);
    H5Dclose(H5Dcreate2(file, "X", H5T_IEEE_F64LE, space, H5P_DEFAULT, plist, H5P_DEFAULT));
    H5Pclose(plist);
    H5Sclose(space);
    refuse(file, "data set X is virtual");
}

static void test_links(void **unused) {
    (void)unused;
    hid_t file = create_file(test_file);
    put_matrix(file, "Z", H5T_IEEE_F64LE, ROWS, COLUMNS, H5T_NATIVE_DOUBLE, numbers);
    H5Lcreate_soft("/Z", file, "X", H5P_DEFAULT, H5P_DEFAULT);
    refuse(file, "data set X is a link, which is not followed");
    file = create_file(test_file);
    H5Lcreate_external(in_directory("other.h5"), "/Z", file, "X", H5P_DEFAULT, H5P_DEFAULT);
    refuse(file, "data set X is a link, which is not followed");
    file = create_file(test_file);
    H5Lcreate_soft("/nowhere", file, "X", H5P_DEFAULT, H5P_DEFAULT);
    refuse(file, "data set X is a link, which is not followed");
    file = create_file(test_file);
    refuse(file, "data set X is missing");
}

static void test_filters(void **unused) {
    (void)unused;
    for (int i = 0; i < 2; i++) {
        hid_t file = create_file(test_file), plist = H5Pcreate(H5P_DATASET_CREATE),
              space = H5Screate_simple(2, shape, NULL);
        H5Pset_chunk(plist, 2, (hsize_t[]){2, 2});
        if (i) H5Pset_nbit(plist);
        else H5Pset_scaleoffset(plist, H5Z_SO_INT, 0);
        hid_t set = H5Dcreate2(file, "X", H5T_STD_I32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
        H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers);
        H5Dclose(set);
        H5Sclose(space);
        H5Pclose(plist);
        refuse(file, i ? "data set X uses the filter nbit" : "data set X uses the filter scaleoffset");
    }
}

// If the bytes of a chunk change after it was written, fletcher32 detects it.
static void test_flipped_chunk(void **unused) {
    (void)unused;
    hid_t file = create_file(test_file);
    put(file, "X", H5T_IEEE_F64LE, 2, shape,
        (memory_data){H5T_NATIVE_DOUBLE, (double[12]){[0] = 1.2345678901234567}},
        &(storage){.chunk_rows = 4, .chunk_columns = 3, .fletcher32 = 1});
    H5Fclose(file);
    FILE *bytes = fopen(test_file, "r+");
    static char image[1 << 16];
    const double needle = 1.2345678901234567;
    size_t size = fread(image, 1, sizeof image, bytes), at = 0;
    while (at < size && memcmp(image + at, &needle, sizeof needle)) at++;
    assert_true(at < size);
    fseek(bytes, (long)at, SEEK_SET);
    fputc(image[at] ^ 4, bytes);
    fclose(bytes);
    expect((mg_preparation){0}, MG_DATA, "data set X, rows 0 to 3 cannot be read");
}

// ---- CSR ----------------------------------------------------------------------------------------

typedef struct csr_case {
    int64_t indptr[4], indices[4];
    const char *message;
} csr_case;

static void test_csr(void **unused) {
    (void)unused;
    const csr_case cases[] = {
        {{0, 2, 2, 4}, {1, 3, 2, 2}, "X/indices contain 2 twice in row 2"},
        {{0, 2, 2, 4},
         {1, 9, 0, 2},
         "X/indices[1] (row 0) is 9; indices must be from 0 to the number of features - 1"},
        {{0, 2, 2, 4}, {1, 3, -1, 2}, "X/indices[2] (row 2) is -1; indices must be from 0"},
        {{0, 2, 2, 4}, {1, INT32_MAX, 0, 2}, "X/indices[1] (row 0) is 2147483647"},
        {{0, 3, 2, 4}, {1, 3, 4, 2}, "X/indptr[2] is 2 (3 to 4 are allowed)"},
        {{0, -1, 2, 4}, {1, 3, 4, 2}, "X/indptr[1] is -1 (0 to 4 are allowed)"},
        {{0, 2, 9, 4}, {1, 3, 4, 2}, "X/indptr[2] is 9 (2 to 4 are allowed)"},
        {{1, 2, 2, 4}, {1, 3, 4, 5}, "X/indptr[0] is 1, but must be 0"},
    };
    const hid_t signed_types[] = {H5T_STD_I32LE, H5T_STD_I64LE};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int t = 0; t < 2; t++) {
            hid_t file = create_file(test_file);
            put_csr(file, "X", (csr_rows){3, 9, cases[i].indptr, cases[i].indices, numbers},
                    (csr_types){H5T_IEEE_F32LE, signed_types[t], signed_types[t]}, &storages[0]);
            refuse(file, cases[i].message);
        }
}

// Writes a valid group without the part `without`, which the test adds in another form.
static hid_t good_csr(const char *without) {
    hid_t file = create_file(test_file);
    put_csr(file, "X",
            (csr_rows){3, 9, (int64_t[]){0, 2, 2, 4}, (int64_t[]){1, 3, 0, 2}, (double[]){1, 2, 3, 4}},
            (csr_types){H5T_IEEE_F32LE, H5T_STD_I32LE, H5T_STD_I64LE}, &storages[0]);
    hid_t group = H5Gopen2(file, "X", H5P_DEFAULT);
    if (!strcmp(without, "shape") || !strcmp(without, "encoding-type")) H5Adelete(group, without);
    else H5Ldelete(group, without, H5P_DEFAULT);
    H5Gclose(group);
    return file;
}

static void test_csr_parts(void **unused) {
    (void)unused;
    const char *const members[] = {"data", "indices", "indptr"};
    for (int m = 0; m < 3; m++) {
        char message[60], name[20];
        snprintf(message, sizeof message, "data set X/%s is missing", members[m]);
        refuse(good_csr(members[m]), message);
        snprintf(message, sizeof message, "data set X/%s is a link", members[m]);
        snprintf(name, sizeof name, "X/%s", members[m]);
        hid_t file = good_csr(members[m]);
        H5Lcreate_soft("/X/data", file, name, H5P_DEFAULT, H5P_DEFAULT);
        refuse(file, message);
    }
    hid_t file = good_csr("indptr");
    put_vector(file, "X/indptr", H5T_STD_I32LE, 4, H5T_NATIVE_INT, (int[]){0, 2, 2, 3});
    refuse(file, "X/indptr ends with 3 but there are 4 stored values");
    file = good_csr("indptr");
    put_vector(file, "X/indptr", H5T_STD_I32LE, 3, H5T_NATIVE_INT, (int[]){0, 2, 4});
    refuse(file, "X/indptr has 3 values but shape says 3 rows");
    file = good_csr("indptr");
    put_vector(file, "X/indptr", H5T_IEEE_F64LE, 4, H5T_NATIVE_INT, (int[]){0, 2, 2, 4});
    refuse(file, "data set X/indptr must be a vector of integers");
    file = good_csr("indptr");
    put_matrix(file, "X/indptr", H5T_STD_I32LE, 4, 1, H5T_NATIVE_INT, (int[]){0, 2, 2, 4});
    refuse(file, "data set X/indptr must be a vector of integers");
    file = good_csr("indptr");
    put_vector(file, "X/indptr", H5T_STD_U64LE, 4, H5T_NATIVE_UINT64, (uint64_t[]){0, 2, UINT64_MAX, 4});
    refuse(file, "X/indptr[2] is 18446744073709551615");
    file = good_csr("indices");
    put_vector(file, "X/indices", H5T_STD_I32LE, 3, H5T_NATIVE_INT, (int[]){0, 2, 4});
    refuse(file, "X has 4 values and 3 indices");
    file = good_csr("indices");
    put_vector(file, "X/indices", H5T_IEEE_F32LE, 4, H5T_NATIVE_INT, (int[]){1, 3, 0, 2});
    refuse(file, "X/indices integers");
    file = good_csr("indices");
    put_vector(file, "X/indices", H5T_STD_U64LE, 4, H5T_NATIVE_UINT64, (uint64_t[]){1, UINT64_MAX, 0, 2});
    refuse(file, "X/indices[1] (row 0) is ");
    file = good_csr("data");
    put_texts(file, "X/data", 4, (const char *const[]){"1", "2", "3", "4"});
    refuse(file, "X/data must hold numbers");
    file = good_csr("data");
    put_vector(file, "X/data", H5T_IEEE_F32LE, 4, 0, NULL);
    refuse(file, "data set X/data was declared [4] but not completely written");
}

static void test_csr_attributes(void **unused) {
    (void)unused;
    refuse(good_csr("shape"), "CSR group X needs an attribute shape");
    const struct {
        hsize_t n;
        int64_t shape[3];
        const char *message;
    } shapes[] = {
        {1, {3}, "CSR group X needs an attribute shape with 2 integers"},
        {3, {3, 9, 1}, "shape"},
        {2, {-1, 9}, "X has shape -1 x 9"},
        {2, {3, -9}, "X has shape 3 x -9"},
        {2, {3, INT64_C(1) << 32}, "X has shape 3 x 4294967296, but at most 4294967295 features"},
        {2, {INT64_MAX, 9}, "shape says 9223372036854775807 rows"},
        {2, {2, 9}, "X/indptr has 4 values but shape says 2 rows"},
        {2, {3, 3}, "X/indices[1] (row 0) is 3"},
        {2, {3, 0}, "X is empty (3 rows, 0 features)"},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        hid_t file = good_csr("shape");
        put_attribute_int64(file, "X", "shape", shapes[i].n, shapes[i].shape);
        refuse(file, shapes[i].message);
    }
    hid_t file = good_csr("shape");
    put_attribute_text(file, "X", "shape", "3 x 9");
    refuse(file, "shape");
    file = good_csr("encoding-type");
    put_attribute_text(file, "X", "encoding-type", "csc_matrix");
    refuse(file, "X/indptr has 4 values but shape says 9 columns");
    file = good_csr("encoding-type");
    put_attribute_int64(file, "X", "encoding-type", 1, (int64_t[]){1});
    refuse(file, "encoding-type");
}

// ---- files --------------------------------------------------------------------------------------

static void test_cut(void **unused) {
    (void)unused;
    for (int sparse = 0; sparse < 2; sparse++) {
        hid_t file = create_file(test_file);
        if (sparse)
            put_csr(file, "X", (csr_rows){3, 9, (int64_t[]){0, 2, 2, 4}, (int64_t[]){1, 3, 0, 2}, numbers},
                    (csr_types){H5T_IEEE_F32LE, H5T_STD_I32LE, H5T_STD_I64LE}, &storages[sparse]);
        else put_matrix(file, "X", H5T_IEEE_F32LE, ROWS, COLUMNS, H5T_NATIVE_DOUBLE, numbers);
        H5Fclose(file);
        struct stat about;
        stat(test_file, &about);
        for (off_t size = about.st_size - 1; size >= 0; size -= size > 64 ? 37 : 1) {
            assert_int_equal(truncate(test_file, size), 0);
            expect((mg_preparation){0}, MG_DATA, "t.h5");
        }
    }
}

static void test_no_file(void **unused) {
    (void)unused;
    unlink(test_file);
    expect((mg_preparation){0}, MG_IO, "cannot be opened: No such file");
    FILE *text = fopen(test_file, "w");
    fputs("label,a,b\n1,2,3\n", text);
    fclose(text);
    expect((mg_preparation){0}, MG_DATA, "is not a readable HDF5 file");
    unlink(test_file);
    mkdir(test_file, 0700);
    expect((mg_preparation){0}, MG_IO, "is a directory; a file is needed");
    rmdir(test_file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_finite),    cmocka_unit_test(test_preparation),
        cmocka_unit_test(test_ranks),         cmocka_unit_test(test_types),
        cmocka_unit_test(test_storage),       cmocka_unit_test(test_external),
        cmocka_unit_test(test_links),         cmocka_unit_test(test_filters),
        cmocka_unit_test(test_flipped_chunk), cmocka_unit_test(test_csr),
        cmocka_unit_test(test_csr_parts),     cmocka_unit_test(test_csr_attributes),
        cmocka_unit_test(test_cut),           cmocka_unit_test(test_no_file),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}

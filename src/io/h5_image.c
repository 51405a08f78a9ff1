// h5_image.c - builds a whole HDF5 file in memory, and writes it with a seal. No times are stored, so equal
// content gives equal bytes.
#include "io/h5_file.h"

#include "base/memory.h"
#include "io/directory.h"

#include <stdio.h>
#include <string.h>

struct mg_h5_image {
    hid_t file;
    bool failed;
    mg_status status; // status of the first failure
    char reason[300];
};

mg_status mg_h5_image_create(mg_h5_image **out, mg_error *error) {
    *out = NULL;
    mg_status status = mg_h5_make_room(0, error);
    if (!status) mg_h5_quiet();
    if (!status) status = mg_memory_zeroed(out, 1, sizeof **out, error);
    if (status) return status;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_fapl_core(access, 1 << 20, 0);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    H5Pset_obj_track_times(creation, 0);
    char name[MG_H5_MEMORY_NAME];
    mg_h5_memory_name(name);
    (*out)->file = H5Fcreate(name, H5F_ACC_TRUNC, creation, access);
    H5Pclose(creation);
    H5Pclose(access);
    if ((*out)->file >= 0) return MG_OK;
    mg_memory_free(*out);
    *out = NULL;
    return mg_fail(error, MG_MEMORY, "an HDF5 file cannot be created in memory");
}

static void note(mg_h5_image *image, const char *name, bool failed) {
    if (!failed || image->failed) return;
    char reason[200];
    image->failed = true;
    image->status = MG_FAILED;
    snprintf(image->reason, sizeof image->reason, "%.64s: %s", name, mg_h5_reason(reason, sizeof reason));
}

static void lack_memory(mg_h5_image *image, const char *name) {
    image->failed = true;
    image->status = MG_MEMORY;
    snprintf(image->reason, sizeof image->reason, "%.64s: out of memory", name);
}

// True if nothing has failed yet, and the library can allocate what `bytes` more bytes of content need.
static bool has_room(mg_h5_image *image, const char *name, size_t bytes) {
    if (image->failed) return false;
    if (!mg_h5_make_room(bytes, NULL)) return true;
    lack_memory(image, name);
    return false;
}

void mg_h5_image_group(mg_h5_image *image, const char *name) {
    if (!has_room(image, name, 0)) return;
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(creation, 0);
    hid_t group = H5Gcreate2(image->file, name, H5P_DEFAULT, creation, H5P_DEFAULT);
    note(image, name, group < 0);
    if (group >= 0) H5Gclose(group);
    H5Pclose(creation);
}

static void put(mg_h5_image *image, const char *name, hid_t type, int rank, const hsize_t *dims,
                const void *data) {
    size_t bytes = H5Tget_size(type);
    for (int i = 0; i < rank; i++) bytes *= (size_t)dims[i];
    if (!has_room(image, name, bytes)) return;
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(rank, dims, NULL);
    H5Pset_obj_track_times(creation, 0);
    hid_t set = H5Dcreate2(image->file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    bool empty = H5Sget_simple_extent_npoints(space) == 0;
    note(image, name, set < 0 || (!empty && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0));
    if (set >= 0) H5Dclose(set);
    H5Sclose(space);
    H5Pclose(creation);
}

void mg_h5_image_array(mg_h5_image *image, const char *name, mg_h5_type type, int rank, const int64_t *dims,
                       const void *data) {
    const hid_t types[] = {H5T_NATIVE_INT8,   H5T_NATIVE_UINT8,  H5T_NATIVE_INT16,
                           H5T_NATIVE_UINT16, H5T_NATIVE_INT32,  H5T_NATIVE_UINT32,
                           H5T_NATIVE_INT64,  H5T_NATIVE_UINT64, -1,
                           H5T_NATIVE_FLOAT,  H5T_NATIVE_DOUBLE};
    hsize_t sizes[2] = {(hsize_t)dims[0], rank > 1 ? (hsize_t)dims[1] : 1};
    if (!image->failed) put(image, name, types[type], rank, sizes, data);
}

void mg_h5_image_texts(mg_h5_image *image, const char *name, int64_t count, const char *const *texts) {
    if (!has_room(image, name, 0)) return;
    // Texts are stored with a fixed width. Texts of variable length would be in a heap, whose layout does not
    // depend on the content alone.
    size_t width = 1;
    for (int64_t i = 0; i < count; i++)
        if (strlen(texts[i]) > width) width = strlen(texts[i]);
    char *cells;
    if (mg_memory_zeroed(&cells, (size_t)count, width, NULL)) {
        lack_memory(image, name);
        return;
    }
    for (int64_t i = 0; i < count; i++) memcpy(cells + (size_t)i * width, texts[i], strlen(texts[i]));
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, width);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    put(image, name, type, 1, &(hsize_t){(hsize_t)count}, cells);
    H5Tclose(type);
    mg_memory_free(cells);
}

static void put_attribute(mg_h5_image *image, const char *object, const char *name, hid_t type,
                          const void *value) {
    if (!has_room(image, name, 0)) return;
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute =
        H5Acreate_by_name(image->file, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    note(image, name, attribute < 0 || H5Awrite(attribute, type, value) < 0);
    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
}

void mg_h5_image_attribute_int64(mg_h5_image *image, const char *object, const char *name, int64_t value) {
    if (!image->failed) put_attribute(image, object, name, H5T_NATIVE_INT64, &value);
}

void mg_h5_image_attribute_real(mg_h5_image *image, const char *object, const char *name, double value) {
    if (!image->failed) put_attribute(image, object, name, H5T_NATIVE_DOUBLE, &value);
}

void mg_h5_image_attribute_text(mg_h5_image *image, const char *object, const char *name, const char *value) {
    if (!has_room(image, name, strlen(value))) return;
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, strlen(value) + 1);
    H5Tset_cset(type, H5T_CSET_UTF8);
    put_attribute(image, object, name, type, value);
    H5Tclose(type);
}

// The bytes of the file in the driver's own buffer, without a copy; NULL on failure.
static const unsigned char *bytes_of(mg_h5_image *image, size_t *size) {
    void *handle = NULL;
    // Before version 2.0 of the library, an image that was not flushed cannot be opened again.
    note(image, "file", !image->failed && H5Fflush(image->file, H5F_SCOPE_GLOBAL) < 0);
    ssize_t length = image->failed ? -1 : H5Fget_file_image(image->file, NULL, 0);
    note(image, "file image", !image->failed && length <= 0);
    note(image, "file image", !image->failed && H5Fget_vfd_handle(image->file, H5P_DEFAULT, &handle) < 0);
    note(image, "file image", !image->failed && !handle);
    if (image->failed) return NULL;
    *size = (size_t)length;
    return *(unsigned char **)handle; // the handle of the core driver points to its buffer
}

mg_status mg_h5_image_write(mg_h5_image *image, const mg_directory *directory, const char *name,
                            const mg_named *was, mg_error *error) {
    mg_h5_quiet();
    size_t size = 0;
    const unsigned char *bytes = bytes_of(image, &size);
    mg_status status =
        bytes ? mg_directory_write_sealed(directory, name, was, bytes, size, error)
              : mg_fail(error, image->status,
                        "%s/%s: was not written, because its HDF5 content could not be built in memory: %s",
                        mg_directory_path(directory), name, image->reason);
    mg_h5_image_destroy(image);
    return status;
}

void mg_h5_image_destroy(mg_h5_image *image) {
    if (!image) return;
    mg_h5_quiet();
    H5Fclose(image->file);
    mg_memory_free(image);
}

// h5_write.c - writes large HDF5 files. After a failed write to disk the library's return values are not
// reliable. So it only builds the metadata, in memory, and every byte on disk is written by write_at. The
// arrays are declared in the library but not filled; their data follows the metadata in the file, so the
// image in memory ends where they begin.
#include "io/h5_write_state.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/unnamed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER = 1 << 20, METADATA = 1 << 16, PAGE = 4096, MOST_IMAGE = 1 << 18 };

static mg_status library_failed(const mg_h5_writer *writer, const char *what, mg_error *error) {
    char reason[256];
    return mg_fail(error, MG_IO, "%s: HDF5 cannot create %s: %s", writer->path, what,
                   mg_h5_reason(reason, sizeof reason));
}

// The library calls this when it needs memory for its file. It gets memory that is already allocated, because
// the library does not handle all failures of allocation. A size above MOST_IMAGE would mean that it puts
// metadata after the arrays.
static void *grow_image(void *block, size_t size, H5FD_file_image_op_t operation, void *context) {
    mg_h5_writer *writer = context;
    (void)block, (void)operation;
    if (size > MOST_IMAGE) return NULL;
    writer->image_size = size;
    return writer->image;
}

static void *make_image(size_t size, H5FD_file_image_op_t operation, void *context) {
    return grow_image(NULL, size, operation, context);
}

// Called when the library frees its file. Frees nothing, because the image is still needed.
static herr_t keep_image(void *block, H5FD_file_image_op_t operation, void *context) {
    (void)block, (void)operation, (void)context;
    return 0;
}

static void *copy_image(void *to, const void *from, size_t size, H5FD_file_image_op_t operation,
                        void *context) {
    (void)operation, (void)context;
    return memcpy(to, from, size);
}

static void *same_context(void *context) { return context; }

static herr_t leave_context(void *context) {
    (void)context;
    return 0;
}

static mg_status create_image(mg_h5_writer *writer, mg_error *error) {
    H5FD_file_image_callbacks_t callbacks = {make_image,   copy_image,    grow_image, keep_image,
                                             same_context, leave_context, writer};
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_fapl_core(access, METADATA, 0);
    H5Pset_file_image_callbacks(access, &callbacks);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    H5Pset_meta_block_size(access, METADATA); // all metadata in one block before the first array
    H5Pset_alignment(access, PAGE, PAGE);     // each array begins on a page
    H5Pset_obj_track_times(creation, 0);
    char name[MG_H5_MEMORY_NAME];
    mg_h5_memory_name(name);
    writer->library = H5Fcreate(name, H5F_ACC_TRUNC, creation, access);
    mg_status status = writer->library < 0 ? library_failed(writer, "a file", error) : MG_OK;
    H5Pclose(creation);
    H5Pclose(access);
    return status;
}

static mg_status create_writer(mg_h5_writer **out, const char *path, int64_t bytes, mg_error *error) {
    mg_h5_writer *writer;
    *out = NULL;
    mg_status status = mg_h5_make_room(0, error);
    if (status) return status;
    mg_h5_quiet();
    status = mg_memory_zeroed(&writer, 1, sizeof *writer, error);
    if (status) return status;
    writer->file = -1;
    writer->library = H5I_INVALID_HID;
    writer->bytes = bytes;
    status = mg_memory_text(&writer->path, path, error);
    if (!status) status = mg_memory_zeroed(&writer->image, MOST_IMAGE, 1, error);
    if (!status) status = mg_h5_make_room(0, error);
    if (!status) status = create_image(writer, error);
    if (status) mg_h5_writer_destroy(writer);
    else *out = writer;
    return status;
}

mg_status mg_h5_writer_create(mg_h5_writer **out, const char *path, bool overwrite, int64_t bytes,
                              mg_error *error) {
    mg_place place = {0};
    *out = NULL;
    mg_status status = mg_place_find(path, &place, error);
    if (!status) status = mg_place_check(&place, path, overwrite, bytes, METADATA, error);
    if (!status) status = create_writer(out, path, bytes, error);
    if (status) {
        mg_place_clear(&place);
        return status;
    }
    (*out)->place = place;
    return MG_OK;
}

mg_status mg_h5_writer_create_unnamed(mg_h5_writer **out, const char *path, int64_t bytes, mg_error *error) {
    mg_status status = create_writer(out, path, bytes, error);
    if (!status) (*out)->unnamed = true;
    return status;
}

void mg_h5_writer_destroy(mg_h5_writer *writer) {
    if (!writer) return;
    mg_h5_quiet();
    if (writer->library >= 0) H5Fclose(writer->library);
    if (writer->exists) mg_directory_give_up(writer->place.directory, writer->temporary, &writer->file);
    if (writer->unnamed && writer->file >= 0) close(writer->file);
    for (int i = 0; i < writer->count; i++) mg_memory_free(writer->slots[i].buffer);
    mg_memory_free(writer->image);
    mg_named_clear(&writer->own);
    mg_place_clear(&writer->place);
    mg_memory_free(writer->path);
    mg_memory_free(writer);
}

mg_status mg_h5_writer_group(mg_h5_writer *writer, const char *name, mg_error *error) {
    mg_h5_quiet();
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(creation, 0);
    hid_t group = H5Gcreate2(writer->library, name, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Pclose(creation);
    if (group < 0) return library_failed(writer, name, error);
    H5Gclose(group);
    return MG_OK;
}

static hid_t text_type(size_t width) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, width);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

static hid_t stored_type(mg_h5_type type, size_t width) {
    const hid_t types[] = {
        [MG_H5_I8] = H5T_STD_I8LE,    [MG_H5_U8] = H5T_STD_U8LE,   [MG_H5_I16] = H5T_STD_I16LE,
        [MG_H5_U16] = H5T_STD_U16LE,  [MG_H5_I32] = H5T_STD_I32LE, [MG_H5_U32] = H5T_STD_U32LE,
        [MG_H5_I64] = H5T_STD_I64LE,  [MG_H5_U64] = H5T_STD_U64LE, [MG_H5_F32] = H5T_IEEE_F32LE,
        [MG_H5_F64] = H5T_IEEE_F64LE,
    };
    if (type == MG_H5_TEXT) return text_type(width);
    return type == MG_H5_F16 ? mg_h5_half_type() : H5Tcopy(types[type]);
}

// Creates an array in the library. Its storage is allocated at once, because mg_h5_writer_append must know
// its position, and is not filled.
static hid_t create_set(mg_h5_writer *writer, const char *name, hid_t type, int rank, const hsize_t *dims) {
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(rank, dims, NULL);
    H5Pset_layout(creation, H5D_CONTIGUOUS);
    H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER);
    H5Pset_obj_track_times(creation, 0);
    hid_t set = space < 0
                    ? space
                    : H5Dcreate2(writer->library, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (space >= 0) H5Sclose(space);
    H5Pclose(creation);
    return set;
}

mg_status mg_h5_writer_array(mg_h5_writer *writer, const char *name, const mg_h5_new_array *shape, int *array,
                             mg_error *error) {
    mg_h5_slot *place = &writer->slots[writer->count];
    int64_t size = (int64_t)(shape->type == MG_H5_TEXT ? shape->width : mg_h5_type_size(shape->type));
    hsize_t extent[2] = {0, 0};
    mg_h5_quiet();
    if (writer->count == MG_H5_WRITER_ARRAYS)
        return mg_fail(error, MG_FAILED, "%s: more than %d arrays in one file", writer->path,
                       MG_H5_WRITER_ARRAYS);
    for (int i = 0; i < shape->rank; i++) {
        extent[i] = (hsize_t)shape->dims[i];
        if (__builtin_mul_overflow(size, shape->dims[i], &size))
            return mg_fail(error, MG_DATA,
                           "%s: array %s would have more than 2^63 bytes: use fewer rows or features",
                           writer->path, name);
    }
    mg_status status = mg_memory_get(&place->buffer, BUFFER, 1, error);
    if (status) return status;
    *array = writer->count++; // from here on, mg_h5_writer_destroy frees the buffer
    snprintf(place->name, sizeof place->name, "%s", name);
    place->size = size;
    hid_t stored = stored_type(shape->type, shape->width),
          set = create_set(writer, name, stored, shape->rank, extent);
    haddr_t offset = set < 0 || size == 0 ? 0 : H5Dget_offset(set);
    if (set < 0 || offset == HADDR_UNDEF) status = library_failed(writer, name, error);
    place->offset = (int64_t)offset;
    if (set >= 0) H5Dclose(set);
    H5Tclose(stored);
    return status;
}

static mg_status put_attribute(mg_h5_writer *writer, const char *object, const char *name, hid_t type,
                               hid_t space, const void *value, mg_error *error) {
    hid_t attribute =
        H5Acreate_by_name(writer->library, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    bool failed = attribute < 0 || H5Awrite(attribute, type, value) < 0;
    mg_status status = failed ? library_failed(writer, name, error) : MG_OK;
    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    return status;
}

mg_status mg_h5_writer_text(mg_h5_writer *writer, const char *object, const char *name, const char *value,
                            mg_error *error) {
    mg_h5_quiet();
    // Texts have a fixed width: the position of a text of variable length would not depend on the content
    // alone.
    hid_t type = text_type(*value ? strlen(value) : 1);
    mg_status status = put_attribute(writer, object, name, type, H5Screate(H5S_SCALAR), value, error);
    H5Tclose(type);
    return status;
}

mg_status mg_h5_writer_int64(mg_h5_writer *writer, const char *object, const char *name,
                             const int64_t *values, int count, mg_error *error) {
    mg_h5_quiet();
    hsize_t extent = (hsize_t)count;
    hid_t space = count == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &extent, NULL);
    return put_attribute(writer, object, name, H5T_STD_I64LE, space, values, error);
}

static mg_status write_at(mg_h5_writer *writer, int64_t offset, const void *bytes, size_t size,
                          mg_error *error) {
    if (size > 0 && lseek(writer->file, (off_t)offset, SEEK_SET) < 0)
        return mg_fail(error, MG_IO, "%s: cannot be written: %s", writer->path, strerror(errno));
    return mg_file_write_all(writer->file, writer->path, bytes, size, error);
}

// Allocates the space of the file, so that a full disk is detected now and not after an hour of writing. If
// the file system does not support fallocate, a full disk is detected while writing.
static mg_status reserve(mg_h5_writer *writer, int64_t size, mg_error *error) {
    if (ftruncate(writer->file, (off_t)size) != 0)
        return mg_fail(error, MG_IO, "%s: cannot be made %lld bytes long: %s", writer->path, (long long)size,
                       strerror(errno));
    if (fallocate(writer->file, 0, 0, (off_t)size) != 0 &&
        (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
        return mg_fail(error, MG_IO, "%s: there is no room for %lld bytes: %s", writer->path, (long long)size,
                       strerror(errno));
    return MG_OK;
}

mg_status mg_h5_writer_start(mg_h5_writer *writer, mg_error *error) {
    hsize_t size = 0;
    mg_h5_quiet();
    // The size that the superblock will state.
    herr_t failed = H5Fget_filesize(writer->library, &size);
    herr_t closed = H5Fclose(writer->library);
    writer->library = H5I_INVALID_HID;
    if (failed < 0 || closed < 0) return library_failed(writer, "the metadata", error);
    for (int i = 0; i < writer->count; i++)
        if (writer->slots[i].size > 0 && writer->slots[i].offset < METADATA)
            return mg_fail(error, MG_FAILED,
                           "%s: libhdf5 placed array %s where margin writes the metadata: report this "
                           "version of libhdf5",
                           writer->path, writer->slots[i].name);
    mg_status status = writer->unnamed ? mg_unnamed_create(writer->bytes, writer->path, &writer->file, error)
                                       : mg_directory_begin(writer->place.directory, writer->place.name,
                                                            writer->temporary, &writer->file, error);
    if (status) return status;
    writer->exists = !writer->unnamed;
    status = reserve(writer, (int64_t)size, error);
    return status ? status : write_at(writer, 0, writer->image, writer->image_size, error);
}

static mg_status flush(mg_h5_writer *writer, mg_h5_slot *place, mg_error *error) {
    mg_status status = write_at(writer, place->offset + place->written, place->buffer, place->filled, error);
    place->written += (int64_t)place->filled;
    place->filled = 0;
    return status;
}

mg_status mg_h5_writer_append(mg_h5_writer *writer, int array, const void *bytes, size_t size,
                              mg_error *error) {
    mg_h5_slot *place = &writer->slots[array];
    if (size > (uint64_t)(place->size - place->written) - place->filled)
        return mg_fail(
            error, MG_DATA,
            "%s: %s has more data than in the first reading: an input changed meanwhile; convert it again",
            writer->path, place->name);
    const unsigned char *from = bytes;
    while (size > 0) {
        size_t part = size < BUFFER - place->filled ? size : BUFFER - place->filled;
        memcpy(place->buffer + place->filled, from, part);
        place->filled += part;
        from += part;
        size -= part;
        if (place->filled < BUFFER) break;
        mg_status status = flush(writer, place, error);
        if (status) return status;
    }
    return MG_OK;
}

mg_status mg_h5_writer_fill(mg_h5_writer *writer, mg_error *error) {
    for (int i = 0; i < writer->count; i++) {
        mg_status status = flush(writer, &writer->slots[i], error);
        if (status) return status;
        if (writer->slots[i].written != writer->slots[i].size)
            return mg_fail(error, MG_DATA,
                           "%s: %s has less data than in the first reading: an input changed meanwhile; "
                           "convert it again",
                           writer->path, writer->slots[i].name);
    }
    return MG_OK;
}

mg_status mg_h5_writer_open(mg_h5_writer *writer, mg_h5 **out, mg_error *error) {
    *out = NULL;
    mg_status status = mg_h5_writer_fill(writer, error);
    if (status) return status;
    int fd = writer->file;
    writer->file = -1; // the opened file owns it now
    return mg_h5_open_descriptor(fd, writer->path, out, error);
}

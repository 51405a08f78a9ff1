// support_forge.c - makes forged files.
#include "support_forge.h"

#include "io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ELEMENTS = 1 << 20 }; // most elements that are changed; a hollow field declares more
enum { MOST_READ = 64 };          // most elements of a data set that forge_get reads

static void need(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "forge: cannot %s\n", what);
    abort();
}

hid_t forge_open(const unsigned char *sealed, size_t size) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    H5Pset_fapl_core(access, 1 << 12, 0);
    H5Pset_file_image(access, (void *)(size_t)sealed, size - MG_SEAL_BYTES);
    hid_t file = H5Fopen("\x01"
                         "forge",
                         H5F_ACC_RDWR, access);
    H5Pclose(access);
    need(file >= 0, "open the file");
    return file;
}

unsigned char *forge_close(hid_t file, size_t *size) {
    H5Fflush(file, H5F_SCOPE_GLOBAL);
    ssize_t content = H5Fget_file_image(file, NULL, 0);
    need(content > 0, "have the file's bytes");
    unsigned char *sealed = malloc((size_t)content + MG_SEAL_BYTES);
    need(sealed && H5Fget_file_image(file, sealed, (size_t)content) == content, "copy the file's bytes");
    H5Fclose(file);
    mg_file_seal(sealed, (size_t)content, sealed + content);
    *size = (size_t)content + MG_SEAL_BYTES;
    return sealed;
}

static int is_attribute(hid_t file, const char *name) { return H5Aexists(file, name) > 0; }

// Reads the elements of a field as doubles, changes some, and writes them back.
static int set_elements(hid_t object, hid_t space, int attribute, long long place, double value) {
    hssize_t count = H5Sget_simple_extent_npoints(space);
    double *values = count > 0 && count < MOST_ELEMENTS ? calloc((size_t)count, sizeof *values) : NULL;
    int done = values != NULL;
    if (done)
        done = (attribute ? H5Aread(object, H5T_NATIVE_DOUBLE, values)
                          : H5Dread(object, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values)) >= 0;
    for (hssize_t i = 0; done && i < count; i++)
        if (place == -2) values[i] *= value;
        else if (place < 0 || i == place % count) values[i] = value;
    if (done)
        done = (attribute ? H5Awrite(object, H5T_NATIVE_DOUBLE, values)
                          : H5Dwrite(object, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values)) >= 0;
    free(values);
    return done;
}

int forge_set(hid_t file, const char *name, long long place, double value) {
    int attribute = is_attribute(file, name);
    hid_t object = attribute ? H5Aopen(file, name, H5P_DEFAULT) : H5Dopen2(file, name, H5P_DEFAULT);
    if (object < 0) return 0;
    hid_t space = attribute ? H5Aget_space(object) : H5Dget_space(object);
    int done = set_elements(object, space, attribute, place, value);
    H5Sclose(space);
    attribute ? H5Aclose(object) : H5Dclose(object);
    return done;
}

double forge_get(hid_t file, const char *name, size_t place) {
    double values[MOST_READ] = {0};
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(set);
    need(set >= 0 && H5Sget_simple_extent_npoints(space) <= MOST_READ && place < MOST_READ, "read a number");
    H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Sclose(space);
    H5Dclose(set);
    return values[place];
}

int forge_poke(hid_t file, const char *name, unsigned place, const void *bytes, size_t count) {
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT), type = set < 0 ? -1 : H5Dget_type(set);
    hid_t space = set < 0 ? -1 : H5Dget_space(set);
    hssize_t elements = set < 0 ? 0 : H5Sget_simple_extent_npoints(space);
    size_t size = elements > 0 && elements < MOST_ELEMENTS ? (size_t)elements * H5Tget_size(type) : 0;
    int done = size >= count && size < MOST_ELEMENTS && !H5Tdetect_class(type, H5T_VLEN) &&
               H5Tis_variable_str(type) <= 0;
    unsigned char *cells = done ? malloc(size) : NULL;
    if (done) done = H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, cells) >= 0;
    if (done) memcpy(cells + place % (size - count + 1), bytes, count);
    if (done) done = H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, cells) >= 0;
    free(cells);
    if (set >= 0) H5Sclose(space), H5Tclose(type), H5Dclose(set);
    return done;
}

void forge_delete(hid_t file, const char *name) {
    if (is_attribute(file, name)) H5Adelete(file, name);
    else H5Ldelete(file, name, H5P_DEFAULT);
}

void forge_text(hid_t file, const char *name, const char *text) {
    forge_delete(file, name);
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, strlen(text) + 1);
    hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    need(attribute >= 0 && H5Awrite(attribute, type, text) >= 0, "write a text");
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

void forge_replace(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims, double value) {
    int attribute = is_attribute(file, name);
    forge_delete(file, name);
    hid_t space = rank > 0 ? H5Screate_simple(rank, dims, NULL) : H5Screate(rank < 0 ? H5S_NULL : H5S_SCALAR);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY);
    hid_t object = attribute ? H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT)
                             : H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (object >= 0) set_elements(object, space, attribute, -1, value);
    if (object >= 0) attribute ? H5Aclose(object) : H5Dclose(object);
    H5Pclose(creation);
    H5Sclose(space);
}

void forge_hollow(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims) {
    forge_delete(file, name);
    hid_t space = H5Screate_simple(rank, dims, NULL), creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_alloc_time(creation, H5D_ALLOC_TIME_LATE);
    hid_t object = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (object >= 0) H5Dclose(object);
    H5Pclose(creation);
    H5Sclose(space);
}

void forge_relink(hid_t file, const char *name, forge_link link, const char *other) {
    if (link == FORGE_OTHER && !strcmp(name, other)) return;
    forge_delete(file, name);
    if (link == FORGE_SOFT) H5Lcreate_soft(other, file, name, H5P_DEFAULT, H5P_DEFAULT);
    if (link == FORGE_EXTERNAL)
        H5Lcreate_external("/etc/passwd", other, file, name, H5P_DEFAULT, H5P_DEFAULT);
    if (link == FORGE_OTHER) H5Lcreate_hard(file, other, file, name, H5P_DEFAULT, H5P_DEFAULT);
    hid_t group = link == FORGE_GROUP ? H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT) : -1;
    if (group >= 0) H5Gclose(group);
}

void forge_reshape(hid_t file, const char *name, int how) {
    const hid_t types[] = {H5T_NATIVE_DOUBLE, H5T_NATIVE_INT64, H5T_NATIVE_FLOAT, H5T_NATIVE_UINT8};
    const hsize_t dims[] = {4, 100};
    if (how == 0) forge_delete(file, name);
    else if (how == 1) forge_replace(file, name, H5T_NATIVE_INT16, 2, dims, 1);
    else if (how == 2) forge_replace(file, name, H5T_NATIVE_INT64, -1, NULL, 0);
    else if (how == 3) forge_replace(file, name, H5T_C_S1, 1, dims, 0);
    else forge_replace(file, name, types[how - 4], 2, dims, 1);
}

static herr_t note_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context) {
    (void)object, (void)info;
    forge_names *all = context;
    if (strcmp(name, "margin_version")) snprintf(all->name[all->count++], 80, "%s", name);
    return 0;
}

static herr_t note_object(hid_t object, const char *name, const H5O_info_t *info, void *context) {
    (void)object;
    forge_names *all = context;
    if (info->type == H5O_TYPE_DATASET) snprintf(all->name[all->count++], 80, "%s", name);
    return 0;
}

forge_names forge_fields(const unsigned char *sealed, size_t size) {
    forge_names all = {.count = 0};
    hid_t file = forge_open(sealed, size);
    H5Aiterate2(file, H5_INDEX_NAME, H5_ITER_INC, NULL, note_attribute, &all);
    H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, note_object, &all, H5O_INFO_BASIC);
    H5Fclose(file);
    return all;
}

void forge_write(hid_t file, const char *path) {
    size_t size;
    unsigned char *bytes = forge_close(file, &size);
    FILE *out = fopen(path, "wb");
    need(out && fwrite(bytes, 1, size, out) == size && !fclose(out), "write the file");
    free(bytes);
}

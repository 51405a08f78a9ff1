// h5_names.c - looks up names in a file: columns of tables, objects to which attributes refer, and the list
// of existing names for error messages.
#include "io/h5_file.h"

#include <stdio.h>
#include <string.h>

const char *mg_h5_columns(hid_t table, char *out, size_t size) {
    size_t used = 0;
    int count = H5Tget_nmembers(table);
    *out = '\0';
    for (int i = 0; i < count; i++) {
        char *name = H5Tget_member_name(table, (unsigned)i);
        bool fits = name && used + strlen(name) + sizeof ", ..., " < size;
        if (fits || i == 0)
            used += (size_t)snprintf(out + used, size - used, "%s%.100s", i ? ", " : "", name ? name : "");
        else snprintf(out + used, size - used, ", ...");
        H5free_memory(name);
        if (!fits) break;
    }
    return out;
}

bool mg_h5_split_column(const mg_h5 *file, const char *name, char table[MG_H5_NAME], const char **column) {
    const char *slash = strrchr(name, '/');
    size_t length = slash ? (size_t)(slash - name) : 0;
    if (!length || length >= MG_H5_NAME) return false;
    memcpy(table, name, length);
    table[length] = '\0';
    if (file->arrays || mg_h5_find(file, table) != MG_H5_ARRAY) return false;
    hid_t set = H5Dopen2(file->file, table, H5P_DEFAULT), type = set < 0 ? -1 : H5Dget_type(set);
    bool there = type >= 0 && H5Tget_class(type) == H5T_COMPOUND && H5Tget_member_index(type, slash + 1) >= 0;
    if (type >= 0) H5Tclose(type);
    if (set >= 0) H5Dclose(set);
    *column = there ? slash + 1 : NULL;
    return there;
}

bool mg_h5_column(const mg_h5 *file, const char *table, int64_t i, char *out, size_t size) {
    if (file->arrays || mg_h5_find(file, table) != MG_H5_ARRAY) return false;
    hid_t set = H5Dopen2(file->file, table, H5P_DEFAULT), type = set < 0 ? -1 : H5Dget_type(set);
    bool there = type >= 0 && H5Tget_class(type) == H5T_COMPOUND && i < H5Tget_nmembers(type);
    char *name = there ? H5Tget_member_name(type, (unsigned)i) : NULL;
    if (name) snprintf(out, size, "%s", name);
    H5free_memory(name);
    if (type >= 0) H5Tclose(type);
    if (set >= 0) H5Dclose(set);
    return name != NULL;
}

bool mg_h5_list(const mg_h5 *file, const char *parent, char *out, size_t size) {
    *out = '\0';
    if (file->arrays) return false;
    mg_h5_kind kind = mg_h5_find(file, parent);
    if (kind == MG_H5_ARRAY) {
        hid_t set = H5Dopen2(file->file, parent, H5P_DEFAULT), type = set < 0 ? -1 : H5Dget_type(set);
        if (type >= 0 && H5Tget_class(type) == H5T_COMPOUND) mg_h5_columns(type, out, size);
        if (type >= 0) H5Tclose(type);
        if (set >= 0) H5Dclose(set);
        return *out;
    }
    size_t used = 0;
    char member[256];
    for (int64_t i = 0; kind == MG_H5_GROUP && mg_h5_member(file, parent, i, member, sizeof member); i++) {
        if (used + strlen(member) + sizeof ", ..., " >= size) {
            snprintf(out + used, size - used, ", ...");
            break;
        }
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", member);
    }
    return *out;
}

mg_status mg_h5_refuse_missing(const mg_h5 *file, const char *name, mg_error *error) {
    char parent[MG_H5_NAME], there[300];
    const char *slash = strrchr(name, '/');
    size_t length = slash ? (size_t)(slash - name) : 0;
    if (length >= sizeof parent) length = 0;
    memcpy(parent, length ? name : "/", length ? length : 1);
    parent[length ? length : 1] = '\0';
    bool listed = mg_h5_list(file, parent, there, sizeof there);
    mg_status status = mg_h5_check_read(file, error);
    if (status) return status;
    if (!listed)
        return mg_fail(error, MG_DATA, "%s: data set %s is missing: `margin info FILE` lists its contents",
                       file->path, name);
    return mg_fail(error, MG_DATA, "%s: data set %s is missing; %s contains %s: give one of these names",
                   file->path, name, length ? parent : "the file", there);
}

mg_status mg_h5_attribute_object(mg_h5 *file, const char *object, const char *name, char out[MG_H5_NAME],
                                 mg_error *error) {
    mg_h5_quiet();
    hobj_ref_t reference;
    hid_t attribute = H5Aopen_by_name(file->file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute),
          space = attribute < 0 ? -1 : H5Aget_space(attribute);
    bool fine = type >= 0 && H5Tequal(type, H5T_STD_REF_OBJ) > 0 &&
                H5Sget_simple_extent_npoints(space) == 1 &&
                H5Aread(attribute, H5T_STD_REF_OBJ, &reference) >= 0;
    ssize_t length = fine ? H5Rget_name(file->file, H5R_OBJECT, &reference, out, MG_H5_NAME) : -1;
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    if (attribute >= 0) H5Aclose(attribute);
    if (length > 0 && length < MG_H5_NAME) return MG_OK;
    mg_status status =
        mg_fail(error, MG_DATA, "%s: attribute %s of %s points to nothing: write the file again", file->path,
                name, object);
    return mg_h5_blame(file, status, error);
}

// h5_field.c - one column of texts out of a table of compound cells, as AnnData 0.5 and 10x of old wrote them.
#include "io/h5_file.h"

#include "base/memory.h"

#include <string.h>

// The field as a compound of its own, so that the library hands over nothing else; -1 when there is no such field of texts.
static hid_t field_type(hid_t stored, const char *field, hid_t *text) {
    *text = -1;
    if (H5Tget_class(stored) != H5T_COMPOUND) return -1;
    int index = H5Tget_member_index(stored, field);
    if (index < 0) {
        H5Eclear2(H5E_DEFAULT);
        return -1;
    }
    *text = H5Tget_member_type(stored, (unsigned)index);
    if (H5Tget_class(*text) != H5T_STRING) return -1;
    hid_t type = H5Tcreate(H5T_COMPOUND, H5Tget_size(*text));
    H5Tinsert(type, field, 0, *text);
    return type;
}

// The bytes are the file's own, and behind no filter but those that data sets may have (h5_array.c).
static bool stored_plainly(hid_t set) {
    hid_t plist = H5Dget_create_plist(set);
    H5D_layout_t layout = H5Pget_layout(plist);
    bool plain = (layout == H5D_CONTIGUOUS || layout == H5D_CHUNKED || layout == H5D_COMPACT) && H5Pget_external_count(plist) == 0;
    for (int i = 0; plain && i < H5Pget_nfilters(plist); i++) {
        unsigned flags, config;
        size_t values = 0;
        H5Z_filter_t id = H5Pget_filter2(plist, (unsigned)i, &flags, &values, NULL, 0, NULL, &config);
        plain = id == H5Z_FILTER_DEFLATE || id == H5Z_FILTER_SHUFFLE || id == H5Z_FILTER_FLETCHER32;
    }
    hsize_t chunk = 1;
    if (plain && layout == H5D_CHUNKED) plain = H5Pget_chunk(plist, 1, &chunk) == 1 && chunk < (hsize_t)1 << 20;
    H5Pclose(plist);
    return plain;
}

static mg_status copy_texts(const char *cells, size_t size, int64_t count, bool variable, char **out, mg_error *error) {
    mg_status status = MG_OK;
    for (int64_t i = 0; !status && i < count; i++) {
        const char *cell = cells + (size_t)i * size;
        if (variable) {
            memcpy(&cell, cells + (size_t)i * size, sizeof cell);
            status = mg_memory_text(&out[i], cell ? cell : "", error);
        } else {
            size_t length = strnlen(cell, size);
            status = mg_memory_zeroed(&out[i], length + 1, 1, error);
            if (!status) memcpy(out[i], cell, length);
        }
    }
    return status;
}

// `type`: the compound of the one field; `text`: the field.
static mg_status read_field(hid_t set, hid_t type, hid_t text, int64_t count, char ***out, mg_error *error) {
    size_t size = H5Tget_size(type);
    char *cells = NULL;
    bool variable = H5Tis_variable_str(text) > 0;
    mg_status status = mg_memory_zeroed(out, (size_t)count, sizeof **out, error);
    if (!status) status = mg_memory_zeroed(&cells, (size_t)count, size, error);
    if (!status && H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, cells) < 0) status = mg_fail(error, MG_DATA, "cannot be read");
    bool read = !status;
    if (!status) status = copy_texts(cells, size, count, variable, *out, error);
    hid_t space = H5Dget_space(set);
    if (read && variable) H5Dvlen_reclaim(type, space, H5P_DEFAULT, cells);
    H5Sclose(space);
    mg_memory_free(cells);
    if (status) mg_h5_free_texts(*out, count);
    if (status) *out = NULL;
    return status;
}

mg_status mg_h5_field_texts(mg_h5 *file, const char *table, const char *field, int64_t count, char ***out, mg_error *error) {
    mg_h5_quiet();
    *out = NULL;
    hid_t set = mg_h5_find(file, table) == MG_H5_ARRAY ? H5Dopen2(file->file, table, H5P_DEFAULT) : -1, text = -1;
    if (set < 0) return MG_OK;
    hid_t stored = H5Dget_type(set), space = H5Dget_space(set), type = field_type(stored, field, &text);
    hssize_t rows = H5Sget_simple_extent_npoints(space);
    mg_status status = MG_OK;
    if (type >= 0 && (rows != count || H5Sget_simple_extent_ndims(space) != 1))
        status = mg_fail(error, MG_DATA, "%s: table %s has %lld rows; %lld in one dimension are needed", file->path, table, (long long)rows,
                         (long long)count);
    else if (type >= 0 && !stored_plainly(set))
        status = mg_fail(error, MG_DATA, "%s: table %s lies in other files, is virtual, or is packed by a filter or in chunks that are not allowed: "
                         "repack it with h5repack, or set data.names (eval, predict: --names) to none", file->path, table);
    else if (type >= 0 && (status = read_field(set, type, text, count, out, error)) == MG_DATA)
        mg_fail(error, MG_DATA, "%s: field %s of table %s cannot be read", file->path, field, table);
    if (type >= 0) H5Tclose(type);
    if (text >= 0) H5Tclose(text);
    H5Tclose(stored);
    H5Sclose(space);
    H5Dclose(set);
    return status;
}

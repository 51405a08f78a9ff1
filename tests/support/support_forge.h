// support_forge.h - sealed files with content of a test's choice: the HDF5 file in memory without its seal,
// changed, sealed again.
#ifndef MG_TEST_SUPPORT_FORGE_H
#define MG_TEST_SUPPORT_FORGE_H

#include <hdf5.h>
#include <stddef.h>

// The library's view of a sealed file, and the new sealed file, which the caller frees. What cannot be done
// ends the process.
hid_t forge_open(const unsigned char *sealed, size_t size);
unsigned char *forge_close(hid_t file, size_t *size);

// Sets element `place` (-1: all) of a field, which is an attribute of the root or a data set, through double:
// what the field's type cannot hold, the library clamps. False: there is no such number.
int forge_set(hid_t file, const char *name, long long place, double value);

// A text attribute.
void forge_text(hid_t file, const char *name, const char *text);

// A field of another type and shape instead, filled with `value` where it is of numbers; H5S_NULL and scalars
// with rank -1 and 0.
void forge_replace(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims, double value);

// A data set of any extents that takes no room in the file; the library reads zeros from it.
void forge_hollow(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims);

// Something else under the name of a data set.
typedef enum { FORGE_GROUP, FORGE_SOFT, FORGE_EXTERNAL, FORGE_OTHER } forge_link;
void forge_relink(hid_t file, const char *name, forge_link link, const char *other);

void forge_delete(hid_t file, const char *name);

#endif

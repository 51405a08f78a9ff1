// support_forge.h - sealed files with forged content: opens the HDF5 file in memory without its seal, changes
// it, and adds a new seal.
#ifndef MG_TEST_SUPPORT_FORGE_H
#define MG_TEST_SUPPORT_FORGE_H

#include <hdf5.h>
#include <stddef.h>

// forge_open opens a sealed file with the library. forge_close returns the new sealed file, which the caller
// frees. Any failure ends the process.
hid_t forge_open(const unsigned char *sealed, size_t size);
unsigned char *forge_close(hid_t file, size_t *size);

// Sets element `place` (-1: all) of a field, which is an attribute of the root or a data set, or multiplies
// all elements (-2). `value` is converted to the type of the field; the library clamps it. Returns false if
// the field has no such number.
int forge_set(hid_t file, const char *name, long long place, double value);

// Returns the element `place` of a data set of numbers.
double forge_get(hid_t file, const char *name, size_t place);

// Writes a text attribute.
void forge_text(hid_t file, const char *name, const char *text);

// Replaces a field by one of another type and shape; numbers are set to `value`. Rank -1 is H5S_NULL, rank 0
// a scalar.
void forge_replace(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims, double value);

// Declares a data set of any size that takes no space in the file; the library reads zeros from it.
void forge_hollow(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims);

// Replaces a data set by another kind of object with the same name.
typedef enum { FORGE_GROUP, FORGE_SOFT, FORGE_EXTERNAL, FORGE_OTHER } forge_link;
void forge_relink(hid_t file, const char *name, forge_link link, const char *other);

// Overwrites `count` bytes of a data set, at a place that is taken modulo its size. Returns false if the data
// set is smaller, or has no bytes of its own in the file.
int forge_poke(hid_t file, const char *name, unsigned place, const void *bytes, size_t count);

void forge_delete(hid_t file, const char *name);

// Gives a field another type or shape, or deletes it. `how`: below FORGE_SHAPES.
enum { FORGE_SHAPES = 8 };
void forge_reshape(hid_t file, const char *name, int how);

// The names of all fields of a sealed file, except the version of margin.
typedef struct forge_names {
    char name[64][80];
    int count;
} forge_names;
forge_names forge_fields(const unsigned char *sealed, size_t size);

// Closes the file with forge_close and writes it to `path`.
void forge_write(hid_t file, const char *path);

#endif

// convert_h5.h - the format of inputs that are HDF5 files. It is not in the registry of formats, because it
// needs the data layer.
#ifndef MG_DATA_CONVERT_H5_H
#define MG_DATA_CONVERT_H5_H

#include "format/format.h"

extern const mg_format mg_convert_h5;

// True if its options name other data sets than X and y. Only then does the output get a recipe, which keeps
// the names: files without one can be joined again.
bool mg_convert_h5_renames(const void *values);

#endif

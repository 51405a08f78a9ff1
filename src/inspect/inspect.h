// inspect.h - descriptions of files, in parts: inspect.c tells what a file is, data.c what data it holds.
#ifndef MG_INSPECT_INSPECT_H
#define MG_INSPECT_INSPECT_H

#include "base/writer.h"
#include "data/columns.h"
#include "data/labels.h"
#include "io/h5.h"

#include <margin/inspect.h>

enum { MG_INSPECT_CLASSES = 20 }; // shown of a long list

// Describes a file that is neither model nor checkpoint. Names NULL: "X" and "y", which need not be there.
mg_status mg_inspect_data(mg_h5 *file, const char *features, const char *labels, mg_writer *out,
                          mg_error *error);

// Lines about names and recipe, where they are known; the word in front of each is `width` wide.
void mg_inspect_columns(const mg_columns *columns, int width, mg_writer *out);

#endif

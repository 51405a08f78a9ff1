// unnamed.h - a file without a name, which disappears when its descriptor is closed, even if the process is
// killed.
#ifndef MG_IO_UNNAMED_H
#define MG_IO_UNNAMED_H

#include "base/status.h"

#include <stdint.h>

// Creates the file, for `bytes` bytes: in memory if they are a small part of the free memory, otherwise in
// the directory of TMPDIR, or in /var/tmp. `what`: the file whose content it will hold, for messages. Errors:
// MG_IO.
mg_status mg_unnamed_create(int64_t bytes, const char *what, int *fd, mg_error *error);

#endif

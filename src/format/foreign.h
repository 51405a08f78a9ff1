// foreign.h - files of other programs that no format reads: told by their first bytes, and named together
// with a command that makes a file margin does read.
#ifndef MG_FORMAT_FOREIGN_H
#define MG_FORMAT_FOREIGN_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

// Below, `head` holds the first bytes of the file at `path` and a zero behind them; packed: they were
// unpacked from gzip. All fail with MG_DATA.

// Packed files, archives, binary files, UTF-16, old line ends: whatever format was asked for.
mg_status mg_foreign_refuse(const char *path, bool packed, const char *head, size_t bytes, mg_error *error);

// Texts that would pass for a table: Vowpal Wabbit, ARFF, JSON, XML. Only when the format is guessed.
mg_status mg_foreign_text(const char *path, bool packed, const char *head, size_t bytes, mg_error *error);

// Lines of texts whose tabs make columns of a table. Only when the format is guessed.
mg_status mg_foreign_table(const char *path, const char *head, size_t bytes, mg_error *error);

// No format is possible.
mg_status mg_foreign_unknown(const char *path, const char *head, size_t bytes, mg_error *error);

#endif

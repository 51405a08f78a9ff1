// foreign.h - refuses files of other programs that no format reads. They are recognised by their first bytes;
// the message has a command that makes a file margin can read.
#ifndef MG_FORMAT_FOREIGN_H
#define MG_FORMAT_FOREIGN_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

// In all functions, `head` holds the first `bytes` bytes of the file at `path` and a zero; packed: they were
// unpacked from gzip. All refuse with MG_DATA.

// Refuses compressed files, archives, binary files, UTF-16 and old line ends, whatever the requested format.
mg_status mg_foreign_refuse(const char *path, bool packed, const char *head, size_t bytes, mg_error *error);

// Refuses texts that look like a table: Vowpal Wabbit, ARFF, JSON, XML. For a guessed format only.
mg_status mg_foreign_text(const char *path, bool packed, const char *head, size_t bytes, mg_error *error);

// Refuses lines of texts whose tabs look like the columns of a table. For a guessed format only.
mg_status mg_foreign_table(const char *path, const char *head, size_t bytes, mg_error *error);

// Refuses svmlight lines with a '|' in the label. For a guessed format only.
mg_status mg_foreign_bars(const char *path, const char *head, size_t bytes, mg_error *error);

// Refuses a file of unknown format.
mg_status mg_foreign_unknown(const char *path, bool packed, const char *head, size_t bytes, mg_error *error);

#endif

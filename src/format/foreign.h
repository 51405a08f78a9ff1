// foreign.h - refuses files of other programs that no format can read. Their first bytes identify them. The
// message has a command that converts such a file to one that margin can read.
#ifndef MG_FORMAT_FOREIGN_H
#define MG_FORMAT_FOREIGN_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

// In all functions, `head` is the first `bytes` bytes of the file at `path`, followed by a zero. packed: they
// were unpacked from gzip. Refusals are MG_DATA.

// Refuses compressed files, archives, binary files, UTF-16 and old line ends, whatever the requested format.
mg_status mg_foreign_refuse(const char *path, bool packed, const char *head, size_t bytes, mg_error *error);

// Refuses texts that look like tables but are Vowpal Wabbit, ARFF, JSON or XML. Only for a guessed format.
mg_status mg_foreign_text(const char *path, bool packed, const char *head, size_t bytes, mg_error *error);

// Refuses lines of texts if their tabs seem to separate the columns of a table. Only for a guessed format.
mg_status mg_foreign_table(const char *path, const char *head, size_t bytes, mg_error *error);

// Refuses svmlight lines with a '|' in the label. Only for a guessed format.
mg_status mg_foreign_bars(const char *path, const char *head, size_t bytes, mg_error *error);

// Refuses a file of unknown format.
mg_status mg_foreign_unknown(const char *path, bool packed, const char *head, size_t bytes, mg_error *error);

#endif

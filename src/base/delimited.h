// delimited.h - fields of delimited text (CSV, TSV), quoted according to RFC 4180.
#ifndef MG_BASE_DELIMITED_H
#define MG_BASE_DELIMITED_H

#include "base/writer.h"

// Adds a field. It is quoted if it contains the delimiter, a quote or a line break, if a blank at one of its
// ends could be lost, or if it is empty.
void mg_delimited_add(mg_writer *writer, const char *text, char delimiter);

#endif

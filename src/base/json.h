// json.h - pieces of JSON added to a writer.
#ifndef MG_BASE_JSON_H
#define MG_BASE_JSON_H

#include "base/writer.h"

#include <stdbool.h>
#include <stdint.h>

// A quoted string, valid JSON whatever the text holds: characters that act on a terminal (base/printable.h)
// are \uNNNN, a byte that is not UTF-8 is the text \xNN.
void mg_json_text(mg_writer *writer, const char *text);

// , "name": value - the comma only when something stands in the object already. A number that is not finite
// is null, as JSON has no word for it; _put_known leaves NaN out.
void mg_json_key(mg_writer *writer, const char *name);
void mg_json_put_text(mg_writer *writer, const char *name, const char *value);
void mg_json_put_real(mg_writer *writer, const char *name, double value);
void mg_json_put_known(mg_writer *writer, const char *name, double value);
void mg_json_put_bool(mg_writer *writer, const char *name, bool value);
void mg_json_put_int(mg_writer *writer, const char *name, int64_t value);

#endif

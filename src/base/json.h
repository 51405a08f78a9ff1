// json.h - adds pieces of JSON to a writer.
#ifndef MG_BASE_JSON_H
#define MG_BASE_JSON_H

#include "base/writer.h"

#include <stdbool.h>
#include <stdint.h>

// Adds a quoted string that is valid JSON for any text. Characters that control a terminal (base/printable.h)
// become \uNNNN; a byte that is not UTF-8 becomes the text \xNN.
void mg_json_text(mg_writer *writer, const char *text);

// Add "name": value, with a comma before it unless it is the first of its object. A number that is not finite
// becomes null, because JSON cannot express it; mg_json_put_known writes nothing for NaN. mg_json_key adds
// only "name": .
void mg_json_key(mg_writer *writer, const char *name);
void mg_json_put_text(mg_writer *writer, const char *name, const char *value);
void mg_json_put_real(mg_writer *writer, const char *name, double value);
void mg_json_put_known(mg_writer *writer, const char *name, double value);
void mg_json_put_bool(mg_writer *writer, const char *name, bool value);
void mg_json_put_int(mg_writer *writer, const char *name, int64_t value);

#endif

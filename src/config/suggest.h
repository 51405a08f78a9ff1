// suggest.h - errors for unknown names: where the name is, what is unknown, and what the user may have meant.
#ifndef MG_CONFIG_SUGGEST_H
#define MG_CONFIG_SUGGEST_H

#include "config/settings.h"

// All functions return MG_CONFIG with a message such as the one shown. "<where>: unknown key train.epocs; did
// you mean train.epochs?"
mg_status mg_unknown_key(const mg_settings *settings, int section, const char *key, const char *where,
                         mg_error *error);

// "<where>: unknown section trian; did you mean train?"
mg_status mg_unknown_section(const mg_settings *settings, const char *name, const char *where,
                             mg_error *error);

// "<where>: 'epochs=3' does not name a section; did you mean train.epochs?"
mg_status mg_unsectioned_key(const mg_settings *settings, const char *assignment, const char *where,
                             mg_error *error);

#endif

// critical_path.h - `margin bench --critical-path`.
#ifndef MG_CLI_CRITICAL_PATH_H
#define MG_CLI_CRITICAL_PATH_H

#include "cli/flags.h"

// Measures the run of the configuration in `flags`. text: numbers of threads, such as "8,32". Returns the
// exit status.
int mg_cli_critical_path(const mg_cli_flags *flags, const char *text);

#endif

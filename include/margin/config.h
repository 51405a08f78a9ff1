/* config.h - a configuration: all options of a run with their values. */
#ifndef MARGIN_CONFIG_H
#define MARGIN_CONFIG_H

#include <margin/status.h>

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mg_config mg_config;

/*
 * Creates a configuration. Options have their defaults, unless the YAML file at `path` (NULL: no file) sets
 * them. sets[count] are texts "section.key=value"; they override the file. The texts are copied. The caller
 * frees *out with mg_config_destroy; it is NULL after a failure. Errors: MG_CONFIG with "file:line:" or
 * "--set:", the option, its value and what is allowed; MG_USAGE (a text is NULL); MG_MEMORY.
 */
mg_status mg_config_load(const char *path, const char *const *sets, int count, mg_config **out,
                         mg_error *error);

/* Frees the configuration; NULL is allowed. */
void mg_config_destroy(mg_config *config);

/*
 * Adds `suffix`, such as "-path", to output.directory if that has its default, so that commands do not share
 * a directory. Call it before the configuration is used. Errors: MG_MEMORY, MG_CONFIG.
 */
mg_status mg_config_name_directory(mg_config *config, const char *suffix, mg_error *error);

/*
 * Where the option `key` ("section.key") was set, such as "configs/x.yaml:7" or "--set"; NULL if it has its
 * default, or if there is no such option. The text is valid as long as the configuration is.
 */
const char *mg_config_origin(const mg_config *config, const char *key);

/* output.directory: as it was set, or its default. The text is valid as long as the configuration is. */
const char *mg_config_directory(const mg_config *config);

/* Writes all options, with comments, as a YAML file that gives the same values when it is read. Errors:
 * MG_IO, MG_MEMORY. */
mg_status mg_config_print(const mg_config *config, FILE *file, mg_error *error);

/* Writes the reference of all options (docs/options.md). Errors: MG_IO, MG_MEMORY. */
mg_status mg_config_print_options(FILE *file, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif

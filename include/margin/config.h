/* config.h - a configuration: defaults, one YAML file over them, and single values over both. */
#ifndef MARGIN_CONFIG_H
#define MARGIN_CONFIG_H

#include <margin/status.h>

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mg_config mg_config;

/*
 * Reads the file at `path` (NULL: no file, all defaults), then `count` texts of the form "section.key=value",
 * the last one wins. *out is NULL on failure. Errors: MG_CONFIG, beginning with "file:line:" or "--set:", the
 * option, its value and what is allowed; MG_MEMORY.
 */
mg_status mg_config_load(const char *path, const char *const *sets, int count, mg_config **out,
                         mg_error *error);

/* NULL is fine. */
void mg_config_destroy(mg_config *config);

/* Where "section.key" was set: "configs/x.yaml:7" or "--set"; NULL when it holds its default. Borrowed. */
const char *mg_config_origin(const mg_config *config, const char *key);

/* Every option, commented, as a file that reads back to the same values. Errors: MG_IO, MG_MEMORY. */
mg_status mg_config_print(const mg_config *config, FILE *file, mg_error *error);

/* The reference of all options, in Markdown. Errors: MG_IO, MG_MEMORY. */
mg_status mg_config_print_options(FILE *file, mg_error *error);

#ifdef __cplusplus
}
#endif
#endif

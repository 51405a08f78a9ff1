// config.c - owns the whole configuration: the sections of list.h and of the solvers, all stored in one
// struct.
#include "config/config.h"

#include "base/float_mode.h"
#include "base/memory.h"

#include <assert.h>
#include <pthread.h>
#include <stdalign.h>
#include <string.h>

static const mg_binding own_rows[] = {
#define MG_CONFIG_BINDING(section, type, field) {&section, offsetof(mg_config, field)},
    MG_CONFIG_LIST(MG_CONFIG_BINDING)
#undef MG_CONFIG_BINDING
};
enum { ROWS = sizeof own_rows / sizeof *own_rows };

static mg_binding bindings[ROWS + MG_SOLVERS];
static int bound;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const mg_binding *find(const mg_section *section) {
    for (int i = 0; section && i < bound; i++)
        if (bindings[i].section == section) return &bindings[i];
    return NULL;
}

// Gives each solver's section its place in `own`. Solvers with the same section share its values.
static void bind_solvers(void) {
    size_t used = 0;
    for (int i = 0; i < MG_SOLVERS; i++) {
        const mg_solver *solver = mg_solver_at(i);
        if (!solver->section || find(solver->section)) continue;
        bindings[bound++] = (mg_binding){solver->section, offsetof(mg_config, own) + used};
        used += (size_t)mg_round_up((int64_t)solver->options_size, alignof(max_align_t));
        assert(used <= MG_CONFIG_OWN);
    }
}

static void bind(void) {
    for (int i = 0; i < ROWS; i++) {
        bindings[bound++] = own_rows[i];
        if (own_rows[i].section == &mg_train_section) bind_solvers();
    }
}

const mg_binding *mg_config_bindings(int *count) {
    pthread_once(&once, bind);
    *count = bound;
    return bindings;
}

const void *mg_config_values(const mg_config *config, const mg_section *section) {
    const mg_binding *found = find(section);
    return found ? (const char *)config + found->offset : NULL;
}

// Sets the default directory: runs/<name of the config file without .yaml>, and the suffix.
static mg_status name_directory(mg_config *config, const char *path, const char *suffix, mg_error *error) {
    const mg_section *section;
    void *values;
    char *directory;
    const char *name = path ? path : "unnamed", *slash = strrchr(name, '/');
    if (slash) name = slash + 1;
    const char *dot = strrchr(name, '.');
    bool ending = dot && dot != name && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
    mg_writer writer = {0};
    mg_writer_add(&writer, "runs/");
    mg_writer_add_bytes(&writer, name, ending ? (size_t)(dot - name) : strlen(name));
    mg_writer_add(&writer, suffix);
    mg_status status = mg_writer_take(&writer, &directory, error);
    if (status) return status;
    const mg_option *option = mg_settings_find(&config->settings, "output.directory", &section, &values);
    status = mg_option_parse(section, option, values, directory, error);
    mg_memory_free(directory);
    return status;
}

mg_status mg_config_name_directory(mg_config *config, const char *suffix, mg_error *error) {
    if (mg_config_origin(config, "output.directory")) return MG_OK;
    return name_directory(config, config->settings.file, suffix, error);
}

mg_status mg_config_load(const char *path, const char *const *sets, int count, mg_config **out,
                         mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_config *config = NULL;
    int sections;
    const mg_binding *all = mg_config_bindings(&sections);
    *out = NULL;
    mg_status status = mg_memory_zeroed(&config, 1, sizeof *config, error);
    if (status) return status;
    status = mg_settings_create(&config->settings, all, sections, config, error);
    if (!status && path) status = mg_settings_read_file(&config->settings, path, error);
    for (int i = 0; i < count && !status; i++)
        status = sets[i] ? mg_settings_set(&config->settings, sets[i], error)
                         : mg_fail(error, MG_USAGE, "sets[%d]: is NULL, but must be section.key=value", i);
    if (!status) status = mg_settings_check(&config->settings, error);
    if (!status && !config->output.directory) status = name_directory(config, path, "", error);
    if (status) mg_config_destroy(config);
    else *out = config;
    return status;
}

void mg_config_destroy(mg_config *config) {
    if (!config) return;
    mg_settings_destroy(&config->settings);
    mg_memory_free(config);
}

const char *mg_config_origin(const mg_config *config, const char *key) {
    return key ? mg_settings_origin(&config->settings, key) : NULL;
}

const char *mg_config_directory(const mg_config *config) { return config->output.directory; }

mg_status mg_config_print(const mg_config *config, FILE *file, mg_error *error) {
    MG_FLOAT_SCOPE;
    mg_writer writer = {0};
    mg_settings_write(&config->settings, &writer);
    return mg_writer_print(&writer, file, "the configuration", error);
}

mg_status mg_config_print_options(FILE *file, mg_error *error) {
    mg_writer writer = {0};
    int count;
    const mg_binding *all = mg_config_bindings(&count);
    mg_settings_write_reference(all, count, &writer);
    return mg_writer_print(&writer, file, "the configuration", error);
}

mg_status mg_config_canonical(const mg_config *config, char **text, mg_error *error) {
    mg_writer writer = {0};
    mg_settings_write_canonical(&config->settings, &writer);
    return mg_writer_take(&writer, text, error);
}

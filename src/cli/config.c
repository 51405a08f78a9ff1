// config.c - the command: a configuration with every option resolved.
#include "cli/cli.h"

#include <margin/config.h>

#include <stdio.h>

enum { KEY_SET = 's', KEY_REFERENCE = 256 };

typedef struct arguments {
    const char *config;
    mg_cli_sets sets;
    bool reference;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state) {
    arguments *all = state->input;
    switch (key) {
    case KEY_SET: mg_cli_add_set(state, &all->sets, value); return 0;
    case KEY_REFERENCE: all->reference = true; return 0;
    case ARGP_KEY_ARG:
        if (all->config) mg_cli_wrong(state, "only one CONFIG is allowed; this is a second one: %s", value);
        all->config = value;
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int mg_command_config(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"set", KEY_SET, "SECTION.KEY=VALUE", 0, "Set an option; overrides the file; may be repeated", 0},
        {"reference", KEY_REFERENCE, NULL, OPTION_HIDDEN, "Print docs/options.md", 0},
        {0},
    };
    static const struct argp argp = {
        options, parse_option, "[CONFIG]",
        "Prints a configuration as margin reads it: every option with its meaning, its allowed values and its value. "
        "The output is itself a configuration file. Without CONFIG it contains the defaults."
        "\vExample:\n  margin config > my.yaml\n  margin config configs/fashion_mnist.yaml --set train.epochs=5",
        NULL, NULL, NULL};
    arguments all = {0};
    mg_config *config = NULL;
    mg_error error = {0};
    if (mg_cli_parse(&argp, argc, argv, &all)) return 2;
    mg_cli_results();
    mg_status status = all.reference ? mg_config_print_options(stdout, &error)
                                     : mg_config_load(all.config, all.sets.text, all.sets.count, &config, &error);
    if (!status && config) status = mg_config_print(config, stdout, &error);
    mg_config_destroy(config);
    return status ? mg_cli_fail("config", &error) : 0;
}

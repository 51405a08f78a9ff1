// config.c - the command config: prints a configuration with the value of every option.
#include "cli/flags.h"

#include <margin/config.h>

#include <stdio.h>

enum { KEY_REFERENCE = 256 };

typedef struct arguments {
    bool reference;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state) {
    arguments *all = state->input;
    (void)value;
    if (key != KEY_REFERENCE) return ARGP_ERR_UNKNOWN;
    all->reference = true;
    return 0;
}

int mg_command_config(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"reference", KEY_REFERENCE, NULL, OPTION_HIDDEN, "Print docs/options.md", 0},
        {0},
    };
    static const struct argp argp = {
        options,
        parse_option,
        "[CONFIG]",
        "Prints a configuration as margin reads it: every option with its meaning, its allowed values and "
        "its value. The output is itself a configuration file. Without CONFIG it contains the defaults."
        "\vExample:\n"
        "  margin config > my.yaml\n"
        "  margin config configs/fashion_mnist.yaml --set train.epochs=5",
        NULL,
        NULL,
        NULL};
    mg_cli_flags flags = {0};
    arguments all = {0};
    mg_config *config = NULL;
    mg_error error = {0};
    if (mg_cli_parse_flags(&argp, MG_CLI_CONFIG | MG_CLI_SET, argc, argv, &all, &flags)) return 2;
    mg_cli_results();
    mg_status status = all.reference
                           ? mg_config_print_options(stdout, &error)
                           : mg_config_load(flags.config, flags.sets.text, flags.sets.count, &config, &error);
    if (!status && config) status = mg_config_print(config, stdout, &error);
    mg_config_destroy(config);
    return status ? mg_cli_fail("config", &error) : 0;
}

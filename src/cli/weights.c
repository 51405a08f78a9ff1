// weights.c - the command weights: the features that speak most for and against each class, as lists or
// images.
#include "cli/flags.h"

#include <margin/explain.h>

#include <inttypes.h>
#include <stdio.h>

enum { KEY_OUTPUT = 'o', KEY_TOP = 256, KEY_CLASS, KEY_IMAGE };
enum { MOST_TOP = 1000000, MOST_SIDE = 1 << 16 };

typedef struct arguments {
    mg_explain_request request;
    const char *directory;
    int64_t height, width; // 0: no images
} arguments;

static void parse_size(const char *value, arguments *all, struct argp_state *state) {
    int end = 0;
    bool good =
        sscanf(value, "%5" SCNd64 "x%5" SCNd64 "%n", &all->height, &all->width, &end) == 2 && !value[end];
    if (!good || all->height < 1 || all->width < 1 || all->height > MOST_SIDE || all->width > MOST_SIDE)
        mg_cli_wrong(state, "--image: %s is not allowed; give height and width, such as 28x28", value);
}

static error_t parse_option(int key, char *value, struct argp_state *state) {
    arguments *all = state->input;
    switch (key) {
    case KEY_TOP: all->request.top = mg_cli_int(state, "--top", value, 1, MOST_TOP); return 0;
    case KEY_CLASS: all->request.label = value; return 0;
    case KEY_IMAGE: parse_size(value, all, state); return 0;
    case KEY_OUTPUT: all->directory = value; return 0;
    case ARGP_KEY_ARG:
        if (all->request.model)
            mg_cli_wrong(state, "only one MODEL is allowed; remove the second one: %s", value);
        all->request.model = value;
        return 0;
    case ARGP_KEY_END:
        if (!all->request.model) argp_error(state, "MODEL is required");
        if (!all->height != !all->directory)
            argp_error(state, "--image and -o belong together: --image 28x28 -o DIR");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int mg_command_weights(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"top", KEY_TOP, "K", 0, "Number of features for, and against, each class (default 20)", 0},
        {"class", KEY_CLASS, "LABEL", 0, "Only the class with this label (margin info --classes lists them)",
         0},
        {"image", KEY_IMAGE, "HEIGHTxWIDTH", 0,
         "Write an image of the weights of each class instead, for features that are pixels: red speaks for "
         "the class, blue against it",
         0},
        {"output", KEY_OUTPUT, "DIR", 0,
         "Directory of the images (PNG); images of the same names are replaced", 0},
        {0},
    };
    static const struct argp argp = {
        options,
        parse_option,
        "MODEL",
        "Lists the features with the largest weights for and against each class, by name."
        "\vIf the model was trained with data.scale, its weights are those of scaled features, so they can "
        "be compared with each other. Features without names are x0, x1, ...\n\n"
        "Example:\n"
        "  margin weights runs/first/model.h5 --top 5 --class 'B cell'\n"
        "  margin weights runs/mnist/model.h5 --image 28x28 -o templates",
        NULL,
        NULL,
        NULL};
    arguments all = {.request.top = 20};
    mg_cli_flags flags = {0};
    mg_error error = {0};
    if (mg_cli_parse_flags(&argp, MG_CLI_JSON, argc, argv, &all, &flags)) return 2;
    all.request.json = flags.json;
    mg_cli_results();
    if (all.height) all.request.stop = mg_cli_catch_stops(); // no part of an image remains
    mg_status status =
        all.height ? mg_explain_draw(&all.request, all.height, all.width, all.directory, stdout, &error)
                   : mg_explain(&all.request, stdout, &error);
    if (status == MG_STOPPED) mg_cli_die_of_stop();
    return status ? mg_cli_fail("weights", &error) : 0;
}

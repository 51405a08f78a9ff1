// parse.c - parses the arguments of a command: help, misspelt options, values.
#include "cli/cli.h"
#include "cli/completion.h"
#include "cli/wrap.h"

#include <margin/nearest.h>
#include <margin/printable.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_USAGE = 8192 };

static error_t parse_help(int key, char *value, struct argp_state *state) {
    (void)value;
    if (key != 'h' && key != KEY_USAGE) return ARGP_ERR_UNKNOWN;
    unsigned what = key == 'h' ? ARGP_HELP_STD_HELP : ARGP_HELP_USAGE | ARGP_HELP_EXIT_OK;
    argp_state_help(state, state->out_stream, what);
    return 0;
}

static const struct argp help = {
    .options =
        (const struct argp_option[]){{"help", 'h', NULL, 0, "Print this help", -1},
                                     {NULL, '?', NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, -1},
                                     {"usage", KEY_USAGE, NULL, 0, "Print all options in short form", -1},
                                     {0}},
    .parser = parse_help,
};

// ---- misspelt options ---------------------------------------------------------------------------

static bool is_end(const struct argp_option *option) { return !option->name && !option->key && !option->doc; }

const struct argp_option *mg_cli_option(const struct argp *argp, int i) {
    const struct argp_option *tables[] = {argp->options, help.options};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct argp_option *o = tables[t]; o && !is_end(o); o++)
            if (i-- == 0) return o;
    return NULL;
}

// The i-th long option, from 0; NULL after the last.
static const struct argp_option *long_option(const struct argp *argp, int i) {
    const struct argp_option *option;
    for (int at = 0; (option = mg_cli_option(argp, at)); at++)
        if (option->name && i-- == 0) return option;
    return NULL;
}

static const char *long_name(int i, const void *context) {
    const struct argp_option *option = long_option(context, i);
    return option ? option->name : NULL;
}

// The first option whose name begins with these `length` characters, because options may be shortened.
static const struct argp_option *find_long(const struct argp *argp, const char *name, size_t length) {
    const struct argp_option *option;
    for (int i = 0; (option = long_option(argp, i)); i++)
        if (!strncmp(option->name, name, length)) return option;
    return NULL;
}

// True if a group of short options, such as -qs, ends with one that takes the next argument as its value.
static bool short_takes_next(const struct argp *argp, const char *letters) {
    for (; *letters; letters++)
        for (const struct argp_option *o = argp->options; o && !is_end(o); o++)
            if (o->key == *letters && o->arg) return !letters[1];
    return false;
}

// The first argument that looks like a long option but is none; NULL if there is none.
static const char *find_unknown(const struct argp *argp, int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        if (argv[i][0] != '-') continue;
        if (argv[i][1] != '-') {
            i += short_takes_next(argp, argv[i] + 1);
            continue;
        }
        size_t length = strcspn(argv[i] + 2, "=");
        const struct argp_option *option = find_long(argp, argv[i] + 2, length);
        if (!option) return argv[i] + 2;
        i += option->arg && !argv[i][2 + length];
    }
    return NULL;
}

static int refuse_unknown(const struct argp *argp, const char *unknown, char *name) {
    char brief[64];
    snprintf(brief, sizeof brief, "%.*s", (int)strcspn(unknown, "="), unknown);
    const char *nearest = mg_nearest_name(brief, long_name, argp);
    fprintf(stderr, "%s: unrecognized option '--", name);
    mg_cli_put(stderr, brief);
    fprintf(stderr, nearest ? "'; did you mean --%s?\n" : "'\n", nearest);
    argp_help(argp, stderr, ARGP_HELP_SEE, name);
    return 2;
}

// ---- parsing ------------------------------------------------------------------------------------

static void (*describe)(const struct argp *argp);

// glibc fills 79 columns whatever the width of the terminal.
static void shape_help(void) {
    char shape[128] = "no-dup-args-note";
    int columns = mg_cli_columns(stdout);
    if (columns && columns < 80)
        snprintf(shape, sizeof shape, "no-dup-args-note,rmargin=%d,opt-doc-col=%d,usage-indent=4",
                 columns < 30 ? 29 : columns - 1, columns < 60 ? 10 : 29);
    setenv("ARGP_HELP_FMT", shape, 0);
}

void mg_cli_describe(void (*see)(const struct argp *argp)) { describe = see; }

int mg_cli_parse(const struct argp *argp, int argc, char **argv, void *input) {
    static char name[64];
    if (describe) {
        describe(argp);
        return 2;
    }
    const struct argp_child children[] = {{&help, 0, NULL, 0}, {0}};
    struct argp whole = *argp;
    whole.children = children;
    snprintf(name, sizeof name, "margin %s", argv[0]);
    argv[0] = name;
    argp_err_exit_status = 2;
    const char *unknown = find_unknown(argp, argc, argv);
    if (unknown) return refuse_unknown(argp, unknown, name);
    shape_help();
    return argp_parse(&whole, argc, argv, ARGP_NO_HELP, NULL, input) ? 2 : 0;
}

void mg_cli_wrong(struct argp_state *state, const char *format, ...) {
    char raw[1024], text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    mg_printable(raw, text, sizeof text);
    argp_error(state, "%s", text);
}

int64_t mg_cli_int(struct argp_state *state, const char *option, const char *value, int64_t low,
                   int64_t high) {
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (end == value || *end || errno || number < low || number > high)
        mg_cli_wrong(state, "%s: %s is not allowed (%" PRId64 " to %" PRId64 ")", option, value, low, high);
    return number;
}

static const char *word_at(int i, const void *context) {
    const char *const *words = context;
    return words[i];
}

int mg_cli_choice(struct argp_state *state, const char *option, const char *value, const char *words) {
    char text[256], allowed[300] = "", hint[MG_NEAREST_TEXT], *rest = text;
    const char *word[MG_CLI_MOST_WORDS + 1] = {NULL};
    snprintf(text, sizeof text, "%s", words);
    for (int i = 0; i < MG_CLI_MOST_WORDS && (word[i] = strsep(&rest, "|")); i++) {
        if (!strcmp(word[i], value)) return i;
        snprintf(allowed + strlen(allowed), sizeof allowed - strlen(allowed), i ? ", %s" : "%s", word[i]);
    }
    mg_cli_wrong(state, "%s: %s is not allowed (%s)%s", option, value, allowed,
                 mg_nearest_hint(value, word_at, word, hint));
    return 0;
}

// completion.c - the command completion: prints a script that completes command lines of margin in a shell.
// It is made from the same tables as --help and docs/options.md.
#include "cli/completion.h"

#include <margin/config.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DESCRIPTION = 76 };
static const char shell_words[] = "bash|zsh|fish";

static bool is_shown(const struct argp_option *o) {
    return o->name && !(o->flags & (OPTION_HIDDEN | OPTION_ALIAS));
}

static char letter_of(const struct argp_option *o) {
    return o->key < 128 && isalnum(o->key) ? (char)o->key : 0;
}

// Options whose values are file names have an argument of such a name in their help.
static bool takes_file(const struct argp_option *o) {
    return o->arg && (strstr(o->arg, "FILE") || strstr(o->arg, "MODEL") || strstr(o->arg, ".h5"));
}

static bool takes_word(const struct argp_option *o) { return o->arg && strchr(o->arg, '|'); }

static bool takes_setting(const struct argp_option *o) {
    return o->arg && !strcmp(o->arg, "SECTION.KEY=VALUE");
}

// Prints words that are separated by one of `separators` as words that are separated by spaces.
static void put_words(const char *words, const char *separators) {
    for (const char *c = words; *c; c++) {
        if (!strchr(separators, *c)) putchar(*c);
        else if (c[1] != ' ') putchar(' ');
    }
}

// Prints the beginning of a help text inside single quotes, with a backslash before each of `special`.
static void put_description(const char *text, const char *special) {
    int length = (int)strcspn(text, ";(\n");
    const char *sentence = strstr(text, ". ");
    if (sentence && sentence - text < length) length = (int)(sentence - text);
    if (length > DESCRIPTION)
        for (length = DESCRIPTION; length > 0 && text[length] != ' '; length--) {
        }
    while (length > 0 && strchr(" .,:", text[length - 1])) length--;
    for (int i = 0; i < length; i++) {
        if (strchr(special, text[i])) putchar('\\');
        putchar(text[i] == '\'' ? '`' : text[i]);
    }
}

// Calls `see` for the options of every command, in order.
static void each_command(void (*see)(const struct argp *argp), void (*begin)(const mg_command *command),
                         const char *end) {
    for (int i = 0; mg_cli_command(i); i++) {
        char *arguments[] = {(char *)(uintptr_t)mg_cli_command(i)->name, NULL};
        begin(mg_cli_command(i));
        mg_cli_describe(see);
        mg_cli_command(i)->run(1, arguments);
        mg_cli_describe(NULL);
        fputs(end, stdout);
    }
}

// ---- options of configurations ------------------------------------------------------------------

// Calls `see` for each row "| `section.key` | type | default | allowed | ..." of docs/options.md.
static mg_status each_key(void (*see)(const char *key, const char *allowed), mg_error *error) {
    char *text = NULL, *rest, *line;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    if (!memory) {
        *error = (mg_error){.status = MG_MEMORY, .text = "out of memory"};
        return MG_MEMORY;
    }
    mg_status status = mg_config_print_options(memory, error);
    fclose(memory);
    for (rest = text; !status && (line = strsep(&rest, "\n"));) {
        char key[64], type[32], preset[64], allowed[512] = "";
        if (sscanf(line, "| `%63[^`]` | %31[^|]| %63[^|]| %511[^|]", key, type, preset, allowed) != 4)
            continue;
        bool name = !strcmp(type, "name "), truth = !strncmp(type, "true", 4);
        see(key, name ? allowed : truth ? "true, false" : "");
    }
    free(text);
    return status;
}

static void put_key(const char *key, const char *allowed) {
    (void)allowed;
    printf(" %s", key);
}

static void put_values(const char *key, const char *allowed) {
    if (!*allowed) return;
    printf("    %s) echo '", key);
    put_words(allowed, ", ");
    printf("' ;;\n");
}

// Prints the functions that bash and zsh share: the keys, and the values of a key.
static mg_status put_settings(mg_error *error) {
    printf("_margin_keys='");
    mg_status status = each_key(put_key, error);
    printf("'\n\n_margin_values() {\n    case $1 in\n");
    if (!status) status = each_key(put_values, error);
    printf("    esac\n}\n\n");
    return status;
}

// ---- bash ---------------------------------------------------------------------------------------

static void put_commands(void) {
    for (int i = 0; mg_cli_command(i); i++) printf(" %s", mg_cli_command(i)->name);
}

static void bash_begin(const mg_command *command) {
    printf("    %s)", command->name);
    if (!strcmp(command->name, "completion")) printf(" words='"), put_words(shell_words, "|"), printf("'");
    printf(" options='");
}

static void bash_options(const struct argp *argp) {
    const struct argp_option *o;
    for (int i = 0; (o = mg_cli_option(argp, i)); i++)
        if (is_shown(o)) printf(" --%s", o->name);
    printf("'\n        case $before in\n");
    for (int i = 0; (o = mg_cli_option(argp, i)); i++) {
        if (!is_shown(o) || !o->arg || takes_file(o) || takes_setting(o)) continue;
        printf("        --%s", o->name);
        if (letter_of(o)) printf("|-%c", letter_of(o));
        printf(") words='");
        if (takes_word(o)) put_words(o->arg, "|");
        printf("' value=1 ;;\n");
    }
    printf("        esac\n");
}

static mg_status put_bash(mg_error *error) {
    printf("# margin completion bash\n\n");
    mg_status status = put_settings(error);
    printf("_margin() {\n"
           "    local line=${COMP_LINE:0:COMP_POINT} options= words= value=\n"
           "    local word=${line##* } before=${line%% *}\n"
           "    local command=${COMP_WORDS[1]}\n"
           "    before=${before##* }\n"
           "    COMPREPLY=()\n"
           "    if [ \"$COMP_CWORD\" = 1 ] || { [ \"$COMP_CWORD\" = 2 ] && [ \"$command\" = help ]; }; then\n"
           "        COMPREPLY=($(compgen -W 'help --help --version");
    put_commands();
    printf("' -- \"$word\"))\n        return\n    fi\n    case $command in\n");
    each_command(bash_options, bash_begin, "        ;;\n");
    printf(
        "    esac\n"
        "    case $word in\n"
        "    --set=*) before=--set word=${word#--set=} ;;\n"
        "    --*=*) return ;;\n"
        "    esac\n"
        "    if [ \"$before\" = --set ] || [ \"$before\" = -s ]; then\n"
        "        case $word in\n"
        "        *=*) COMPREPLY=($(compgen -W \"$(_margin_values \"${word%%%%=*}\")\" -- \"${word#*=}\")) "
        ";;\n"
        "        *) COMPREPLY=($(compgen -S = -W \"$_margin_keys\" -- \"$word\")); compopt -o nospace "
        "2>/dev/null ;;\n"
        "        esac\n"
        "    elif [ -n \"$value\" ]; then COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
        "    elif [ \"${word#-}\" != \"$word\" ]; then COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
        "    elif [ -n \"$words\" ]; then COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
        "    else compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- \"$word\"))\n"
        "    fi\n"
        "}\n"
        "complete -F _margin margin\n");
    return status;
}

// ---- zsh ----------------------------------------------------------------------------------------

static const char *current; // name of the command whose options are printed

static void zsh_begin(const mg_command *command) {
    current = command->name;
    printf("    %s) _arguments", command->name);
}

static void zsh_options(const struct argp *argp) {
    const struct argp_option *o;
    for (int i = 0; (o = mg_cli_option(argp, i)); i++) {
        if (!is_shown(o)) continue;
        const char *repeated = takes_setting(o) ? "*" : "", *equals = o->arg ? "=" : "";
        if (letter_of(o))
            printf(" \\\n        '%s'{-%c%s,--%s%s}", repeated, letter_of(o), o->arg ? "+" : "", o->name,
                   equals);
        else printf(" \\\n        '%s--%s%s'", repeated, o->name, equals);
        printf("'[");
        if (o->doc) put_description(o->doc, "[]:");
        printf("]");
        if (takes_setting(o)) printf(":option:_margin_set");
        else if (takes_file(o)) printf(":file:_files");
        else if (takes_word(o)) printf(":word:("), put_words(o->arg, "|"), printf(")");
        else if (o->arg) printf(":value:");
        printf("'");
    }
    if (strcmp(current, "completion")) printf(" \\\n        '*:file:_files'");
    else printf(" \\\n        ':shell:("), put_words(shell_words, "|"), printf(")'");
}

static mg_status put_zsh(mg_error *error) {
    printf("#compdef margin\n# margin completion zsh\n\n");
    mg_status status = put_settings(error);
    printf("_margin_set() {\n"
           "    if compset -P '*='; then compadd -- ${=$(_margin_values ${IPREFIX%%=})}\n"
           "    else compadd -S = -- ${=_margin_keys}\n"
           "    fi\n"
           "}\n\n"
           "_margin() {\n    local -a commands=(\n");
    for (int i = 0; mg_cli_command(i); i++) {
        printf("        '%s:", mg_cli_command(i)->name);
        put_description(mg_cli_command(i)->summary, ":");
        printf("'\n");
    }
    printf("        'help:options of a command'\n    )\n"
           "    if (( CURRENT == 2 )) || [[ $CURRENT == 3 && $words[2] == help ]]; then\n"
           "        _describe command commands\n        return\n    fi\n"
           "    local command=$words[2]\n    shift words\n    (( CURRENT-- ))\n    case $command in\n");
    each_command(zsh_options, zsh_begin, "\n        ;;\n");
    printf("    esac\n}\n\n_margin \"$@\"\n");
    return status;
}

// ---- fish ---------------------------------------------------------------------------------------

static void fish_begin(const mg_command *command) {
    current = command->name;
    printf("complete -c margin -n __fish_use_subcommand -f -a %s -d '", command->name);
    put_description(command->summary, "");
    printf("'\n");
    if (strcmp(current, "completion")) return;
    printf("complete -c margin -n '__fish_seen_subcommand_from completion' -f -a '");
    put_words(shell_words, "|");
    printf("'\n");
}

static void fish_options(const struct argp *argp) {
    const struct argp_option *o;
    for (int i = 0; (o = mg_cli_option(argp, i)); i++) {
        if (!is_shown(o)) continue;
        printf("complete -c margin -n '__fish_seen_subcommand_from %s' -l %s", current, o->name);
        if (letter_of(o)) printf(" -s %c", letter_of(o));
        if (takes_setting(o)) printf(" -x -a '(__margin_settings)'");
        else if (takes_file(o)) printf(" -r");
        else if (takes_word(o)) printf(" -x -a '"), put_words(o->arg, "|"), printf("'");
        else if (o->arg) printf(" -x");
        printf(" -d '");
        if (o->doc) put_description(o->doc, "");
        printf("'\n");
    }
}

static void fish_setting(const char *key, const char *allowed) {
    char copy[512], *rest = copy, *word;
    printf("    echo %s=\n", key);
    snprintf(copy, sizeof copy, "%s", allowed);
    while ((word = strsep(&rest, ", ")))
        if (*word) printf("    echo %s=%s\n", key, word);
}

static mg_status put_fish(mg_error *error) {
    printf("# margin completion fish\n\nfunction __margin_settings\n");
    mg_status status = each_key(fish_setting, error);
    printf("end\n\ncomplete -c margin -n __fish_use_subcommand -f -a help -d 'options of a command'\n");
    each_command(fish_options, fish_begin, "");
    return status;
}

// ---- the command --------------------------------------------------------------------------------

static error_t parse_option(int key, char *value, struct argp_state *state) {
    int *shell = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (*shell >= 0) mg_cli_wrong(state, "only one SHELL is allowed; remove the second one: %s", value);
        *shell = mg_cli_choice(state, "SHELL", value, shell_words);
        return 0;
    case ARGP_KEY_END:
        if (*shell < 0) argp_error(state, "SHELL is required: bash, zsh or fish");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int mg_command_completion(int argc, char **argv) {
    static mg_status (*const shells[])(mg_error * error) = {put_bash, put_zsh, put_fish};
    static const struct argp argp = {
        NULL,
        parse_option,
        "SHELL",
        "Prints a script that completes commands, options and values of margin with "
        "the tabulator key, for bash, zsh or fish. `cmake --install` installs it."
        "\vExample:\n"
        "  margin completion bash > ~/.local/share/bash-completion/completions/margin",
        NULL,
        NULL,
        NULL};
    int shell = -1;
    mg_error error = {0};
    if (mg_cli_parse(&argp, argc, argv, &shell)) return 2;
    mg_cli_results();
    return shells[shell](&error) ? mg_cli_fail("completion", &error) : 0;
}

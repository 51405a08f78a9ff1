// words.c - replaces the flags of the command line in messages. All other folders write messages in the words
// of the command line; this is the only table of the words of the library.
#include "api/words.h"

#include "base/status.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static const struct word {
    const char *flag, *word;
} words[] = {
    {"--resume", "resume"}, {"--overwrite", "overwrite"},
    {"--init", "start"},    {"margin cv --lambda 1e-4:1:10", "a cross-validation of lambda 1e-4:1:10"},
    {"--lambda", "lambda"}, {"--C", "C"},
    {"--folds", "folds"},   {"set output.directory", "give another directory"},
};

// Returns the entry of a flag at text[i]; NULL if there is none. A flag that is a part of a word, such as a
// path, does not count.
static const struct word *flag_at(const char *text, size_t i) {
    if (i > 0 && text[i - 1] != ' ' && text[i - 1] != '(') return NULL;
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        size_t length = strlen(words[w].flag);
        if (strncmp(text + i, words[w].flag, length)) continue;
        unsigned char next = (unsigned char)text[i + length];
        if (!isalnum(next) && next < 0x80 && !strchr("-_./", next)) return &words[w];
        if (!next) return &words[w];
    }
    return NULL;
}

static void replace(const char *text, char *out, size_t size) {
    size_t used = 0;
    for (size_t i = 0; text[i];) {
        const struct word *found = flag_at(text, i);
        size_t length = found ? strlen(found->word) : 1;
        if (used + length >= size) break;
        memcpy(out + used, found ? found->word : text + i, length);
        used += length;
        i += found ? strlen(found->flag) : 1;
    }
    out[used] = 0;
}

static void pass_plan(void *context, const mg_plan *plan) {
    const mg_observer *program = ((const mg_words *)context)->program;
    program->plan(program->context, plan);
}

static void pass_progress(void *context, const mg_progress *progress) {
    const mg_observer *program = ((const mg_words *)context)->program;
    program->progress(program->context, progress);
}

static void pass_message(void *context, const char *line) {
    const mg_observer *program = ((const mg_words *)context)->program;
    char text[2 * sizeof(mg_error)];
    replace(line, text, sizeof text);
    program->message(program->context, text);
}

static bool pass_stop(void *context, int64_t step) {
    const mg_observer *program = ((const mg_words *)context)->program;
    return program->stop(program->context, step);
}

const mg_observer *mg_words_observer(mg_words *all, const mg_observer *program) {
    if (!program) return NULL;
    *all = (mg_words){.observer = {.context = all,
                                   .plan = program->plan ? pass_plan : NULL,
                                   .progress = program->progress ? pass_progress : NULL,
                                   .message = program->message ? pass_message : NULL,
                                   .stop = program->stop ? pass_stop : NULL},
                      .program = program};
    return &all->observer;
}

mg_status mg_words_need(const void *argument, const char *name, const char *what, mg_error *error) {
    return argument ? MG_OK : mg_fail(error, MG_USAGE, "%s: is NULL, but must be %s", name, what);
}

mg_status mg_words_status(mg_status status, mg_error *error) {
    char text[sizeof error->text + 256];
    if (!status || !error) return status;
    replace(error->text, text, sizeof text);
    return mg_fail(error, status, "%s", text);
}

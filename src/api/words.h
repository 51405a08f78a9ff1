// words.h - messages of runs with the arrays of a program name the arguments of the library, such as resume,
// where the command line has a flag, such as --resume.
#ifndef MG_API_WORDS_H
#define MG_API_WORDS_H

#include <margin/status.h>
#include <margin/trainer.h>

// An observer that gives everything to the observer of the program, with messages in these words.
typedef struct mg_words {
    mg_observer observer;
    const mg_observer *program;
} mg_words;

// Returns that observer, which is valid as long as *words and `program`. Returns NULL if `program` is NULL.
const mg_observer *mg_words_observer(mg_words *words, const mg_observer *program);

// Refuses a NULL that a program passed. `name` is that of the argument; `what` says what it must be.
mg_status mg_words_need(const void *argument, const char *name, const char *what, mg_error *error);

// Changes the text of *error (may be NULL), if there is one, to these words. Returns `status`.
mg_status mg_words_status(mg_status status, mg_error *error);

#endif

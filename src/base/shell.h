// shell.h - words of commands in messages.
#ifndef MG_BASE_SHELL_H
#define MG_BASE_SHELL_H

#include <stddef.h>

enum { MG_SHELL_WORD = 400 }; // room for a path in a message

// Writes `text` as a shell reads it: in quotes, unless it is plain. Returns `otherwise` if it does not fit.
const char *mg_shell_word(const char *text, const char *otherwise, char *out, size_t size);

#endif

// wrap.h - text for people: on a terminal that is too narrow for a line, it goes on in further, indented
// lines.
#ifndef MG_CLI_WRAP_H
#define MG_CLI_WRAP_H

#include <stdio.h>

// Columns of the terminal; 0 if the file is no terminal.
int mg_cli_columns(FILE *file);

typedef struct mg_cli_page {
    FILE *text; // the caller writes here
    FILE *out;
    char *bytes;
    size_t size;
} mg_cli_page;

// Begins lines for `out`. If memory runs out, they are written as they are.
void mg_cli_page_open(mg_cli_page *page, FILE *out);

// Writes the lines to `out`. What goes on in a further line begins in column `indent`.
void mg_cli_page_close(mg_cli_page *page, int indent);

#endif

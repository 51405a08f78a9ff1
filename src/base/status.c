// status.c - owns the list of codes and the one place that formats an error text.
#include "base/status.h"

#include <margin/printable.h>
#include <stdarg.h>
#include <stdio.h>

int mg_status_exit(mg_status status) {
    static const int exits[] = {
#define MG_STATUS_EXIT(code, exit_status, meaning) exit_status,
        MG_STATUS_LIST(MG_STATUS_EXIT)
#undef MG_STATUS_EXIT
    };
    return exits[status];
}

const char *mg_status_text(mg_status status) {
    static const char *const texts[] = {
#define MG_STATUS_TEXT(code, exit_status, meaning) meaning,
        MG_STATUS_LIST(MG_STATUS_TEXT)
#undef MG_STATUS_TEXT
    };
    return texts[status];
}

mg_status mg_fail(mg_error *error, mg_status status, const char *format, ...) {
    if (!error) return status;
    error->status = status;
    va_list arguments;
    va_start(arguments, format);
    char raw[sizeof error->text];
    vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    mg_printable(raw, error->text, sizeof error->text); // a value quoted from a file may hold anything; this is one printable line
    return status;
}

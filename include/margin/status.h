/* status.h - the result of a call: a status code and, after a failure, one line of text. */
#ifndef MARGIN_STATUS_H
#define MARGIN_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* X(code, exit status of the command, meaning) */
#define MG_STATUS_LIST(X)                                                                                    \
    X(MG_OK, 0, "done")                                                                                      \
    X(MG_FAILED, 1, "failed")                                                                                \
    X(MG_MEMORY, 1, "out of memory")                                                                         \
    X(MG_USAGE, 2, "wrong use")                                                                              \
    X(MG_CONFIG, 2, "bad configuration")                                                                     \
    X(MG_DATA, 3, "bad data, model or checkpoint file")                                                      \
    X(MG_IO, 3, "file cannot be read or written")                                                            \
    X(MG_NONFINITE, 4, "the loss or the weights became infinite or NaN")                                     \
    X(MG_STOPPED, 75, "stopped by a signal, resumable")

typedef enum mg_status {
#define MG_STATUS_CODE(code, exit_status, meaning) code,
    MG_STATUS_LIST(MG_STATUS_CODE)
#undef MG_STATUS_CODE
} mg_status;

/*
 * Filled by a call that fails. `text` is one line of UTF-8, ending with a zero and without a newline: what is
 * wrong, where (file:line or dataset[index]), the value, what is allowed, and what to do.
 */
typedef struct mg_error {
    mg_status status;
    char text[1024];
} mg_error;

/* Size in bytes of a path in a result: enough for the longest directory that the system allows and a file
 * name in it. */
enum { MG_PATH_TEXT = 4352 };

/* Receives warnings of a call that goes on, such as fewer threads than requested. `line` has no newline and
 * is valid during the call of `message` only. `message` may be NULL. */
typedef struct mg_notices {
    void (*message)(void *context, const char *line);
    void *context;
} mg_notices;

/* The exit status of a command that ends with `status`; of another number, 1. */
int mg_status_exit(mg_status status);

/* The meaning of `status` in a few words; never NULL. The text is a constant. */
const char *mg_status_text(mg_status status);

#ifdef __cplusplus
}
#endif
#endif

// support.h - functions that tests of whole runs share: a temporary directory, small data files of every
// layout, runs in this process, comparison of files.
#ifndef MG_TEST_SUPPORT_H
#define MG_TEST_SUPPORT_H

#include <margin/config.h>
#include <margin/trainer.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// True if MARGIN_FEW is set, as in builds with a sanitizer and under emulators, which are slow: a test that
// tries many similar cases then tries fewer, but some of each kind.
bool support_few(void);

// ---- files --------------------------------------------------------------------------------------

// Fixtures for cmocka: create a directory for the test program; remove it with everything in it.
int support_begin(void **unused);
int support_end(void **unused);

// Returns a path in that directory, valid until the end of the program.
const char *support_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

bool support_exists(const char *path);
// removes a file, or a directory with everything in it; it may be missing
void support_remove(const char *path);
// The number of entries whose names end with `ending`; "": of all.
int support_count(const char *directory, const char *ending);

// Reads the whole file and adds a zero byte. Fails the test if the file is missing. The caller frees the
// bytes.
unsigned char *support_read(const char *path, size_t *size);
void support_write(const char *path, const void *bytes, size_t size);
void support_copy(const char *from, const char *to);
void support_copy_tree(const char *from, const char *to); // copies a directory with everything in it
bool support_same(const char *a, const char *b);
void support_expect_same(const char *a, const char *b,
                         const char *what); // fails the test at the first byte that differs

// Finishes an HDF5 image, and writes it with a seal to `path`. Fails the test if that fails.
struct mg_h5_image;
void support_write_image(struct mg_h5_image *image, const char *path);

// ---- data ---------------------------------------------------------------------------------------

enum { SUPPORT_U8, SUPPORT_F32, SUPPORT_CSR, SUPPORT_FORMS };
typedef int support_form; // one of these; an int, so that loops can count
extern const char *const support_form_names[SUPPORT_FORMS];

// Rows in memory. Values are whole numbers from 0 to 255; half of them are 0. Every third feature is rare, so
// that some minibatches do not contain it. Labels are 0..classes-1, of which one in eight is wrong.
typedef struct support_rows {
    int64_t rows, features, classes;
    float *x;       // [rows][features]
    int64_t *y;     // [rows]
    double *weight; // [rows]; NULL: no weights are written
    int64_t labels; // number of labels to write: `rows`, unless a test sets another number
    bool twice;     // dense: also write the same rows as X2 and y2
} support_rows;

support_rows support_make(int64_t rows, int64_t features, int64_t classes, uint64_t seed);
void support_free(support_rows *data);

// `count` rows of another set: those in `pick`, in this order.
support_rows support_pick(const support_rows *from, const int64_t *pick, int64_t count);

// Writes X, y, and the weights as "w". X has the values unchanged (u8) or divided by 7 (f32; CSR, without its
// zeros).
void support_save(const support_rows *data, support_form form, const char *path);

// support_make, then support_save.
void support_data(const char *path, support_form form, int64_t rows, int64_t features, int64_t classes,
                  uint64_t seed);

// ---- runs ---------------------------------------------------------------------------------------

typedef struct support_run {
    char sets[64][400];
    int count;
    bool resume, overwrite;
    const char *init;
    int64_t stop_after; // stop after this step; 0: never
    // Set by support_train:
    mg_status status;
    mg_error error;
    mg_train_result result;
    mg_plan plan;        // its texts are not valid after the run
    char messages[8192]; // all messages, one per line
    int64_t steps;       // number of steps taken by this process
} support_run;

// A run with `data` in `directory`. It sets a learning rate, so that none is searched for, and all options of
// the solvers, because their defaults may change.
support_run support_new(const char *data, const char *directory);
void support_set(support_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

mg_status support_train(support_run *run);

// For runs that mg_train does not start. support_configure returns the configuration, and an observer that
// fills *run; NULL after a failure, with run->status set. support_ended takes the status of the call, and
// checks it against run->error.
mg_config *support_configure(support_run *run, mg_observer *observer);
mg_status support_ended(support_run *run, mg_status status);

// Trains. Fails the test if the status is another one.
void support_expect(support_run *run, mg_status status);

// Returns those lines of a file for which `wanted` is true (NULL: all), without fields that depend on the
// clock. The caller frees the text.
char *support_lines(const char *path, bool (*wanted)(const char *line));

// Returns the epoch and eval lines of metrics.jsonl, without fields that depend on the clock.
char *support_metrics(const char *directory);

// The path of the newest checkpoint of a run. Fails the test if there is none.
const char *support_newest(const char *directory);

// Fails the test unless the two runs have equal model.h5, newest checkpoint and metrics.
void support_expect_same_runs(const char *a, const char *b, const char *what);

// `whole` is the directory of this run. Trains it again in `pieces`: stops it after step `at` and resumes it
// with two threads. Fails the test unless both directories are equal; then removes `pieces`.
void support_expect_resumes(const support_run *run, const char *whole, const char *pieces, int64_t at,
                            const char *what);

#endif

// support.h - what tests of whole runs share: a directory that goes away, small data files of every layout,
// runs in this process, files compared.
#ifndef MG_TEST_SUPPORT_H
#define MG_TEST_SUPPORT_H

#include <margin/config.h>
#include <margin/trainer.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- files --------------------------------------------------------------------------------------

// cmocka fixtures: a directory of the program's own, removed with all that is in it.
int support_begin(void **unused);
int support_end(void **unused);

// A path in that directory; good until the end.
const char *support_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

bool support_exists(const char *path);
void support_remove(const char *path); // a file or a directory with all that is in it; it need not be there
int support_count(const char *directory, const char *ending); // entries whose name ends so; "": all

// The whole file with a zero byte after it; fails the test when there is none. The caller frees it.
unsigned char *support_read(const char *path, size_t *size);
void support_write(const char *path, const void *bytes, size_t size);
void support_copy(const char *from, const char *to);
bool support_same(const char *a, const char *b);
void support_expect_same(const char *a, const char *b,
                         const char *what); // fails the test with the first byte that differs

// ---- data ---------------------------------------------------------------------------------------

enum { SUPPORT_U8, SUPPORT_F32, SUPPORT_CSR, SUPPORT_FORMS };
typedef int support_form; // one of these, an int for loops over them
extern const char *const support_form_names[SUPPORT_FORMS];

// Rows in memory: whole numbers from 0 to 255, half of them 0 and every third feature rare, so that batches
// leave features untouched; labels 0..classes-1, one in eight of them wrong.
typedef struct support_rows {
    int64_t rows, features, classes;
    float *x;       // [rows][features]
    int64_t *y;     // [rows]
    double *weight; // [rows] or NULL: none is written
    int64_t labels; // entries of y that are written: rows, unless a test wants another length
    bool twice;     // dense: write the same again as X2 and y2
} support_rows;

support_rows support_make(int64_t rows, int64_t features, int64_t classes, uint64_t seed);
void support_free(support_rows *data);

// Rows `pick` of another set, count of them, in that order.
support_rows support_pick(const support_rows *from, const int64_t *pick, int64_t count);

// X as it is (u8) or divided by 7 (f32, CSR without its zeros), y, and weights as "w".
void support_save(const support_rows *data, support_form form, const char *path);

// support_make and support_save.
void support_data(const char *path, support_form form, int64_t rows, int64_t features, int64_t classes,
                  uint64_t seed);

// ---- runs ---------------------------------------------------------------------------------------

typedef struct support_run {
    char sets[64][400];
    int count;
    bool resume, overwrite;
    const char *init;
    int64_t stop_after; // this step; 0: never
    // filled by support_train
    mg_status status;
    mg_error error;
    mg_train_result result;
    mg_plan plan;        // texts are not to be looked at after the run
    char messages[8192]; // one line each
    int64_t steps;       // taken by this process
} support_run;

// A run of `data` into `directory`. Its learning rate need not be searched for, and no default of the solver
// is left open, as they may change.
support_run support_new(const char *data, const char *directory);
void support_set(support_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

mg_status support_train(support_run *run);

// The same for what is started otherwise than by mg_train: the configuration and an observer that fills the
// run (NULL with run->status when there is none), and the status it ended with, checked against run->error.
mg_config *support_configure(support_run *run, mg_observer *observer);
mg_status support_ended(support_run *run, mg_status status);

void support_expect(support_run *run, mg_status status); // trains; fails the test when it ends otherwise

// The lines of a file that are wanted (NULL: all), without what depends on the clock. The caller frees it.
char *support_lines(const char *path, bool (*wanted)(const char *line));

// Epoch and eval lines of metrics.jsonl, in the same way.
char *support_metrics(const char *directory);

// Path of the newest checkpoint of a run. Fails the test when there is none.
const char *support_newest(const char *directory);

// model.h5, newest checkpoint and metrics of two runs are the same.
void support_expect_same_runs(const char *a, const char *b, const char *what);

#endif

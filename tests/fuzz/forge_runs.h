// forge_runs.h - the files that forge.c changes: checkpoints and models of real runs.
#ifndef MG_TEST_FUZZ_FORGE_RUNS_H
#define MG_TEST_FUZZ_FORGE_RUNS_H

#include <margin/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KINDS = 11, FORGE_ROWS = 48, MOST_FIELDS = 64 };

// Models: of the first two runs, of a table with names of features and data.clip, and of texts.
enum { OF_TABLE = 2, OF_TEXTS, MODELS };

typedef struct image {
    unsigned char *bytes;
    size_t size;
    char field[MOST_FIELDS][80];
    int count;
} image;

extern char root[64]; // a directory
extern image checkpoints[KINDS], models[MODELS], metrics[KINDS];
extern image begun, warm;      // begun.h5 of the first kind of run; of one with --init
extern const char *init_model; // --init of the next run; NULL: weights of zero

// Makes all files; does nothing after the first call.
void prepare(void);

// Trains a run of that kind for some steps.
mg_status run(int kind, bool resume, int64_t steps, mg_error *error);
bool uses_newton(int kind);

void put_file(const char *path, const unsigned char *bytes, size_t size);

// Goes through the checkpoints of the directory of a run. If `newest` is not NULL, copies the newest path to
// it; otherwise deletes all of them.
void look_through(int kind, char *newest);

#endif

// run_memory.c - computes the memory that a run needs.
#include "train/run_memory.h"

#include "base/arithmetic.h"
#include "base/memory.h"
#include "base/number.h"

#include <stdio.h>

enum { WINDOWS = 2, SPARE = 1 << 20 };

void mg_run_memory_begin(mg_run_memory *memory) {
    *memory = (mg_run_memory){.room = mg_memory_room(), .begun = mg_memory_own()};
    mg_memory_defer(true);
}

void mg_run_memory_state(mg_run_memory *memory) { memory->state = mg_memory_own() - memory->begun; }

void mg_run_memory_windows(mg_run_memory *memory) {
    memory->windows = mg_memory_own() - memory->begun - memory->state;
}

static double bytes_of_rows(const mg_dataset *data, int64_t rows) {
    double share = (double)rows / (double)data->all.count; // a rank may have no rows
    return mg_store_bytes(data->layout, data->cell, data->features, rows,
                          (int64_t)(share * (double)data->all.stored));
}

static double bytes_of_windows(const mg_dataset *data, int64_t batch) {
    return WINDOWS * bytes_of_rows(data, mg_min(mg_max(data->window_rows, batch), data->count));
}

// Memory of an evaluation: scratch memory and, if the rows are streamed, windows. Only one data set is
// evaluated at a time.
static double bytes_of_evaluation(const mg_run *run, bool streamed) {
    const mg_dataset *sets[] = {run->setup.train, run->setup.validation, run->test};
    double most = 0;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (!sets[i]) continue;
        double bytes = mg_evaluate_scratch(sets[i], run->setup.train->layout, run->setup.problem.classes);
        if (!sets[i]->resident || streamed) bytes += bytes_of_windows(sets[i], MG_EVALUATE_BATCH);
        most = mg_max_real(most, bytes);
    }
    return most;
}

// Memory of the model at the end: its weights and names, and the image of the file.
static double bytes_of_model(const mg_run *run) {
    const mg_problem *problem = &run->setup.problem;
    const mg_names *names = &run->setup.train->columns.names;
    // a program gets the weights of all features
    int64_t features = run->options->memory ? mg_dataset_width(run->setup.train) : problem->features;
    double weights = sizeof(float) * (double)problem->classes * ((double)features + 1),
           text = (double)names->count * (double)mg_names_width(names);
    return 2 * weights + mg_names_bytes(names) + 2 * text;
}

// The value of data.memory_limit with which rows are streamed and everything else fits; 0 if there is none.
static int64_t limit_that_helps(const mg_run_memory *memory, const mg_run *run, double need) {
    const mg_dataset *data = run->setup.train;
    double rows = bytes_of_rows(data, data->count),
           windows = 1.1 * bytes_of_windows(data, run->setup.problem.batch) + SPARE;
    if (!data->resident || run->solver->whole || windows >= rows) return 0;
    need += windows + bytes_of_evaluation(run, true) - bytes_of_evaluation(run, false) + SPARE;
    return need <= (double)memory->room + rows ? (int64_t)windows : 0;
}

static mg_status refuse(const mg_run_memory *memory, const mg_run *run, double need, mg_error *error) {
    char text[7][32], advice[128];
    double snapshot = 0.5 * run->fields.bytes, model = bytes_of_model(run);
    const mg_dataset *data = run->setup.train;
    int64_t limit = limit_that_helps(memory, run, need);
    if (limit)
        snprintf(advice, sizeof advice, "set data.memory_limit to %lld, which streams the rows",
                 (long long)limit);
    else if (!data->resident && 2 * (double)memory->windows > need)
        snprintf(advice, sizeof advice, "lower data.window or train.batch");
    else snprintf(advice, sizeof advice, "give it more memory, or train on fewer features or classes");
    return mg_fail(error, MG_MEMORY,
                   "out of memory: besides its rows (%s) the run needs %s: state %s, its snapshot %s, a "
                   "checkpoint or the model being written %s, evaluation and "
                   "windows of rows %s; %s are available: %s",
                   data->resident ? mg_print_bytes(bytes_of_rows(data, data->count), text[0]) : "streamed",
                   mg_print_bytes(need, text[1]), mg_print_bytes((double)memory->state, text[2]),
                   mg_print_bytes(snapshot, text[3]),
                   mg_print_bytes(model > snapshot ? model : snapshot, text[5]),
                   mg_print_bytes((double)memory->windows + bytes_of_evaluation(run, false), text[4]),
                   mg_print_bytes(memory->room > 0 ? (double)memory->room : 0, text[6]), advice);
}

// What is allocated during the run: for an evaluation, and for a checkpoint or the model being written.
static double bytes_to_come(const mg_run *run) {
    // fields.bytes counts each field and its snapshot, and the image of a checkpoint is as large as a
    // snapshot.
    double model = bytes_of_model(run), image = run->fields.bytes / 2;
    return bytes_of_evaluation(run, false) + image + (model > image ? model : image);
}

double mg_run_memory_need(const mg_run *run) { return (double)mg_memory_own() + bytes_to_come(run); }

mg_status mg_run_memory_check(const mg_run_memory *memory, const mg_run *run, mg_status status,
                              mg_error *error) {
    mg_memory_defer(false);
    if (status) return status;
    double need = (double)memory->state + (double)memory->windows + bytes_to_come(run);
    return need > (double)memory->room ? refuse(memory, run, need, error) : MG_OK;
}

// checkpoint.c - owns the thread that writes checkpoints, the choice of those that are kept, and the search
// for the newest intact one.
#include "train/checkpoint.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/order.h"
#include "base/thread.h"
#include "train/checkpoint_file.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mg_checkpointer {
    const mg_directory *directory;
    int64_t keep;
    mg_identity identity;
    char *config;
    mg_field live[MG_CHECKPOINT_FIELDS], snapshot[MG_CHECKPOINT_FIELDS];
    mg_field given[MG_CHECKPOINT_FIELDS]; // what is written: snapshots, or fields of the state itself if it
                                          // does not change meanwhile
    size_t room[MG_CHECKPOINT_FIELDS];    // allocated bytes of the snapshots of packed fields
    int count;
    mg_position position; // position that belongs to `given`
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool busy, quit; // this and all fields below are protected by the lock
    bool news;
    mg_error failure; // result of the last write; status MG_OK if it succeeded
    double write_seconds;
};

static bool parse_name(const char *name, int64_t *step) {
    if (strncmp(name, "step-", 5) || strspn(name + 5, "0123456789") != 12 || strcmp(name + 17, ".h5"))
        return false;
    *step = strtoll(name + 5, NULL, 10);
    return true;
}

enum { NAME_TEXT = 40 };

static void name_of(int64_t step, char out[NAME_TEXT]) {
    snprintf(out, NAME_TEXT, "step-%012lld.h5", (long long)step); // at most 20 digits fit
}

static int descending(const void *a, const void *b) { return mg_order_int64(b, a); }

typedef struct step_list {
    int64_t *step;
    size_t count, capacity;
} step_list;

static mg_status add_step(void *context, const char *name, mg_error *error) {
    step_list *steps = context;
    int64_t step;
    if (!parse_name(name, &step)) return MG_OK;
    mg_status status =
        mg_memory_grow(&steps->step, &steps->capacity, steps->count + 1, sizeof *steps->step, error);
    if (!status) steps->step[steps->count++] = step;
    return status;
}

// Lists the steps of the checkpoints in the directory, newest first. The caller frees them, even after a
// failure.
static mg_status list(const mg_directory *directory, step_list *steps, mg_error *error) {
    *steps = (step_list){0};
    mg_status status = mg_directory_list(directory, add_step, steps, error);
    if (!status && steps->count) qsort(steps->step, steps->count, sizeof *steps->step, descending);
    return status;
}

// Deletes the checkpoints that exceed the number to keep; the newest one must already be on disk. Also
// deletes checkpoints of later steps: they are from before the run was resumed at an earlier step.
static void prune(const mg_checkpointer *c) {
    step_list steps;
    int64_t kept = 0;
    mg_status status = list(c->directory, &steps, NULL);
    for (size_t i = 0; !status && i < steps.count; i++) {
        char name[NAME_TEXT];
        if (steps.step[i] <= c->position.step && kept++ < c->keep) continue;
        name_of(steps.step[i], name);
        // a failure does not matter: the next prune tries again
        mg_directory_remove(c->directory, name, NULL);
    }
    mg_memory_free(steps.step);
}

static mg_status write_given(mg_checkpointer *c, mg_error *error) {
    char name[NAME_TEXT];
    name_of(c->position.step, name);
    const mg_checkpoint_state state = {c->given, c->count, &c->position};
    mg_status status = mg_checkpoint_write(c->directory, name, &c->identity, &state, error);
    if (!status) prune(c);
    return status;
}

// Call it with the lock held. Releases it while the file is written.
static void write_submitted(mg_checkpointer *c) {
    pthread_mutex_unlock(&c->lock);
    double start = mg_clock_seconds();
    mg_error failure = {0};
    write_given(c, &failure);
    pthread_mutex_lock(&c->lock);
    c->failure = failure;
    c->write_seconds = mg_clock_seconds() - start;
    c->busy = false;
    c->news = true;
    pthread_cond_broadcast(&c->changed);
}

static void *write_loop(void *context) {
    mg_checkpointer *c = context;
    pthread_mutex_lock(&c->lock);
    for (;;) {
        while (!c->busy && !c->quit) pthread_cond_wait(&c->changed, &c->lock);
        if (!c->busy) break; // a checkpoint that was submitted before the end is still written
        write_submitted(c);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

mg_status mg_checkpointer_create(const mg_directory *directory, int64_t keep, const mg_identity *identity,
                                 const mg_field *fields, int count, mg_checkpointer **out, mg_error *error) {
    *out = NULL;
    mg_checkpointer *c;
    mg_status status = mg_memory_zeroed(&c, 1, sizeof *c, error);
    if (status) return status;
    c->keep = keep;
    c->count = count;
    c->identity = *identity;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    c->directory = directory;
    status = mg_memory_text(&c->config, identity->config, error);
    c->identity.config = c->config;
    for (int f = 0; !status && f < count; f++) {
        c->live[f] = c->snapshot[f] = fields[f];
        c->snapshot[f].data = NULL;
        if (!fields[f].pack)
            status = mg_memory_zeroed(&c->snapshot[f].data, (size_t)fields[f].count,
                                      mg_h5_type_size(fields[f].type), error);
    }
    if (!status) mg_directory_remove_leftovers(directory, "step-");
    // If the thread cannot start, mg_checkpointer_submit writes the file itself.
    c->started = !status && mg_thread_start(&c->thread, write_loop, c);
    if (status) mg_checkpointer_destroy(c);
    else *out = c;
    return status;
}

void mg_checkpointer_destroy(mg_checkpointer *c) {
    if (!c) return;
    if (c->started) {
        pthread_mutex_lock(&c->lock);
        c->quit = true;
        pthread_cond_broadcast(&c->changed);
        pthread_mutex_unlock(&c->lock);
        pthread_join(c->thread, NULL);
    }
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->changed);
    for (int f = 0; f < c->count; f++) mg_memory_free(c->snapshot[f].data);
    mg_memory_free(c->config);
    mg_memory_free(c);
}

static mg_status take_snapshot(mg_checkpointer *c, int f, mg_error *error) {
    const mg_field *live = &c->live[f];
    mg_field *to = &c->snapshot[f];
    if (!live->pack) {
        memcpy(to->data, live->data, (size_t)live->count * mg_h5_type_size(live->type));
        return MG_OK;
    }
    int64_t size = live->pack(live->data, NULL);
    mg_status status = size < 0 ? MG_OK : mg_memory_grow(&to->data, &c->room[f], (size_t)size, 1, error);
    if (status) return status;
    to->count = size;
    if (size < 0 || live->pack(live->data, to->data) != size)
        return mg_fail(error, MG_MEMORY, "out of memory: %s cannot be copied", live->name);
    return MG_OK;
}

bool mg_checkpointer_submit(mg_checkpointer *c, const mg_position *position, bool still) {
    pthread_mutex_lock(&c->lock);
    bool idle = !c->busy;
    pthread_mutex_unlock(&c->lock);
    if (!idle) return false; // `busy` is set only by this thread, so it remains false
    mg_error failure = {0};
    for (int f = 0; !failure.status && f < c->count; f++) {
        bool lies = still && !c->live[f].pack;
        if (!lies) take_snapshot(c, f, &failure);
        c->given[f] = lies ? c->live[f] : c->snapshot[f];
    }
    pthread_mutex_lock(&c->lock);
    c->position = *position;
    c->busy = !failure.status;
    // If the snapshot fails, the caller gets this failure as the result, as if the file could not be written.
    c->news = failure.status != MG_OK;
    c->failure = failure;
    pthread_cond_broadcast(&c->changed);
    if (c->busy && !c->started) write_submitted(c);
    pthread_mutex_unlock(&c->lock);
    return true;
}

mg_status mg_checkpointer_result(mg_checkpointer *c, bool wait, bool *news, int64_t *step, double *seconds,
                                 mg_error *error) {
    pthread_mutex_lock(&c->lock);
    while (wait && c->busy) pthread_cond_wait(&c->changed, &c->lock);
    *news = c->news && !c->busy;
    *step = c->position.step;
    *seconds = c->write_seconds;
    mg_status status = *news ? c->failure.status : MG_OK;
    if (status && error) *error = c->failure;
    if (*news) c->news = false;
    pthread_mutex_unlock(&c->lock);
    return status;
}

mg_status mg_checkpoint_resume(const mg_directory *directory, const mg_identity *identity,
                               const mg_checkpoint_state *state, const mg_resume_hooks *hooks, bool *found,
                               mg_error *error) {
    step_list steps;
    *found = false;
    mg_status status = list(directory, &steps, error);
    for (size_t i = 0; !status && !*found && i < steps.count; i++) {
        char name[NAME_TEXT], line[sizeof error->text + 32];
        mg_error why = {0};
        bool verified;
        name_of(steps.step[i], name);
        mg_status one = mg_checkpoint_restore(directory, name, identity, state, hooks, &verified, &why);
        *found = !one;
        bool damaged = one == MG_DATA && !verified;
        if (one == MG_IO)
            status = mg_fail(error, one,
                             "%s; the checkpoint may be intact: make it readable, or move it away to "
                             "continue from the previous one",
                             why.text);
        else if (one && !damaged) status = mg_fail(error, one, "%s", why.text);
        if (damaged) {
            snprintf(line, sizeof line, "%s; trying the previous checkpoint", why.text);
            if (hooks->message) hooks->message(hooks->context, line);
        }
    }
    if (!status && steps.count && !*found)
        status = mg_fail(error, MG_DATA,
                         "%s: none of the %zu checkpoints is intact: start a new run with --overwrite",
                         mg_directory_path(directory), steps.count);
    mg_memory_free(steps.step);
    return status;
}

mg_status mg_checkpoint_newest_origin(const mg_directory *directory, mg_origin *out, mg_error *error) {
    step_list steps;
    bool found = false;
    *out = (mg_origin){0};
    mg_status status = list(directory, &steps, error);
    for (size_t i = 0; !status && !found && i < steps.count; i++) {
        char name[NAME_TEXT];
        name_of(steps.step[i], name);
        found = !mg_checkpoint_origin_read(directory, name, out, NULL);
    }
    mg_memory_free(steps.step);
    if (status || found) return status;
    return mg_fail(error, MG_DATA, "%s: holds no intact checkpoint", mg_directory_path(directory));
}

mg_status mg_checkpoint_begin(const mg_directory *directory, const char *name, const mg_identity *identity,
                              mg_error *error) {
    mg_position start = {.best_accuracy = -1};
    return mg_checkpoint_write(directory, name, identity, &(mg_checkpoint_state){.position = &start}, error);
}

mg_status mg_checkpoint_check(const mg_directory *directory, const char *name, const mg_identity *identity,
                              const mg_resume_hooks *hooks, mg_error *error) {
    mg_position nowhere;
    bool verified;
    mg_error why = {0};
    const mg_checkpoint_state none = {.position = &nowhere};
    mg_status status = mg_checkpoint_restore(directory, name, identity, &none, hooks, &verified, &why);
    if (!status) return MG_OK;
    bool damaged = status == MG_DATA && !verified;
    return mg_fail(error, status, "%s%s", why.text, damaged ? "; delete it to start from the beginning" : "");
}

mg_status mg_checkpoint_clear(const mg_directory *directory, mg_error *error) {
    step_list steps;
    mg_directory_remove_leftovers(directory, "step-");
    mg_status status = list(directory, &steps, error);
    for (size_t i = 0; !status && i < steps.count; i++) {
        char name[NAME_TEXT];
        name_of(steps.step[i], name);
        status = mg_directory_remove(directory, name, error);
    }
    mg_memory_free(steps.step);
    return status;
}

// replay.c - measures the processor time that one thread needs for each item, and computes how long teams of
// other sizes would need. Other programs have little influence on processor time. The influence of threads on
// each other (caches, memory bandwidth, clock rate) is not included.
#include "parallel/replay.h"

#include "base/arithmetic.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/order.h"
#include "parallel/team.h"

#include <stdlib.h>

enum { TRIALS = 100, TRANSFERS = 200, MOST_SPINS = 1 << 16 };
#define LONG_PAUSE 1e-3 // seconds of serial work after which all other threads are asleep
#define SPIN_TIME 60e-6 // approximate seconds for which a thread without work spins (team.c)
// transfers of the team's cache line for each item: to claim it, and to report that it is complete
#define CLAIM_TRANSFERS 2

// ---- the schedule -------------------------------------------------------------------------------

typedef struct schedule {
    const double *duration;
    int64_t count, next; // claimed items: those before `next`, or those whose bit in `taken` is set
    uint32_t taken;
    int threads;
    double claim, claimed; // seconds of one claim; time at which the last claim was complete
    double free[MG_REPLAY_MOST_THREADS];
} schedule;

static int first_free(const schedule *s) {
    int first = 0;
    for (int t = 1; t < s->threads; t++)
        if (s->free[t] < s->free[first]) first = t;
    return first;
}

static int64_t claim_item(schedule *s, int thread) {
    if (s->count > MG_TEAM_FEW) return s->next++;
    int64_t item = mg_team_pick(~s->taken & (uint32_t)((1ULL << s->count) - 1), s->count, thread, s->threads);
    s->taken |= 1U << item;
    return item;
}

double mg_replay_makespan(const double *duration, int64_t count, int threads, const mg_replay_costs *costs,
                          bool asleep) {
    double end = 0;
    if (threads == 1 || count <= 1) {
        for (int64_t i = 0; i < count; i++) end += duration[i];
        return end;
    }
    schedule s = {.duration = duration, .count = count, .threads = threads, .claim = costs->claim};
    for (int t = 1; t < threads; t++) s.free[t] = asleep ? costs->wake : costs->start;
    for (int64_t i = 0; i < count; i++) {
        int thread = first_free(&s);
        s.claimed = mg_max_real(s.claimed, s.free[thread]) + s.claim;
        s.free[thread] = s.claimed + duration[claim_item(&s, thread)];
        end = mg_max_real(end, s.free[thread]);
    }
    return end;
}

// ---- measuring ----------------------------------------------------------------------------------

void mg_replay_begin(mg_replay *replay) {
    if (!replay) return;
    replay->open = true;
    replay->before = mg_clock_thread_seconds();
}

static void count_serial(mg_replay *replay, double seconds) {
    replay->serial += seconds;
    for (int i = 0; i < replay->count; i++) replay->team[i].seconds += seconds;
}

void mg_replay_end(mg_replay *replay) {
    if (!replay || !replay->open) return;
    count_serial(replay, mg_max_real(0, mg_clock_thread_seconds() - replay->before - replay->clock));
    replay->open = false;
}

void mg_replay_job(mg_replay *replay, int64_t count, void (*run)(void *context, int64_t item),
                   void *context) {
    mg_status status =
        mg_memory_grow(&replay->duration, &replay->room, (size_t)count, sizeof *replay->duration, NULL);
    if (status || !replay->open || !replay->within) {
        for (int64_t item = 0; item < count; item++) run(context, item);
        if (status) replay->status = status;
        return;
    }
    double last = mg_clock_thread_seconds(), serial = mg_max_real(0, last - replay->before - replay->clock),
           work = 0;
    count_serial(replay, serial);
    for (int64_t item = 0; item < count; item++) {
        run(context, item);
        double now = mg_clock_thread_seconds();
        replay->duration[item] = mg_max_real(0, now - last - replay->clock);
        work += replay->duration[item];
        last = now;
    }
    for (int i = 0; i < replay->count; i++) {
        mg_replay_team *team = &replay->team[i];
        double seconds = mg_replay_makespan(replay->duration, count, team->threads, &replay->costs,
                                            serial > replay->costs.spin);
        team->seconds += seconds;
        team->idle += team->threads * seconds - work;
    }
    replay->work += work;
    replay->jobs++;
    replay->items += count;
    replay->before = mg_clock_thread_seconds();
}

// ---- costs --------------------------------------------------------------------------------------

// A measurement with two threads that pass a cache line back and forth.
typedef struct trial {
    mg_team team;
    double pause;                // seconds for which the caller waits before a job
    double published, begun;     // time at which the caller published the job; at which the other thread
                                 // began
    double start[TRIALS];        // seconds between `published` and `begun`
    double transfer[TRIALS];     // seconds of a transfer of the line from one thread to the other
    _Alignas(64) _Atomic int at; // number of transfers
} trial;

// Item 0 makes the transfers with even numbers, item 1 the others. A thread stops waiting if the other one
// does not run.
static void pass_line(void *context, int64_t item) {
    trial *t = context;
    if (item == 1) t->begun = mg_clock_seconds();
    for (int turn = (int)item, spins = 0; turn < TRANSFERS; turn += 2) {
        while (atomic_load_explicit(&t->at, memory_order_acquire) != turn)
            if (++spins > MOST_SPINS) return;
        atomic_store_explicit(&t->at, turn + 1, memory_order_release);
    }
}

static void time_jobs(void *context) {
    trial *t = context;
    for (int i = 0; i < TRIALS; i++) {
        for (double until = mg_clock_seconds() + t->pause; mg_clock_seconds() < until;) continue;
        t->at = 0;
        t->published = mg_clock_seconds();
        mg_team_for(&t->team, 2, pass_line, t);
        t->start[i] = t->begun - t->published;
        t->transfer[i] = (mg_clock_seconds() - t->begun) / TRANSFERS;
    }
}

// Returns the lowest of the trials. If other programs use the machine, most trials wait for a processor.
static double undisturbed(double *seconds) {
    qsort(seconds, TRIALS, sizeof *seconds, mg_order_double);
    return seconds[0];
}

static double time_of_clock(trial *t) {
    for (int i = 0; i < TRIALS; i++) {
        double before = mg_clock_thread_seconds();
        t->start[i] = mg_clock_thread_seconds() - before;
    }
    return undisturbed(t->start);
}

void mg_replay_init(mg_replay *replay, const int *threads, int count) {
    trial t = {.team = {.threads = 2}};
    *replay = (mg_replay){.count = count, .costs.spin = SPIN_TIME, .clock = time_of_clock(&t)};
    for (int i = 0; i < count; i++) replay->team[i].threads = threads[i];
    mg_team_run(&t.team, time_jobs, &t);
    replay->costs.claim = CLAIM_TRANSFERS * undisturbed(t.transfer);
    replay->costs.start = undisturbed(t.start);
    t.pause = LONG_PAUSE;
    mg_team_run(&t.team, time_jobs, &t);
    replay->costs.wake = mg_max_real(undisturbed(t.start), replay->costs.start);
}

void mg_replay_clear(mg_replay *replay) {
    mg_memory_free(replay->duration);
    replay->duration = NULL;
    replay->room = 0;
}

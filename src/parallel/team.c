// team.c - compute threads that spin for a short time before they sleep. They claim items by changing one
// atomic word.
#include "parallel/team.h"

#include "base/arithmetic.h"
#include "base/cpu.h"
#include "base/float_mode.h"
#include "base/thread.h"
#include "parallel/replay.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

// Spins for about 60 microseconds on processors with a slow pause instruction. That is longer than the serial
// work between two jobs of a step, so threads do not fall asleep there.
enum { SPINS = 1500 };

typedef void run_item(void *context, int64_t item);

static inline void pause_core(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void sleep_on(_Atomic uint32_t *word, uint32_t value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake_all(_Atomic uint32_t *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

int64_t mg_team_pick(uint32_t left, int64_t count, int thread, int threads) {
    uint32_t from = (uint32_t)(count * thread / threads), to = (uint32_t)(count * (thread + 1) / threads);
    uint32_t own = left & (uint32_t)((1ULL << to) - (1ULL << from));
    return own ? __builtin_ctz(own) : 31 - __builtin_clz(left);
}

// Chooses the next item and computes the value of team->next that claims it. Returns false if no item is
// left. In a job of up to MG_TEAM_FEW items, each item has a bit in team->next; in a larger job, team->next
// counts the claimed items.
static bool next_claim(const mg_team *team, uint64_t seen, int64_t count, int thread, uint64_t *word,
                       int64_t *item) {
    uint32_t low = (uint32_t)(seen & UINT32_MAX);
    if (count <= MG_TEAM_FEW) {
        uint32_t left = ~low & (uint32_t)((1ULL << count) - 1);
        if (!left) return false;
        *item = mg_team_pick(left, count, thread, team->threads);
        *word = seen | 1ULL << *item;
    } else {
        *item = low;
        *word = seen + 1;
    }
    return *item < count;
}

// Claims and runs items until none is left. The fields of the job are read before the claim. If another
// thread publishes a new job in between, the generation in team->next differs and the claim fails. After a
// successful claim the job cannot end before this item is complete.
static void work(mg_team *team, int thread) {
    uint64_t seen = atomic_load_explicit(&team->next, memory_order_acquire);
    for (;;) {
        int64_t count = atomic_load_explicit(&team->count, memory_order_relaxed);
        run_item *run = (run_item *)atomic_load_explicit(&team->run, memory_order_relaxed);
        void *context = (void *)atomic_load_explicit(&team->context, memory_order_relaxed);
        int64_t item;
        uint64_t word;
        if (!next_claim(team, seen, count, thread, &word, &item)) return;
        if (!atomic_compare_exchange_weak_explicit(&team->next, &seen, word, memory_order_acq_rel,
                                                   memory_order_acquire))
            continue;
        run(context, item);
        uint32_t done = atomic_fetch_add_explicit(&team->done, 1, memory_order_seq_cst) + 1;
        if (done == (uint32_t)count && atomic_load_explicit(&team->waiting, memory_order_seq_cst))
            wake_all(&team->done);
        seen = atomic_load_explicit(&team->next, memory_order_acquire);
    }
}

static void stand_by(mg_team *team, int thread) {
    uint64_t generation = 0;
    int idle = 0;
    while (atomic_load_explicit(&team->active, memory_order_acquire)) {
        uint64_t now = atomic_load_explicit(&team->next, memory_order_acquire) >> 32;
        if (now != generation) {
            generation = now;
            idle = 0;
            work(team, thread);
        } else if (++idle < SPINS) {
            pause_core();
        } else {
            uint32_t bell = atomic_load_explicit(&team->bell, memory_order_seq_cst);
            atomic_fetch_add_explicit(&team->sleepers, 1, memory_order_seq_cst);
            bool nothing = atomic_load_explicit(&team->next, memory_order_seq_cst) >> 32 == generation;
            if (nothing && atomic_load_explicit(&team->active, memory_order_seq_cst))
                sleep_on(&team->bell, bell);
            atomic_fetch_sub_explicit(&team->sleepers, 1, memory_order_seq_cst);
            idle = 0;
        }
    }
}

static void ring(mg_team *team) {
    if (!atomic_load_explicit(&team->sleepers, memory_order_seq_cst)) return;
    atomic_fetch_add_explicit(&team->bell, 1, memory_order_seq_cst);
    wake_all(&team->bell);
}

// Called when no item is left to claim. Waits until the other threads have completed theirs.
static void wait_for_others(mg_team *team, uint32_t count) {
    for (int spin = 0; spin < SPINS; spin++) {
        if (atomic_load_explicit(&team->done, memory_order_acquire) == count) return;
        pause_core();
    }
    atomic_store_explicit(&team->waiting, 1, memory_order_seq_cst);
    for (uint32_t done; (done = atomic_load_explicit(&team->done, memory_order_seq_cst)) != count;)
        sleep_on(&team->done, done);
    atomic_store_explicit(&team->waiting, 0, memory_order_seq_cst);
}

void mg_team_for(mg_team *team, int64_t count, void (*run)(void *context, int64_t item), void *context) {
    if (team->replay) {
        mg_replay_job(team->replay, count, run, context);
        return;
    }
    if (!atomic_load_explicit(&team->active, memory_order_relaxed) || count <= 1 || count >= UINT32_MAX) {
        for (int64_t item = 0; item < count; item++) run(context, item);
        return;
    }
    uint64_t generation = atomic_load_explicit(&team->next, memory_order_relaxed) >> 32;
    // Closes the old job first: no item of it can be claimed from here on. Otherwise a late thread could
    // claim an item of the old job and check it against the count of the new one.
    atomic_store_explicit(&team->next, generation << 32 | UINT32_MAX, memory_order_seq_cst);
    atomic_store_explicit(&team->count, count, memory_order_relaxed);
    atomic_store_explicit(&team->run, (uintptr_t)run, memory_order_relaxed);
    atomic_store_explicit(&team->context, (uintptr_t)context, memory_order_relaxed);
    atomic_store_explicit(&team->done, 0, memory_order_relaxed);
    atomic_store_explicit(&team->next, (generation + 1) << 32, memory_order_seq_cst);
    ring(team);
    work(team, 0);
    wait_for_others(team, (uint32_t)count);
}

static void end_run(mg_team *team) {
    atomic_store_explicit(&team->active, 0, memory_order_seq_cst);
    atomic_fetch_add_explicit(&team->bell, 1, memory_order_seq_cst);
    wake_all(&team->bell);
}

// A thread of the team. Each thread starts the next one and joins it when it ends, so no list of threads is
// needed.
typedef struct helper {
    mg_team *team;
    int number, wanted;
    pthread_t thread;
} helper;

static void *help(void *context) {
    MG_FLOAT_SCOPE;
    const helper *self = context;
    helper next = {.team = self->team, .number = self->number + 1, .wanted = self->wanted};
    atomic_fetch_add_explicit(&self->team->started, 1, memory_order_relaxed);
    bool more = next.number < next.wanted && mg_thread_start(&next.thread, help, &next);
    stand_by(self->team, self->number);
    if (more) pthread_join(next.thread, NULL);
    return NULL;
}

// Runs the body while up to `wanted` threads exist, the calling one included.
static void run_with(mg_team *team, int wanted, void (*body)(void *context), void *context) {
    helper first = {.team = team, .number = 1, .wanted = wanted};
    atomic_store_explicit(&team->started, 1, memory_order_relaxed);
    atomic_store_explicit(&team->active, 1, memory_order_seq_cst);
    bool more = wanted > 1 && mg_thread_start(&first.thread, help, &first);
    if (!more) atomic_store_explicit(&team->active, 0, memory_order_seq_cst);
    body(context);
    if (!more) return;
    end_run(team);
    pthread_join(first.thread, NULL);
}

void mg_team_record(mg_team *team, mg_replay *replay) { team->replay = replay; }

void mg_team_run(mg_team *team, void (*body)(void *context), void *context) {
    if (team->replay) team->replay->within = true;
    run_with(team, team->replay ? 1 : team->threads, body, context);
    if (team->replay) team->replay->within = false;
}

static void nothing(void *context) { (void)context; }

bool mg_team_open(mg_team *team, int threads, int beside, char *warning, size_t size) {
    team->threads = threads;
    int wanted = (int)mg_min(threads + beside, mg_cpu_allowed_threads());
    // with an empty body, to see how many threads can exist at the same time
    run_with(team, wanted, nothing, NULL);
    if (!mg_team_is_short(team, threads + beside, warning, size)) return true;
    team->threads = (int)mg_max(atomic_load_explicit(&team->started, memory_order_relaxed) - beside, 1);
    return false;
}

bool mg_team_is_short(const mg_team *team, int threads, char *warning, size_t size) {
    int started = atomic_load_explicit(&team->started, memory_order_relaxed);
    if (started >= threads) return false;
    snprintf(warning, size,
             "only %d of %d threads can be started (limits on processes, memory or the control group); the "
             "results are the same",
             started, threads);
    return true;
}

void mg_team_join(mg_team *team, void (*body)(void *context), void *context) {
    bool within = team->replay && team->replay->within;
    if (within || atomic_load_explicit(&team->active, memory_order_relaxed)) body(context);
    else mg_team_run(team, body, context);
}

// machine.c - measures what bounds the limit of the machine: multiply-adds in registers, and reading from
// memory.
#include "bench/bench.h"

#include "base/arithmetic.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/memory.h"

#include <string.h>
#include <unistd.h>

enum { TRIES = 12, QUICK_TRIES = 5, WORDS = 16 };

#define ITEM ((int64_t)2 << 20) // bytes of an item for reading
#define MOST_BYTES ((int64_t)1 << 30)
#define QUICK_BYTES ((int64_t)512 << 20)
#define LEAST_BYTES ((int64_t)64 << 20)
#define PEAK_SECONDS 0.005 // duration of one try

typedef struct machine {
    const mg_kernel *kernel;
    mg_team *team;
    int tries;
    int64_t iterations; // iterations of the loop of multiply-adds, for each thread
    double flops, flops_per_second;
    uint64_t *words; // [items][ITEM / 8]
    int64_t items;
    double bytes_per_second;
    volatile float float_sink; // results are stored here, so that the compiler cannot remove the loops
    volatile uint64_t word_sink;
} machine;

// ---- Multiply-adds ------------------------------------------------------------------------------

static void multiply(void *context, int64_t item) {
    (void)item;
    machine *m = context;
    float out;
    m->kernel->peak(m->iterations, &out);
    m->float_sink = out;
}

static void find_peak(void *context) {
    machine *m = context;
    float out;
    for (m->iterations = 64;; m->iterations *= 2) {
        double start = mg_clock_seconds();
        m->flops = m->kernel->peak(m->iterations, &out);
        if (mg_clock_seconds() - start >= PEAK_SECONDS) break;
    }
    for (int t = 0; t < m->tries; t++) {
        double start = mg_clock_seconds();
        mg_team_for(m->team, m->team->threads, multiply, m);
        double rate = m->flops * m->team->threads / (mg_clock_seconds() - start);
        if (rate > m->flops_per_second) m->flops_per_second = rate;
    }
}

// ---- Reading ------------------------------------------------------------------------------------

static void touch_item(void *context, int64_t item) {
    machine *m = context;
    memset(m->words + item * (ITEM / 8), (int)item + 1, (size_t)ITEM);
}

// Reads one item. Each lane is combined separately, so that only memory limits the speed.
static void read_item(void *context, int64_t item) {
    machine *m = context;
    const uint64_t *words = m->words + item * (ITEM / 8);
    uint64_t lane[WORDS] = {0}, all = 0;
    for (int64_t i = 0; i < ITEM / 8; i += WORDS)
        for (int l = 0; l < WORDS; l++) lane[l] ^= words[i + l];
    for (int l = 0; l < WORDS; l++) all ^= lane[l];
    m->word_sink = all;
}

static void find_bandwidth(void *context) {
    machine *m = context;
    mg_team_for(m->team, m->items, touch_item, m);
    for (int t = 0; t < m->tries; t++) {
        double start = mg_clock_seconds();
        mg_team_for(m->team, m->items, read_item, m);
        double rate = (double)(m->items * ITEM) / (mg_clock_seconds() - start);
        if (rate > m->bytes_per_second) m->bytes_per_second = rate;
    }
}

// Four times the last-level cache, so that most bytes that are read are not in it; within the limits above,
// and at most a quarter of the available memory.
static int64_t buffer_bytes(bool quick) {
    int64_t bytes = 4 * (int64_t)sysconf(_SC_LEVEL3_CACHE_SIZE), available = mg_cpu_available_memory() / 4;
    bytes = mg_min(mg_max(bytes, LEAST_BYTES), quick ? QUICK_BYTES : MOST_BYTES);
    if (available > 0) bytes = mg_min(bytes, available);
    return mg_max(bytes, ITEM);
}

mg_status mg_bench_machine(const mg_kernel *kernel, mg_team *team, bool quick, mg_bench_report *report,
                           mg_error *error) {
    machine m = {.kernel = kernel,
                 .team = team,
                 .tries = quick ? QUICK_TRIES : TRIES,
                 .items = buffer_bytes(quick) / ITEM};
    mg_status status = mg_memory_get(&m.words, (size_t)m.items, (size_t)ITEM, error);
    if (status) return status;
    mg_team_run(team, find_peak, &m);
    mg_team_run(team, find_bandwidth, &m);
    mg_memory_free(m.words);
    report->peak_gflops = m.flops_per_second / 1e9;
    report->read_gbps = m.bytes_per_second / 1e9;
    return MG_OK;
}

// ranks.c - to be started by mpirun: one job on the transport of margin-mpi, without a training.
//
// clang-format off
//     ranks sum SHARDS LENGTH TIMES   sums arrays; prints the hash of the sum, bytes and messages of rank 0, seconds
//     ranks sum ... swapped           the same, but adds shards 1 and 2 in each other's place
//     ranks fail                      the last rank brings an error to the others
//     ranks hang                      the last rank sends nothing for longer than the timeout
//     ranks wake                      rank 0 sends to the others after the timeout, when their memory is free
//     ranks leave                     the last rank ends without a word
//     ranks linger                    the last rank does not end
//     ranks late                      not all ranks start
// clang-format on
#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "comm/comm.h"
#include "mpi/mpi_transport.h"

#include <margin/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct sum_job {
    int64_t length;
    int times;
    bool swapped; // shards 1 and 2 are exchanged, so that the sum has another order
} sum_job;

static void fill(const mg_comm *comm, mg_comm_sum *sum, float *out, const sum_job *job) {
    mg_comm_sum_begin(sum, out);
    for (int64_t s = comm->first; s < comm->end; s++) {
        float *mine = mg_comm_sum_next(sum);
        int64_t from = job->swapped && (s == 1 || s == 2) ? 3 - s : s;
        for (int64_t i = 0; i < job->length; i++)
            mine[i] = (float)mg_hash_mix((uint64_t)(from * job->length + i)) * 0x1p-60f;
        mg_comm_sum_add(sum);
    }
}

// Sums the arrays, and checks that as much is sent as predicted. *seconds: from when all ranks have filled
// their arrays.
static mg_status sum_once(mg_comm *comm, mg_comm_sum *sum, float *out, const sum_job *job, double *seconds,
                          mg_error *error) {
    mg_comm_traffic says = mg_comm_sum_traffic(comm, job->length, MG_COMM_F32, comm->rank);
    fill(comm, sum, out, job);
    mg_status status = mg_comm_agree(comm, MG_OK, NULL, error);
    mg_comm_traffic before = comm->traffic;
    double begun = mg_clock_seconds();
    if (!status) status = mg_comm_sum_end(sum, error);
    *seconds = mg_clock_seconds() - begun;
    long long bytes = comm->traffic.bytes - before.bytes, messages = comm->traffic.messages - before.messages;
    if (status || (bytes == says.bytes && messages == says.messages)) return status;
    return mg_fail(error, MG_FAILED, "%lld bytes in %lld messages sent, another number predicted", bytes,
                   messages);
}

static mg_status time_sums(mg_comm *comm, const sum_job *job, mg_error *error) {
    mg_comm_sum *sum;
    float *out = NULL;
    double *seconds = NULL;
    mg_status status = mg_comm_sum_create(comm, job->length, MG_COMM_F32, &sum, error);
    if (!status) status = mg_memory_get(&out, (size_t)job->length, sizeof *out, error);
    if (!status) status = mg_memory_get(&seconds, (size_t)job->times, sizeof *seconds, error);
    for (int turn = 0; !status && turn < job->times; turn++)
        status = sum_once(comm, sum, out, job, &seconds[turn], error);
    if (status) return status;
    uint64_t hash = mg_hash_bytes(0, out, (size_t)job->length * sizeof *out);
    status = mg_comm_same(comm, hash, MG_NONFINITE, "the sums", "they must not", error);
    if (!status && comm->rank == 0) {
        mg_comm_traffic sent = mg_comm_sum_traffic(comm, job->length, MG_COMM_F32, 0);
        printf("%016llx %lld %lld", (unsigned long long)hash, (long long)sent.bytes,
               (long long)sent.messages);
        for (int turn = 0; turn < job->times; turn++) printf(" %.6f", seconds[turn]);
        printf("\n");
    }
    mg_comm_sum_destroy(sum);
    mg_memory_free(out);
    mg_memory_free(seconds);
    return status;
}

static mg_status receive_late(mg_comm *comm, mg_error *error) {
    enum { BYTES = 8 << 20 };
    if (comm->rank == 0) usleep(3500000);
    void *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return mg_fail(error, MG_MEMORY, "out of memory");
    mg_status status = mg_comm_share(comm, memory, BYTES, error);
    munmap(memory, BYTES);
    return status;
}

static mg_status do_job(mg_comm *comm, int argc, char **argv, mg_error *error) {
    bool last = comm->rank == comm->ranks - 1;
    if (!strcmp(argv[1], "sum") && argc >= 5) {
        const sum_job job = {atoll(argv[3]), atoi(argv[4]), argc == 6 && !strcmp(argv[5], "swapped")};
        return time_sums(comm, &job, error);
    }
    if (!strcmp(argv[1], "wake")) return receive_late(comm, error);
    mg_status status = MG_OK;
    if (last && !strcmp(argv[1], "fail")) status = mg_fail(error, MG_IO, "the disk is full");
    if (last && !strcmp(argv[1], "hang")) sleep(60);
    if (last && !strcmp(argv[1], "leave")) return mg_fail(error, MG_IO, "the last rank leaves");
    return mg_comm_agree(comm, status, NULL, error);
}

int main(int argc, char **argv) {
    if (argc < 2) return 1;
    const mg_transport *transport = mg_mpi_begin(&argc, &argv, strcmp(argv[1], "late") ? 60 : 2);
    if (!transport) return 1;
    mg_comm *comm;
    mg_error error = {0};
    double timeout = !strcmp(argv[1], "sum") ? 60 : 2;
    mg_status status = mg_comm_create(transport->ranks > 1 ? transport : NULL, argc > 2 ? atoll(argv[2]) : 64,
                                      timeout, &comm, &error);
    if (!status) status = do_job(comm, argc, argv, &error);
    mg_comm_destroy(comm);
    if (!strcmp(argv[1], "linger") && transport->rank == transport->ranks - 1) sleep(60);
    bool alone, all = mg_mpi_end(mg_status_exit(status), &alone);
    if (status && (alone || transport->rank == 0)) fprintf(stderr, "ranks: %s\n", error.text);
    fflush(stdout);
    mg_mpi_leave(all, mg_status_exit(status));
    return mg_status_exit(status);
}

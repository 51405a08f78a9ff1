// test_comm.c - ranks are threads of this process. Sums have the bits of plain loops over the tree for any
// number of ranks, failures reach every rank, and as many bytes are sent as predicted.
#include "base/arithmetic.h"
#include "base/memory.h"
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "threads_transport.h"
#include <stdlib.h>

enum { MOST_SHARDS = 64 };

// A number of a shard's array; magnitudes differ so much that every other order of the sum has other bits.
static double number(int64_t shard, int64_t i) {
    uint64_t bits = mg_hash_mix((uint64_t)(shard * 1000003 + i + 1));
    double sign = bits & 1 ? 1 : -1;
    return sign * (double)(bits >> 12) * 0x1p-52 * (double)(1 << (bits >> 1) % 12);
}

typedef struct sum_case {
    int64_t length, shards;
    mg_comm_type type;
    void *expected;      // [length]
    bool swapped;        // sabotage: shards 1 and 2 are exchanged
    _Atomic int unequal; // ranks whose sum differs
    _Atomic int64_t sent;
} sum_case;

static void set(mg_comm_type type, void *array, int64_t i, double value) {
    if (type == MG_COMM_F32) ((float *)array)[i] = (float)value;
    else ((double *)array)[i] = value;
}

static size_t bytes_of(const sum_case *c) {
    return (size_t)c->length * (c->type == MG_COMM_F32 ? sizeof(float) : sizeof(double));
}

// The sum along the tree, in plain loops.
static void reference(sum_case *c) {
    float f[MOST_SHARDS];
    double d[MOST_SHARDS];
    for (int64_t i = 0; i < c->length; i++) {
        for (int64_t s = 0; s < c->shards; s++) d[s] = number(s, i), f[s] = (float)d[s];
        for (int64_t step = 1; step < c->shards; step *= 2)
            for (int64_t s = 0; s < c->shards; s += 2 * step) d[s] += d[s + step], f[s] += f[s + step];
        set(c->type, c->expected, i, c->type == MG_COMM_F32 ? (double)f[0] : d[0]);
    }
}

static void add_shards(rank_thread *me, sum_case *c, mg_comm_sum *sum, void *out) {
    mg_comm_sum_begin(sum, out);
    for (int64_t s = me->comm->first; s < me->comm->end; s++) {
        void *mine = mg_comm_sum_next(sum);
        int64_t other = c->swapped && (s == 1 || s == 2) ? 3 - s : s;
        for (int64_t i = 0; i < c->length; i++) set(c->type, mine, i, number(other, i));
        if (s % 2) {
            mg_comm_sum_add(sum);
            continue;
        }
        for (int64_t p = mg_comm_sum_pieces(sum) - 1; p >= 0; p--) mg_comm_sum_piece(sum, p);
        mg_comm_sum_added(sum);
    }
}

static void sum_on_rank(rank_thread *me) {
    sum_case *c = me->context;
    mg_comm_sum *sum;
    mg_error error;
    void *out = malloc(bytes_of(c) + 1);
    CHECK(mg_comm_sum_create(me->comm, c->length, c->type, &sum, &error) == MG_OK);
    for (int turn = 0; turn < 2; turn++) { // the memory is used again
        mg_comm_traffic before = me->comm->traffic,
                        says = mg_comm_sum_traffic(me->comm, c->length, c->type, me->comm->rank);
        memset(out, 0xff, bytes_of(c));
        add_shards(me, c, sum, out);
        CHECK(mg_comm_sum_end(sum, &error) == MG_OK);
        CHECK(me->comm->traffic.bytes - before.bytes == says.bytes);
        CHECK(me->comm->traffic.messages - before.messages == says.messages);
        if (turn == 0) c->sent += says.bytes;
    }
    c->unequal += memcmp(out, c->expected, bytes_of(c)) != 0;
    mg_comm_sum_destroy(sum);
    free(out);
}

static int unequal_sums(sum_case *c, int ranks) {
    c->unequal = 0;
    c->sent = 0;
    assert_int_equal(on_ranks(ranks, c->shards, sum_on_rank, c, NULL), 0);
    return c->unequal;
}

static void try_sums(int64_t shards, int64_t length, mg_comm_type type) {
    sum_case c = {.length = length, .shards = shards, .type = type};
    c.expected = malloc(bytes_of(&c) + 1);
    reference(&c);
    for (int ranks = 1; ranks <= mg_min(MOST_RANKS, shards); ranks++) {
        assert_int_equal(unequal_sums(&c, ranks), 0);
        // If all ranks have whole subtrees, each sends and receives 2 (P - 1) / P arrays.
        if (shards % ranks == 0 && (ranks & (ranks - 1)) == 0)
            assert_int_equal(c.sent, 2 * (ranks - 1) * bytes_of(&c));
    }
    free(c.expected);
}

static void test_sums_are_those_of_the_tree(void **unused) {
    (void)unused;
    static const int64_t lengths[] = {0, 1, 7, 1000, (1 << 15) + 3};
    for (int64_t shards = 1; shards <= MOST_SHARDS; shards *= 2)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            try_sums(shards, shards <= 8 ? lengths[l] : mg_min(lengths[l], 1000), MG_COMM_F32);
            try_sums(shards, mg_min(lengths[l], 1000), MG_COMM_F64);
        }
}

// An array that does not fit into one transfer.
static void test_large_array(void **unused) {
    (void)unused;
    sum_case c = {.length = 2200001, .shards = 4, .type = MG_COMM_F64};
    c.expected = malloc(bytes_of(&c));
    reference(&c);
    assert_int_equal(unequal_sums(&c, 3), 0);
    free(c.expected);
}

static void test_another_order_is_noticed(void **unused) {
    (void)unused;
    for (int type = MG_COMM_F32; type <= MG_COMM_F64; type++) {
        sum_case c = {.length = 1000, .shards = 8, .type = (mg_comm_type)type, .swapped = true};
        c.expected = malloc(bytes_of(&c));
        reference(&c);
        assert_int_equal(unequal_sums(&c, 2), 2);
        free(c.expected);
    }
}

// ---- rows and records ---------------------------------------------------------------------------

static void rows_on_rank(rank_thread *me) {
    const int64_t *count = me->context, rows = *count;
    const mg_comm *comm = me->comm;
    int64_t first = mg_comm_rank_row(comm, rows, comm->rank),
            end = mg_comm_rank_row(comm, rows, comm->rank + 1);
    CHECK(first == mg_comm_shard_row(comm, rows, comm->first) &&
          end == mg_comm_shard_row(comm, rows, comm->end));
    CHECK(comm->rank > 0 || first == 0);
    CHECK(comm->rank < comm->ranks - 1 || end == rows);
}

static void test_rows(void **unused) {
    (void)unused;
    static int64_t counts[] = {0, 1, 3, 17, 1000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (int64_t shards = 8; shards <= MOST_SHARDS; shards *= 2)
            for (int ranks = 1; ranks <= MOST_RANKS; ranks++)
                assert_int_equal(on_ranks(ranks, shards, rows_on_rank, &counts[i], NULL), 0);
}

static void fold_on_rank(rank_thread *me) {
    mg_comm *comm = me->comm;
    double own[MOST_SHARDS][3], work[MOST_SHARDS][3], out[3], expected[MOST_SHARDS];
    int64_t counts[MOST_SHARDS], counted[MOST_SHARDS], total;
    mg_error error;
    for (int64_t s = comm->first; s < comm->end; s++) {
        for (int i = 0; i < 3; i++) own[s - comm->first][i] = number(s, i);
        counts[s - comm->first] = s * s;
    }
    CHECK(!mg_comm_fold(comm, own[0], 3, work[0], out, &error));
    for (int i = 0; i < 3; i++) {
        for (int64_t s = 0; s < comm->shards; s++) expected[s] = number(s, i);
        for (int64_t step = 1; step < comm->shards; step *= 2)
            for (int64_t s = 0; s < comm->shards; s += 2 * step) expected[s] += expected[s + step];
        CHECK(out[i] == expected[0]);
    }
    CHECK(!mg_comm_fold_counts(comm, counts, 1, counted, &total, &error));
    CHECK(total == comm->shards * (comm->shards - 1) * (2 * comm->shards - 1) / 6);
    CHECK(!mg_comm_records(comm, counts, 8, counted, &error));
    for (int64_t s = 0; s < comm->shards; s++) CHECK(counted[s] == s * s);
    char text[12] = "nothing";
    if (comm->rank == 0) strcpy(text, "from rank 0");
    CHECK(!mg_comm_share(comm, text, sizeof text, &error) && !strcmp(text, "from rank 0"));
}

static void test_folds(void **unused) {
    (void)unused;
    for (int64_t shards = 1; shards <= MOST_SHARDS; shards *= 2)
        for (int ranks = 1; ranks <= mg_min(MOST_RANKS, shards); ranks++)
            assert_int_equal(on_ranks(ranks, shards, fold_on_rank, NULL, NULL), 0);
}

// ---- agreement ----------------------------------------------------------------------------------

typedef struct agree_case {
    mg_status status[MOST_RANKS];
    const char *text[MOST_RANKS];
    mg_status agreed;
    const char *says;
} agree_case;

static void agree_on_rank(rank_thread *me) {
    const agree_case *c = me->context;
    mg_error error = {0};
    mg_status own = c->status[me->comm->rank];
    if (own) mg_fail(&error, own, "%s", c->text[me->comm->rank]);
    uint64_t word = (uint64_t)1 << me->comm->rank;
    CHECK(mg_comm_agree(me->comm, own, &word, &error) == c->agreed);
    CHECK(word == (1u << me->comm->ranks) - 1);
    CHECK(error.status == c->agreed && !strcmp(error.text, c->says));
    CHECK(!mg_comm_agree(me->comm, MG_OK, NULL, &error)); // the ranks can still talk
}

static void test_agreement(void **unused) {
    (void)unused;
    static agree_case cases[] = {
        {{MG_OK}, {NULL}, MG_OK, ""},
        {{MG_OK, MG_IO, MG_DATA},
         {NULL, "a.h5: no such file", "b"},
         MG_IO,
         "rank 1 (host1): a.h5: no such file"},
        {{MG_STOPPED, MG_OK, MG_NONFINITE}, {"stopped", NULL, "NaN"}, MG_NONFINITE, "rank 2 (host2): NaN"},
        {{MG_OK, MG_STOPPED, MG_OK}, {NULL, "stopped", NULL}, MG_STOPPED, "rank 1 (host1): stopped"},
        {{MG_IO, MG_IO, MG_IO}, {"a.h5: gone", "a.h5: gone", "a.h5: gone"}, MG_IO, "a.h5: gone"},
        {{MG_IO, MG_IO, MG_IO},
         {"a.h5: gone", "a.h5: short", "a.h5: gone"},
         MG_IO,
         "rank 0 (host0): a.h5: gone"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(on_ranks(3, 4, agree_on_rank, &cases[i], NULL), 0);
}

static void same_on_rank(rank_thread *me) {
    mg_error error = {0};
    CHECK(!mg_comm_same(me->comm, 5, MG_DATA, "the data", "copy them", &error));
    bool other = me->comm->rank == me->comm->ranks - 1;
    mg_status status = mg_comm_same(me->comm, other ? 6 : 5, MG_DATA, "the data", "copy them", &error);
    CHECK(status == MG_DATA);
    CHECK(!strcmp(error.text, "the data of rank 2 (host2) differ from those of rank 0 (host0): copy them"));
}

static void test_differences_are_found(void **unused) {
    (void)unused;
    assert_int_equal(on_ranks(3, 4, same_on_rank, NULL, NULL), 0);
}

static void nothing(rank_thread *me) { (void)me; }

static void test_too_many_ranks(void **unused) {
    (void)unused;
    rank_thread first;
    on_ranks(5, 4, nothing, NULL, &first);
    assert_int_equal(first.status, MG_CONFIG);
    assert_non_null(strstr(first.error.text, "power of two from 8 on"));
    on_ranks(1, 12, nothing, NULL, &first);
    assert_int_equal(first.status, MG_CONFIG);
}

// ---- failures of the transport ------------------------------------------------------------------

typedef struct broken {
    int calls;
    mg_transport_end end;
} broken;

static mg_transport_end gather_broken(void *context, const void *send, size_t bytes, void *receive,
                                      const size_t *from, double timeout, int *culprit) {
    broken *b = context;
    (void)timeout;
    *culprit = 1;
    if (b->calls++) return b->end;
    for (int r = 0; r < 2; r++) memcpy((char *)receive + r * from[0], send, bytes); // the greeting
    return MG_TRANSPORT_DONE;
}

static void test_lost_ranks(void **unused) {
    (void)unused;
    static const char *const says[] = {NULL, "sent nothing for 9 s (train.rank_timeout)", "has ended",
                                       "could not transfer"};
    for (int end = MG_TRANSPORT_LATE; end <= MG_TRANSPORT_FAILED; end++) {
        broken b = {.end = (mg_transport_end)end};
        mg_transport transport = {.context = &b, .ranks = 2, .host = "here", .gather = gather_broken};
        mg_comm *comm;
        mg_error error;
        double number = 1, work[2], out;
        assert_int_equal(mg_comm_create(&transport, 2, 9, &comm, &error), MG_OK);
        assert_int_equal(mg_comm_agree(comm, MG_OK, NULL, &error), MG_FAILED);
        assert_non_null(strstr(error.text, says[end]));
        error = (mg_error){0};
        assert_int_equal(mg_comm_fold(comm, &number, 1, work, &out, &error), MG_FAILED);
        assert_non_null(strstr(error.text, says[end]));
        assert_int_equal(b.calls, 2); // after a failure the transport is not used again
        mg_comm_destroy(comm);
    }
}

static void test_memory(void **unused) {
    (void)unused;
    int64_t before = mg_memory_live(), failed = 1;
    for (int64_t k = 1; failed; k++) {
        mg_comm *comm;
        mg_comm_sum *sum = NULL;
        mg_error error;
        mg_memory_fail_at(k, false);
        mg_status status = mg_comm_create(NULL, 8, 0, &comm, &error);
        if (!status) status = mg_comm_sum_create(comm, 100, MG_COMM_F64, &sum, &error);
        failed = mg_memory_fail_at(0, false);
        assert_int_equal(status, failed ? MG_MEMORY : MG_OK);
        mg_comm_sum_destroy(sum);
        mg_comm_destroy(comm);
        assert_int_equal(mg_memory_live(), before);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_are_those_of_the_tree),
        cmocka_unit_test(test_large_array),
        cmocka_unit_test(test_another_order_is_noticed),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_folds),
        cmocka_unit_test(test_agreement),
        cmocka_unit_test(test_differences_are_found),
        cmocka_unit_test(test_too_many_ranks),
        cmocka_unit_test(test_lost_ranks),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

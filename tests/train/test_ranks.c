// test_ranks.c - what the ranks of a run do together; they are threads of this process.
#include "base/memory.h"
#include "train/ranks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "threads_transport.h"
#include <margin/trainer.h>
#include <string.h>

typedef struct seen {
    int messages;
    char line[300];
} seen;

static void see(void *context, const char *line) {
    seen *all = context;
    all->messages++;
    snprintf(all->line, sizeof all->line, "%s", line);
}

// The state of a rank: two bytes, or one that lacks the memory to be copied.
static int64_t pack(void *data, unsigned char *to) {
    const bool *lacks_memory = data;
    if (*lacks_memory) return -1;
    if (to) memset(to, 7, 2);
    return 2;
}

static void checkpoint_on_rank(rank_thread *me) {
    bool lacks_memory = me->transport.rank == 1;
    seen all = {0};
    const mg_observer observer = {.context = &all, .message = see};
    const mg_train_request request = {.observer = &observer};
    const mg_checkpoint_options every = {.every_steps = 10};
    const mg_trainer_options options = {.checkpoint = &every};
    mg_run run = {.request = &request, .options = &options, .ranks.comm = me->comm, .position.step = 10};
    run.fields.count = 1;
    run.fields.field[0] = (mg_field){.name = "the duals", .data = &lacks_memory, .pack = pack};
    mg_run_checkpoint_if_due(&run, false);
    CHECK(all.messages == 1);
    CHECK(!strcmp(all.line, "warning: no checkpoint at step 10: rank 1 (host1): out of memory: the duals "
                            "cannot be copied; the previous checkpoint is kept"));
    // The ranks still decide together.
    CHECK(mg_run_root_says(&run, me->transport.rank == 0));
    CHECK(!mg_run_root_says(&run, me->transport.rank == 1));
    uint64_t word = me->transport.rank == 2;
    CHECK(!mg_comm_agree(me->comm, MG_OK, &word, NULL) && word);
    CHECK(!run.saving.failure.status); // otherwise the run would end with this failure
    // The next checkpoint is tried when it is due, and has the state of all ranks.
    lacks_memory = false;
    run.position.step = 19;
    mg_run_checkpoint_if_due(&run, false);
    CHECK(run.ranks.collected.size == 0);
    run.position.step = 20;
    mg_run_checkpoint_if_due(&run, false);
    CHECK(all.messages == 1);
    CHECK(run.ranks.collected.size == 6);
    mg_memory_free(run.ranks.collected.bytes);
}

static void test_failed_collection_leaves_out_one_checkpoint(void **unused) {
    (void)unused;
    assert_int_equal(on_ranks(3, 4, checkpoint_on_rank, NULL, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failed_collection_leaves_out_one_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// test_host.c - margin in a program that forks, trains in several threads, or handles SIGBUS itself.
#include "fit_arrays.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 400, FEATURES = 48, CLASSES = 4, VALUES = CLASSES * FEATURES };

static const char *const certified[] = {"train.tolerance=1e-3", "train.threads=2", NULL};
static const char *const softmax[] = {"model.loss=softmax", "train.solver=sgd", "train.epochs=8",
                                      "train.batch=32",     "train.threads=2",  NULL};

static mg_status fit(const mg_fit_request *request, const char *const *sets, mg_model **model) {
    mg_error error = {0};
    mg_config *config = configure(sets);
    mg_status status = mg_fit(config, request, model, NULL, &error);
    mg_config_destroy(config);
    return status;
}

static void take_weights(const mg_data *data, const char *const *sets, float weights[VALUES]) {
    mg_model *model;
    mg_model_parts parts;
    const mg_fit_request request = {.train = data};
    if (fit(&request, sets, &model)) abort();
    mg_model_get(model, &parts);
    memcpy(weights, parts.weights, VALUES * sizeof *weights);
    mg_model_destroy(model);
}

// The process forks after a fit. Parent and child train again, and get the same bits.
static void test_fork(void **unused) {
    (void)unused;
    arrays a;
    float before[VALUES], after[VALUES];
    make_arrays(&a, &array_forms[FORM_F32], ROWS, FEATURES, CLASSES);
    take_weights(&a.data, certified, before);
    pid_t child = fork();
    if (child == 0) {
        alarm(60); // a deadlock would end the child
        take_weights(&a.data, certified, after);
        _exit(memcmp(before, after, sizeof after) ? 1 : 0);
    }
    int status = -1;
    take_weights(&a.data, certified, after);
    assert_memory_equal(before, after, sizeof after);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    free_arrays(&a);
}

typedef struct job {
    const mg_data *data;
    const char *const *sets;
    float weights[VALUES];
} job;

static void *work(void *context) {
    job *j = context;
    for (int i = 0; i < 5; i++) take_weights(j->data, j->sets, j->weights);
    return NULL;
}

// Two threads train different problems at the same time. Each gets the bits that it would get alone.
static void test_two_fits(void **unused) {
    (void)unused;
    arrays a, b;
    make_arrays(&a, &array_forms[FORM_F32], ROWS, FEATURES, CLASSES);
    make_arrays(&b, &array_forms[FORM_CSR], ROWS, FEATURES, CLASSES);
    job alone[2] = {{.data = &a.data, .sets = certified}, {.data = &b.data, .sets = softmax}}, both[2];
    memcpy(both, alone, sizeof both);
    pthread_t thread[2];
    for (int i = 0; i < 2; i++) take_weights(alone[i].data, alone[i].sets, alone[i].weights);
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&thread[i], NULL, work, &both[i]), 0);
    for (int i = 0; i < 2; i++) pthread_join(thread[i], NULL);
    for (int i = 0; i < 2; i++)
        assert_memory_equal(alone[i].weights, both[i].weights, sizeof both[i].weights);
    free_arrays(&a);
    free_arrays(&b);
}

typedef struct endless {
    const mg_data *data;
    volatile sig_atomic_t stop;
    mg_status status;
    pthread_barrier_t *running;
    bool waited;
} endless;

// Each run waits in its first step for the other, so that both run at the same time.
static bool meet(void *context, int64_t step) {
    (void)step;
    endless *e = context;
    if (!e->waited) pthread_barrier_wait(e->running);
    e->waited = true;
    return false;
}

static void *train_endlessly(void *context) {
    static const char *const sets[] = {"train.solver=sgd", "sgd.eta=0.01",           "train.epochs=1000000",
                                       "train.threads=1",  "train.evaluate_every=0", NULL};
    endless *e = context;
    mg_model *model;
    const mg_observer observer = {.context = e, .stop = meet};
    const mg_fit_request request = {.train = e->data, .stop = &e->stop, .observer = &observer};
    e->status = fit(&request, sets, &model);
    return NULL;
}

// The flag of one run stops that run and not the other.
static void test_own_flags(void **unused) {
    (void)unused;
    arrays a;
    pthread_t thread[2];
    pthread_barrier_t running;
    make_arrays(&a, &array_forms[FORM_F32], ROWS, FEATURES, CLASSES);
    pthread_barrier_init(&running, NULL, 3);
    endless runs[2] = {{.data = &a.data, .running = &running}, {.data = &a.data, .running = &running}};
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, train_endlessly, &runs[i]), 0);
    pthread_barrier_wait(&running);
    __atomic_store_n(&runs[0].stop, 1, __ATOMIC_RELAXED);
    pthread_join(thread[0], NULL);
    assert_int_equal(runs[0].status, MG_STOPPED);
    assert_int_equal(pthread_tryjoin_np(thread[1], NULL), EBUSY); // the other run still trains
    __atomic_store_n(&runs[1].stop, 1, __ATOMIC_RELAXED);
    pthread_join(thread[1], NULL);
    assert_int_equal(runs[1].status, MG_STOPPED);
    pthread_barrier_destroy(&running);
    free_arrays(&a);
}

// ---- SIGBUS -------------------------------------------------------------------------------------

static size_t page;
static char *volatile lost; // a page of the host's that cannot be read
static volatile sig_atomic_t caught;

// The host's handler: maps zeros over the page, so that the access succeeds.
static void host_handler(int number, siginfo_t *info, void *unused) {
    (void)number, (void)unused;
    char *at = info->si_addr;
    if (at < lost || at >= lost + page) _exit(99);
    caught++;
    mmap(lost, page, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void other_handler(int number, siginfo_t *info, void *context) { host_handler(number, info, context); }

static void touch_lost_page(void) {
    const char *name = support_path("empty-page");
    int file = open(name, O_RDWR | O_CREAT, 0666);
    if (file < 0 || ftruncate(file, 0)) abort();
    lost = mmap(NULL, page, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    sig_atomic_t before = caught;
    if (*(volatile char *)lost != 0) abort();
    if (caught != before + 1) abort();
    munmap(lost, page);
}

static void set_handler(void (*handler)(int, siginfo_t *, void *)) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    assert_int_equal(sigaction(SIGBUS, &action, NULL), 0);
}

static bool handler_is(void (*handler)(int, siginfo_t *, void *)) {
    struct sigaction now;
    return !sigaction(SIGBUS, NULL, &now) && now.sa_sigaction == handler;
}

static bool kept; // margin's handler was still installed after the host's fault
static int seen;  // steps during which the handler was margin's
static bool replace;

static bool at_step(void *context, int64_t step) {
    (void)context;
    seen += !handler_is(host_handler) && !handler_is(other_handler);
    if (step == 2) touch_lost_page();
    if (step == 2) kept = !handler_is(host_handler);
    if (step == 3 && replace) set_handler(other_handler);
    return false;
}

static void train_mapped(const char *data) {
    char train[300], output[300];
    mg_train_result result;
    mg_error error = {0};
    snprintf(train, sizeof train, "data.train=%s", data);
    snprintf(output, sizeof output, "output.directory=%s", support_path("mapped"));
    // The windows are smaller than the rows, so that the file is mapped.
    mg_config *config = configure(
        (const char *const[]){train, output, "data.memory_limit=64KiB", "data.window=8KiB",
                              "train.solver=sgd", "sgd.eta=0.01", "train.batch=32", "train.epochs=2", NULL});
    const mg_observer observer = {.stop = at_step};
    const mg_train_request request = {.overwrite = true, .observer = &observer};
    if (mg_train(config, &request, &result, &error)) fail_msg("%s", error.text);
    mg_config_destroy(config);
}

// While rows of a file are in use, a SIGBUS in the host's memory is passed to the host's handler. Afterwards
// that handler is installed again, or another one that the host has installed meanwhile.
static void test_bus_error(void **unused) {
    (void)unused;
    arrays a;
    const char *data = support_path("mapped.h5");
    page = (size_t)sysconf(_SC_PAGESIZE);
    make_arrays(&a, &array_forms[FORM_F32], ROWS, FEATURES, CLASSES);
    save_arrays(&a, &array_forms[FORM_F32], data);
    for (int again = 0; again < 2; again++) {
        replace = again;
        seen = caught = 0;
        set_handler(host_handler);
        train_mapped(data);
        assert_true(seen > 0 && kept);
        assert_int_equal(caught, 1);
        assert_true(handler_is(again ? other_handler : host_handler));
        touch_lost_page();
    }
    free_arrays(&a);
}

// mg_fit installs no handler.
static void test_fit_and_signals(void **unused) {
    (void)unused;
    arrays a;
    mg_model *model;
    make_arrays(&a, &array_forms[FORM_F32], ROWS, FEATURES, CLASSES);
    replace = false;
    seen = caught = 0;
    set_handler(host_handler);
    const mg_observer observer = {.stop = at_step};
    const mg_fit_request request = {.train = &a.data, .observer = &observer};
    assert_int_equal(fit(&request, softmax, &model), MG_OK);
    assert_int_equal(seen, 0);
    assert_int_equal(caught, 1);
    mg_model_destroy(model);
    signal(SIGBUS, SIG_DFL);
    free_arrays(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_two_fits),
        cmocka_unit_test(test_own_flags),
        cmocka_unit_test(test_bus_error),
        cmocka_unit_test(test_fit_and_signals),
    };
    return cmocka_run_group_tests(tests, support_begin, support_end);
}

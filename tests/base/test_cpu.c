// test_cpu.c - the cores and the memory that a process may use, read from control groups of both versions
// that the test simulates.
#include "base/cgroup.h"
#include "base/cpu.h"

#include <limits.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];

static int begin(void **unused) {
    (void)unused;
    strcpy(root, "/tmp/test_cpu.XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int end(void **unused) {
    (void)unused;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

// Writes `text` to root/path, and creates its directories.
static void put(const char *path, const char *text) {
    char full[512];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *at = full + strlen(root) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        mkdir(full, 0700);
        *at = '/';
    }
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static const char V2_MOUNT[] =
    "25 1 8:1 / / rw - ext4 /dev/sda rw\n"
    "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

static void test_nothing_there(void **unused) {
    (void)unused;
    assert_true(isinf(mg_cgroup_processors(root)));
    assert_true(mg_cgroup_memory(root) == INT64_MAX);
    assert_true(mg_cgroup_system_memory(root) == INT64_MAX);
}

static void test_v2_takes_the_tightest_ancestor(void **unused) {
    (void)unused;
    put("/proc/self/cgroup", "0::/pod/box/job\n");
    put("/proc/self/mountinfo", V2_MOUNT);
    put("/sys/fs/cgroup/pod/cpu.max", "250000 100000\n");
    put("/sys/fs/cgroup/pod/box/cpu.max", "400000 100000\n");
    put("/sys/fs/cgroup/pod/box/job/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/pod/memory.max", "max\n");
    put("/sys/fs/cgroup/pod/box/memory.max", "1000000\n");
    put("/sys/fs/cgroup/pod/box/memory.current", "900000\n");
    put("/sys/fs/cgroup/pod/box/memory.stat", "anon 5\ninactive_file 300000\nactive_file 7\n");
    put("/sys/fs/cgroup/pod/box/job/memory.max", "900000\n");
    put("/sys/fs/cgroup/pod/box/job/memory.current", "100000\n");
    assert_true(mg_cgroup_processors(root) == 2.5);
    assert_true(mg_cgroup_memory(root) == 400000);
    assert_true(mg_cgroup_memory_at_most(root) == 400007);
    assert_true(mg_cgroup_memory_limit(root) == 900000);
    put("/sys/fs/cgroup/pod/box/memory.high", "700000\n");
    assert_true(mg_cgroup_memory_limit(root) == 700000);
    assert_true(mg_cgroup_memory(root) == 100000);
    put("/sys/fs/cgroup/pod/box/memory.high", "max\n");
    assert_true(mg_cgroup_processes(root) == INT64_MAX);
    put("/sys/fs/cgroup/pod/box/pids.max", "20\n");
    put("/sys/fs/cgroup/pod/box/pids.current", "17\n");
    put("/sys/fs/cgroup/pod/box/job/pids.max", "max\n");
    assert_true(mg_cgroup_processes(root) == 3);
    put("/proc/self/statm", "1000 300 100 5 0 60 0\n");
    assert_true(mg_cgroup_own_memory(root) == 200 * sysconf(_SC_PAGESIZE));
}

static void test_v1(void **unused) {
    (void)unused;
    put("/proc/self/cgroup", "12:cpuset:/other\n5:memory:/a\n4:cpu,cpuacct:/a/b\n");
    put("/proc/self/mountinfo",
        "31 1 0:27 / /cg/cpuset rw - cgroup cgroup rw,cpuset\n"
        "32 1 0:28 / /cg/cpu,cpuacct rw shared:9 master:2 - cgroup cgroup rw,cpu,cpuacct\n"
        "33 1 0:29 / /cg/memory rw - cgroup cgroup rw,memory\n");
    put("/cg/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    put("/cg/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    put("/cg/cpu,cpuacct/a/cpu.cfs_quota_us", "150000\n");
    put("/cg/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
    put("/cg/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n");
    put("/cg/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n");
    put("/cg/cpuset/other/cpu.cfs_quota_us", "1\n"); // not the hierarchy that has the quotas
    put("/cg/cpuset/other/cpu.cfs_period_us", "100000\n");
    put("/cg/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("/cg/memory/a/memory.limit_in_bytes", "5000\n");
    put("/cg/memory/a/memory.usage_in_bytes", "7000\n");
    put("/cg/memory/a/memory.stat", "inactive_file 1\ntotal_inactive_file 2500\n");
    assert_true(mg_cgroup_processors(root) == 1.5);
    assert_true(mg_cgroup_memory(root) == 500);
}

// A container without a namespace of its own sees the host's path of its group, but this group is mounted at
// the top.
static void test_mount_of_a_subtree(void **unused) {
    (void)unused;
    put("/proc/self/cgroup", "4:cpu:/docker/abc/inner\n0::/\n");
    put("/proc/self/mountinfo", "32 1 0:28 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "300000\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/cpu/inner/cpu.cfs_quota_us", "50000\n");
    put("/sys/fs/cgroup/cpu/inner/cpu.cfs_period_us", "100000\n");
    assert_true(mg_cgroup_processors(root) == 0.5);
    put("/proc/self/cgroup", "4:cpu:/docker/abcdef\n"); // only the beginnings of the paths are equal
    assert_true(mg_cgroup_processors(root) == 3);
    put("/proc/self/cgroup", "4:cpu:/../elsewhere\n");
    assert_true(mg_cgroup_processors(root) == 3);
}

static void test_rubbish_sets_no_limit(void **unused) {
    (void)unused;
    static const char *const rubbish[] = {"",           "\n",     "max", "0 100000\n", "-5 100000\n",
                                          "100000 0\n", "lots\n", "7"};
    put("/proc/self/cgroup", "nonsense\n:\n::\n0::/x\n");
    put("/proc/self/mountinfo",
        "nonsense\n - \n1 2 3\n1 2 3 4 - cgroup2\n30 25 0:26 / /cg rw - cgroup2 cgroup2 rw\n");
    for (size_t i = 0; i < sizeof rubbish / sizeof *rubbish; i++) {
        put("/cg/x/cpu.max", rubbish[i]);
        assert_true(isinf(mg_cgroup_processors(root)));
    }
    put("/cg/x/memory.max", "12q\n");
    assert_true(mg_cgroup_memory(root) == INT64_MAX);
    put("/cg/x/cpu.max", "200000 100000\n"); // the same files count if the quota is read from them
    put("/cg/x/memory.max", "12\n");
    assert_true(mg_cgroup_processors(root) == 2);
    assert_true(mg_cgroup_memory(root) == 12);
}

static void test_meminfo(void **unused) {
    (void)unused;
    put("/proc/meminfo", "MemTotal:       100 kB\nMemFree:         10 kB\nMemAvailable:    50 kB\n");
    assert_true(mg_cgroup_system_memory(root) == 50 * 1024);
    put("/proc/meminfo", "MemTotal:       100 kB\n");
    assert_true(mg_cgroup_system_memory(root) == INT64_MAX);
}

static void test_threads(void **unused) {
    (void)unused;
    const char *why;
    unsetenv("OMP_NUM_THREADS");
    int all = mg_cpu_usable_threads(&why);
    assert_true(all >= 1 && all <= sysconf(_SC_NPROCESSORS_CONF));
    static const char *const ignored[] = {"", "0", "-3", "many", "1x", "99999999999999999999"};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        setenv("OMP_NUM_THREADS", ignored[i], 1);
        assert_int_equal(mg_cpu_usable_threads(NULL), all);
    }
    setenv("OMP_NUM_THREADS", "100000", 1); // more threads than there are processors
    assert_int_equal(mg_cpu_usable_threads(&why), all);
    setenv("OMP_NUM_THREADS", " 1 ,4", 1);
    assert_int_equal(mg_cpu_usable_threads(&why), 1);
    if (all > 1) assert_string_equal(why, "OMP_NUM_THREADS");
    unsetenv("OMP_NUM_THREADS");
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &before)) cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(mg_cpu_usable_threads(&why), 1);
    assert_string_equal(why, "affinity");
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

static void test_machine(void **unused) {
    (void)unused;
    char model[128], tiny[4];
    mg_cpu_model(model, sizeof model);
    assert_true(strlen(model) > 0);
    mg_cpu_model(tiny, sizeof tiny);
    assert_int_equal(strlen(tiny), 3);
    assert_memory_equal(tiny, model, 3);
    assert_true(mg_cpu_available_memory() > 0);
    assert_true(!mg_cpu_has_avx512() || mg_cpu_has_avx2());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_there, begin, end),
        cmocka_unit_test_setup_teardown(test_v2_takes_the_tightest_ancestor, begin, end),
        cmocka_unit_test_setup_teardown(test_v1, begin, end),
        cmocka_unit_test_setup_teardown(test_mount_of_a_subtree, begin, end),
        cmocka_unit_test_setup_teardown(test_rubbish_sets_no_limit, begin, end),
        cmocka_unit_test_setup_teardown(test_meminfo, begin, end),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

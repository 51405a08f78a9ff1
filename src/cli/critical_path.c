// critical_path.c - `margin bench --critical-path`: prints the table.
#include "cli/critical_path.h"

#include "cli/cli.h"

#include <margin/critical_path.h>

#include <math.h>

static void show(const mg_critical_path *path) {
    double one = path->serial_seconds + path->item_seconds;
    char steps[32], jobs[32], items[32];
    printf("kernel %s: %s steps, %s jobs of %s items; %.3f s of items, %.3f s of serial work\n", path->kernel,
           mg_cli_count((double)path->steps, steps), mg_cli_count((double)path->jobs, jobs),
           mg_cli_count((double)path->items, items), path->item_seconds, path->serial_seconds);
    printf("measured on two threads: %.0f ns to claim an item, %.1f us until another thread begins a job\n\n",
           1e9 * path->claim_seconds, 1e6 * path->start_seconds);
    printf("threads   seconds  speed-up  others idle     waiting    seconds of\n"
           "        (replay)            in serial work  within jobs  a real run\n");
    for (int i = 0; i < path->count; i++) {
        const mg_critical_path_team *team = &path->teams[i];
        printf("%7d %9.3f %8.2fx %13.0f %% %10.0f %%", team->threads, team->seconds, one / team->seconds,
               100 * team->serial, 100 * team->idle);
        if (!isnan(team->measured)) printf(" %11.3f", team->measured);
        printf("\n");
    }
}

int mg_cli_critical_path(const mg_cli_flags *flags, const char *text) {
    mg_config *config;
    mg_critical_path path;
    mg_error error = {0};
    mg_status status = mg_config_load(flags->config, flags->sets.text, flags->sets.count, &config, &error);
    if (status) return mg_cli_fail("bench", &error);
    status = mg_critical_path_measure(config, text, &path, &error);
    mg_config_destroy(config);
    if (!status && flags->json) status = mg_critical_path_print_json(&path, stdout, &error);
    else if (!status) show(&path);
    return status ? mg_cli_fail("bench", &error) : 0;
}

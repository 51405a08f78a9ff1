// bench.c - `margin bench`: chooses the shapes to measure, and writes the report as JSON.
#include "bench/bench.h"

#include "base/cpu.h"
#include "base/float_mode.h"
#include "base/json.h"
#include "base/memory.h"

#include <margin/nearest.h>
#include <string.h>

const char *mg_bench_shape_at(int i) {
    const mg_bench_shape *shape = mg_bench_shape_row(i);
    return shape ? shape->name : NULL;
}

static const char *shape_name(int i, const void *context) {
    (void)context;
    return mg_bench_shape_at(i);
}

static mg_status check_shape(const char *name, mg_error *error) {
    mg_writer names = {0};
    char *list, hint[MG_NEAREST_TEXT];
    bool found = !name;
    for (int i = 0; !found && mg_bench_shape_at(i); i++) found = !strcmp(name, mg_bench_shape_at(i));
    if (found) return MG_OK;
    for (int i = 0; mg_bench_shape_at(i); i++)
        mg_writer_format(&names, i ? ", %s" : "%s", mg_bench_shape_at(i));
    mg_status status = mg_writer_take(&names, &list, error);
    if (status) return status;
    status = mg_fail(error, MG_USAGE, "--shape: %s is not allowed (%s)%s", name, list,
                     mg_nearest_hint(name, shape_name, NULL, hint));
    mg_memory_free(list);
    return status;
}

mg_status mg_bench(const mg_bench_request *request, mg_bench_report *report, mg_error *error) {
    MG_FLOAT_SCOPE;
    const mg_kernel *kernel;
    mg_team team;
    *report = (mg_bench_report){0};
    mg_status status = check_shape(request->shape, error);
    if (!status) status = mg_kernel_select(&kernel, error);
    if (status) return status;
    char warning[256]; // not shown: the report contains the number of threads
    mg_team_open(&team, request->threads ? request->threads : mg_cpu_usable_threads(NULL), 0, warning,
                 sizeof warning);
    mg_cpu_model(report->processor, (int)sizeof report->processor);
    report->kernel = kernel->name;
    report->threads = team.threads;
    status = mg_bench_machine(kernel, &team, request->quick, report, error);
    if (!status && request->progress) request->progress(request->context, report, NULL);
    const mg_bench_shape *shape;
    for (int i = 0; !status && (shape = mg_bench_shape_row(i)); i++)
        if (!request->shape || !strcmp(request->shape, shape->name))
            status = mg_bench_measure(request, shape, kernel, &team, report, error);
    return status;
}

static void put_result(mg_writer *out, const mg_bench_result *one) {
    char name[128];
    snprintf(name, sizeof name, "%s: %s", one->shape, one->what);
    mg_json_put_text(out, "name", name);
    mg_json_put_text(out, "shape", one->shape);
    mg_json_put_text(out, "what", one->what);
    mg_json_put_text(out, "layout", one->sparse ? "sparse" : "dense");
    mg_json_put_text(out, "dtype", one->dtype);
    mg_json_put_int(out, "rows", one->rows);
    mg_json_put_int(out, "features", one->features);
    mg_json_put_int(out, "classes", one->classes);
    mg_json_put_real(out, "stored_values", one->stored);
    mg_json_put_int(out, "threads", one->threads);
    mg_json_put_int(out, "repetitions", one->repetitions);
    mg_json_put_real(out, "seconds", one->seconds);
    mg_json_put_real(out, "rows_per_second", (double)one->rows / one->seconds);
    mg_json_put_real(out, "speedup", one->speedup);
    mg_json_put_real(out, "spread", one->spread);
    mg_json_put_real(out, "violating", one->violating);
    mg_json_put_real(out, "gflops", one->gflops);
    mg_json_put_real(out, "gbps", one->gbps);
    mg_json_put_real(out, "fraction_of_limit", one->fraction_of_limit);
    mg_json_put_text(out, "bound_by", one->memory_bound ? "memory" : "arithmetic");
}

mg_status mg_bench_print_json(const mg_bench_report *report, FILE *file, mg_error *error) {
    mg_writer out = {0};
    mg_writer_add(&out, "{");
    mg_json_put_text(&out, "processor", report->processor);
    mg_json_put_text(&out, "kernel", report->kernel);
    mg_json_put_int(&out, "threads", report->threads);
    mg_json_put_real(&out, "peak_gflops", report->peak_gflops);
    mg_json_put_real(&out, "read_gbps", report->read_gbps);
    mg_json_key(&out, "kernels");
    mg_writer_add(&out, "[");
    for (int i = 0; i < report->count; i++) {
        mg_writer_add(&out, i ? ", {" : "{");
        put_result(&out, &report->results[i]);
        mg_writer_add(&out, "}");
    }
    mg_writer_add(&out, "]}\n");
    return mg_writer_print(&out, file, "the report", error);
}

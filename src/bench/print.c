// print.c - the report of `margin bench` as JSON.
#include "base/json.h"
#include "bench/bench.h"

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
    mg_json_put_real(out, "entries", one->entries);
    mg_json_put_int(out, "threads", one->threads);
    mg_json_put_int(out, "repetitions", one->repetitions);
    mg_json_put_real(out, "seconds", one->seconds);
    mg_json_put_real(out, "rows_per_second", (double)one->rows / one->seconds);
    mg_json_put_real(out, "speedup", one->speedup);
    mg_json_put_real(out, "spread", one->spread);
    mg_json_put_real(out, "violating", one->violating);
    mg_json_put_real(out, "gflops", one->gflops);
    mg_json_put_real(out, "gbps", one->gbps);
    mg_json_put_real(out, "fraction_of_roof", one->fraction_of_roof);
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

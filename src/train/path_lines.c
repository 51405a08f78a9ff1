// path_lines.c - writes the content of path.jsonl.
#include "train/path.h"

#include "base/json.h"
#include "base/writer.h"

mg_status mg_path_lines(const mg_path_point *points, int64_t count, char **text, mg_error *error) {
    mg_writer out = {0};
    for (int64_t i = 0; i < count; i++) {
        const mg_path_point *at = &points[i];
        mg_writer_add(&out, "{");
        mg_json_put_int(&out, "point", i + 1);
        mg_json_put_real(&out, "C", at->C);
        mg_json_put_real(&out, "lambda", at->lambda);
        mg_json_put_real(&out, "objective", at->objective);
        mg_json_put_known(&out, "dual", at->dual);
        mg_json_put_known(&out, "gap", at->gap);
        mg_json_put_bool(&out, "converged", at->converged > 0);
        mg_json_put_known(&out, "accuracy", at->accuracy);
        mg_json_put_real(&out, "passes", at->passes);
        mg_json_put_real(&out, "seconds", at->seconds);
        mg_writer_add(&out, "}\n");
    }
    return mg_writer_take(&out, text, error);
}

// summary.c - the head of a report: the result in a few numbers, the certificate in words, the warnings.
#include "report/page.h"

#include <math.h>
#include <string.h>

static void tile(mg_writer *to, const char *name, void (*add)(mg_writer *, double), double value) {
    if (isnan(value)) return;
    mg_writer_format(to, "<div><dt>%s</dt><dd>", name);
    add(to, value);
    mg_writer_add(to, "</dd></div>\n");
}

static void add_objective(mg_writer *to, double value) { mg_html_short(to, value, 5); }
static void add_gap(mg_writer *to, double value) { mg_html_short(to, value, 2); }
static void add_C(mg_writer *to, double value) { mg_html_short(to, value, 4); }

static void add_tiles(const mg_page *page, const mg_record_facts *facts) {
    mg_writer *to = page->to;
    bool folds = page->record->kind == MG_RECORD_CV;
    mg_writer_add(to, "<dl class=\"tiles\">\n");
    if (page->rows && !strcmp(page->rows->origin, "--data"))
        tile(to, "Accuracy on --data", mg_html_percent, page->rows->accuracy);
    tile(to, "Test accuracy", mg_html_percent, facts->test);
    tile(to, folds ? "Mean accuracy" : "Validation accuracy", mg_html_percent, facts->validation);
    if (folds) tile(to, "Deviation of folds", mg_html_percent, facts->deviation);
    tile(to, "Objective", add_objective, facts->objective);
    tile(to, "Certified gap", add_gap, facts->gap);
    tile(to, page->record->kind == MG_RECORD_RUN ? "C" : "Chosen C", add_C, facts->C);
    tile(to, "Training time", mg_html_seconds, facts->seconds);
    mg_writer_add(to, "</dl>\n");
}

// ---- the certificate --------------------------------------------------------------------------

// `point`: the sentence is about the chosen point.
static void add_bound(mg_writer *to, const mg_record_facts *facts, bool point) {
    mg_writer_add(to, point ? "At the chosen point no" : "No");
    mg_writer_add(to, " weights have an objective below ");
    mg_html_short(to, facts->dual, 6);
    mg_writer_add(to, " on these rows with this configuration. The objective of this model is ");
    mg_html_short(to, facts->objective, 6);
    mg_writer_add(to, ", so the best possible weights could lower it by at most ");
    mg_html_short(to, 100 * facts->gap, 2);
    mg_writer_add(to, "\u202f%.");
}

static double tolerance_of(const mg_record *record) {
    double tolerance = mg_lines_number(&record->events, record->start, "tolerance");
    if (isnan(tolerance) && record->config) tolerance = record->config->train.tolerance;
    return tolerance;
}

static void add_run_certificate(const mg_page *page, const mg_record_facts *facts) {
    const mg_record *record = page->record;
    mg_writer *to = page->to;
    double tolerance = tolerance_of(record);
    bool reached = mg_lines_number(&record->events, record->end, "converged") > 0;
    if (isnan(facts->gap)) {
        mg_writer_add(to,
                      "<strong>No certificate.</strong> No lower bound of the objective is known, so this "
                      "report cannot say how far the model is from the optimum. ");
        if (mg_lines_number(&record->events, record->start, "streamed") > 0) {
            mg_writer_add(to, "Only trainings whose rows fit in memory (<code>data.memory_limit</code>) have "
                              "certificates.");
            return;
        }
        mg_writer_add(to, "Set ");
        mg_writer_add(to, tolerance > 0 ? "<code>train.epochs</code> higher, so that the run reaches one."
                                        : "<code>train.tolerance</code>, for example to 0.001, to train to a "
                                          "certified optimum.");
        return;
    }
    mg_writer_add(to, reached         ? "<strong>Certified optimum.</strong> "
                      : tolerance > 0 ? "<strong>Not certified to the tolerance.</strong> "
                                      : "<strong>Bounded.</strong> ");
    add_bound(to, facts, false);
    if (!(tolerance > 0)) return;
    mg_writer_add(to, reached ? " That is within <code>train.tolerance</code>, "
                              : " <code>train.tolerance</code> is ");
    mg_html_short(to, 100 * tolerance, 2);
    mg_writer_add(to, "\u202f%.");
}

static void add_path_certificate(const mg_page *page, const mg_record_facts *facts) {
    const mg_record *record = page->record;
    int64_t reached = 0, count = 0;
    for (int64_t i = 0; i < record->points.count; i++) {
        double converged = mg_lines_number(&record->points, i, "converged");
        if (mg_lines_is(&record->points, i, "mean")) continue;
        count += !isnan(converged);
        reached += converged > 0;
    }
    if (!count) return;
    mg_writer_format(page->to, "<strong>%lld of %lld %s certified.</strong> ", (long long)reached,
                     (long long)count, record->kind == MG_RECORD_CV ? "trainings" : "points");
    if (!isnan(facts->gap)) add_bound(page->to, facts, true);
    if (reached < count)
        mg_writer_add(page->to,
                      " The others ended before their gap reached the tolerance; their values are those "
                      "of the weights they ended with.");
}

// ---- status and warnings ----------------------------------------------------------------------

static void add_status(const mg_page *page) {
    const mg_record *record = page->record;
    if (!strcmp(record->status, "finished")) return;
    bool running = !strcmp(record->status, "running");
    mg_writer_add(page->to,
                  running
                      ? "<p class=\"warn\"><strong>Still running.</strong> This report shows what has "
                        "been written so far.</p>\n"
                      : "<p class=\"warn\"><strong>Not finished.</strong> The training was stopped; "
                        "<code>--resume</code> continues it. This report shows what it has written.</p>\n");
}

static void add_warnings(const mg_page *page) {
    const mg_lines *events = &page->record->events;
    for (int64_t i = 0; i < events->count; i++) {
        const char *text = mg_lines_is(events, i, "warning") ? mg_lines_text(events, i, "text") : NULL;
        if (!text) continue;
        mg_writer_add(page->to, "<p class=\"warn\"><strong>Warning.</strong> ");
        mg_html_text(page->to, text);
        mg_writer_add(page->to, "</p>\n");
    }
}

static void add_shape(const mg_page *page) {
    const mg_record *record = page->record;
    mg_writer *to = page->to;
    const char *loss = mg_record_text(record, "loss"), *solver = mg_record_text(record, "solver");
    const char *const names[] = {"rows", "features", "classes"};
    static const char *const kinds[] = {"Training", "Path", "Cross-validation"};
    mg_writer_format(to, "<p class=\"lead\">%s", kinds[record->kind]);
    if (loss) mg_writer_add(to, " · loss "), mg_html_text(to, loss);
    if (solver) mg_writer_add(to, " · solver "), mg_html_text(to, solver);
    for (int i = 0; i < 3; i++) {
        double value = mg_lines_number(&record->events, record->start, names[i]);
        if (!(fabs(value) < 1e15)) continue;
        mg_writer_add(to, " · ");
        mg_html_count(to, (int64_t)value);
        mg_writer_format(to, " %s", names[i]);
    }
    mg_writer_add(to, "</p>\n");
}

void mg_page_summary(const mg_page *page) {
    mg_writer *to = page->to;
    const mg_record *record = page->record;
    mg_record_facts facts = mg_record_summarise(record);
    mg_writer_add(to, "<header id=\"summary\">\n<p class=\"kind\">margin report</p>\n<h1>");
    mg_html_text(to, record->path);
    mg_writer_add(to, "</h1>\n");
    add_shape(page);
    add_status(page);
    add_tiles(page, &facts);
    mg_writer_add(to, "<p class=\"certificate\">");
    if (record->kind == MG_RECORD_RUN) add_run_certificate(page, &facts);
    else add_path_certificate(page, &facts);
    mg_writer_add(to, "</p>\n");
    add_warnings(page);
    mg_writer_add(to, "</header>\n");
}

void mg_page_fact(mg_writer *to, const char *name, const char *value) {
    if (!value || !value[0]) return;
    mg_writer_format(to, "<tr><th scope=\"row\">%s</th><td>", name);
    mg_html_text(to, value);
    mg_writer_add(to, "</td></tr>\n");
}

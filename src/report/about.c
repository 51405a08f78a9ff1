// about.c - what was run: data, machine, versions, model, configuration.
#include "report/page.h"

#include "base/memory.h"
#include "data/files.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void begin_table(mg_writer *to, const char *caption) {
    mg_writer_format(to, "<table class=\"facts\"><caption>%s</caption><tbody>\n", caption);
}

static void end_table(mg_writer *to) { mg_writer_add(to, "</tbody></table>\n"); }

static void add_count(mg_writer *to, const char *name, double value) {
    if (!(fabs(value) < 1e15)) return;
    mg_writer_format(to, "<tr><th scope=\"row\">%s</th><td>", name);
    mg_html_count(to, (int64_t)value);
    mg_writer_add(to, "</td></tr>\n");
}

static void add_seconds(mg_writer *to, const char *name, double value) {
    if (isnan(value)) return;
    mg_writer_format(to, "<tr><th scope=\"row\">%s</th><td>", name);
    mg_html_seconds(to, value);
    mg_writer_add(to, "</td></tr>\n");
}

static double start_of(const mg_page *page, const char *key) {
    return mg_lines_number(&page->record->events, page->record->start, key);
}

static void add_files(const mg_page *page, const char *name, const char *files) {
    char shown[MG_FILES_SHOWN];
    mg_page_fact(page->to, name, files ? mg_files_shown(files, shown) : NULL);
}

// The lines "option: value" of a recipe.
static void add_recipe(mg_writer *to, const char *recipe) {
    if (!recipe) return;
    mg_writer_add(to, "<tr><th scope=\"row\">made by convert from</th><td>");
    for (const char *line = recipe; *line;) {
        char part[64];
        size_t bytes = strcspn(line, "\n");
        if (bytes >= sizeof part) bytes = sizeof part - 1; // a recipe is ASCII, so this splits no character
        snprintf(part, sizeof part, "%.*s", (int)bytes, line);
        mg_html_text(to, part);
        line += bytes;
        if (*line != '\n') continue;
        mg_writer_add(to, *++line ? "<br>" : "");
    }
    mg_writer_add(to, "</td></tr>\n");
}

static void add_data(const mg_page *page) {
    const mg_record *record = page->record;
    begin_table(page->to, "Data");
    if (record->config) {
        const mg_data_options *data = &record->config->data;
        add_files(page, "training rows", data->train ? data->train : "arrays of a program");
        add_files(page, "validation", data->validation);
        add_files(page, "test", data->test);
        mg_page_fact(page->to, "data set of features", data->features);
        mg_page_fact(page->to, "data set of labels", data->labels);
        mg_page_fact(page->to, "weights of rows", data->weights);
    }
    add_count(page->to, "rows", start_of(page, "rows"));
    add_count(page->to, "features", start_of(page, "features"));
    if (start_of(page, "used_features") < start_of(page, "features"))
        add_count(page->to, "features that occur", start_of(page, "used_features"));
    add_count(page->to, "classes", start_of(page, "classes"));
    if (page->model) add_recipe(page->to, page->model->columns.recipe);
    end_table(page->to);
}

static int64_t count_events(const mg_lines *events, const char *name) {
    int64_t count = 0;
    for (int64_t i = 0; i < events->count; i++) count += mg_lines_is(events, i, name);
    return count;
}

static void add_machine(const mg_page *page) {
    const mg_record *record = page->record;
    mg_writer *to = page->to;
    begin_table(to, "Training and machine");
    mg_page_fact(to, "margin", mg_record_text(record, "version"));
    mg_page_fact(to, "processor", mg_record_text(record, "processor"));
    mg_page_fact(to, "kernel", mg_record_text(record, "kernel"));
    add_count(to, "threads", start_of(page, "threads"));
    mg_page_fact(to, "solver", mg_record_text(record, "solver"));
    mg_page_fact(to, "chosen because", mg_record_text(record, "solver_why"));
    if (record->config) add_count(to, "seed", (double)record->config->train.seed);
    mg_page_fact(to, "ended by", mg_lines_text(&record->events, record->end, "reason"));
    add_count(to, "epochs", mg_lines_number(&record->events, record->end, "epoch"));
    add_count(to, "steps", mg_lines_number(&record->events, record->end, "step"));
    add_seconds(to, "training", mg_lines_number(&record->events, record->events.count - 1, "seconds"));
    add_seconds(to, "reading the rows", start_of(page, "load_seconds"));
    int64_t starts = count_events(&record->events, "start");
    if (starts > 1) add_count(to, "times resumed", (double)(starts - 1));
    end_table(to);
}

static void add_model(const mg_page *page) {
    const mg_model *model = page->model;
    mg_writer *to = page->to;
    if (!model) return;
    begin_table(to, "Model");
    mg_page_fact(to, "file", model->path);
    mg_page_fact(to, "digest in its seal", page->seal);
    mg_page_fact(to, "loss", model->loss);
    mg_page_fact(to, "preparation of rows", strcmp(model->rows, "none") ? model->rows : NULL);
    mg_page_fact(to, "preparation of cells", strcmp(model->transform, "none") ? model->transform : NULL);
    mg_page_fact(to, "calibration", mg_calibration_name((int)model->calibration.method));
    add_count(to, "weights of step", (double)model->step);
    end_table(to);
}

// ---- the configuration ------------------------------------------------------------------------

static void add_option(const mg_page *page, const mg_section *section, const mg_option *option,
                       const char *value, bool changed) {
    mg_writer *to = page->to;
    mg_writer_add(to, changed ? "<tr class=\"changed\"><th scope=\"row\"><code>"
                              : "<tr><th scope=\"row\"><code>");
    mg_writer_format(to, "%s.%s</code></th><td>", section->name, option->name);
    if (value[0]) mg_html_text(to, value);
    else mg_html_short(to, NAN, 1);
    mg_writer_add(to, changed ? "</td><td>set</td></tr>\n" : "</td><td>default</td></tr>\n");
}

static mg_status add_sections(const mg_page *page, const mg_config *preset, mg_error *error) {
    int sections;
    const mg_binding *all = mg_config_bindings(&sections);
    const char *set = (const char *)page->record->config, *unset = (const char *)preset;
    mg_status status = MG_OK;
    for (int s = 0; s < sections; s++)
        for (int i = 0; !status && i < all[s].section->count; i++) {
            const mg_option *option = &all[s].section->options[i];
            char *value = NULL, *other = NULL;
            status = mg_option_print(option, set + all[s].offset, &value, error);
            if (!status) status = mg_option_print(option, unset + all[s].offset, &other, error);
            if (!status) add_option(page, all[s].section, option, value, strcmp(value, other) != 0);
            mg_memory_free(value);
            mg_memory_free(other);
        }
    return status;
}

static void add_configuration(const mg_page *page) {
    mg_config *preset;
    mg_writer *to = page->to;
    if (!page->record->config) {
        mg_writer_add(to, "<p class=\"note\">The configuration is not shown: <code>");
        mg_html_text(to, page->record->config_path);
        mg_writer_add(to, "</code> is missing, or this version of margin cannot read it.</p>\n");
        return;
    }
    mg_error error = {0};
    mg_status status = mg_config_load(NULL, NULL, 0, &preset, &error);
    mg_writer_add(
        to, "<details><summary>Configuration</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" "
            "aria-label=\"Configuration\"><table class=\"config\"><caption>All options; those that differ "
            "from their default are marked</caption><thead><tr>");
    mg_html_head(to, "option", false);
    mg_html_head(to, "value", false);
    mg_html_head(to, "origin", false);
    mg_writer_add(to, "</tr></thead><tbody>\n");
    if (!status) status = add_sections(page, preset, &error);
    mg_writer_add(to, "</tbody></table></div></details>\n");
    mg_config_destroy(preset);
    mg_writer_fail(to, &error);
}

void mg_page_about(const mg_page *page) {
    mg_html_section(page->to, "about", "What was run");
    mg_writer_add(page->to, "<div class=\"three\">\n");
    add_data(page);
    add_machine(page);
    add_model(page);
    mg_writer_add(page->to, "</div>\n");
    add_configuration(page);
    mg_writer_add(page->to, "</section>\n");
}

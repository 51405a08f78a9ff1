// report.c - mg_report_write: reads the trainings, measures the model, and puts the sections of the page
// together.
#include "base/float_mode.h"
#include "base/memory.h"
#include "io/file.h"
#include "io/output.h"
#include "report/assets.h"
#include "report/fact_columns.h"
#include "report/page.h"

#include <margin/report.h>
#include <margin/version.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Every report begins with this; mg_report_check_output looks for it.
#define MARK "<!DOCTYPE html>\n<!-- margin report -->\n"

typedef struct report {
    const mg_report_request *request;
    mg_record *record; // [records]
    int records;
    bool has_model;
    mg_scoring scoring;
    mg_examined rows;
    char *note;
    mg_writer to;
} report;

// ---- the page ---------------------------------------------------------------------------------

static void add_asset(mg_writer *to, const mg_asset *asset) {
    mg_writer_add_bytes(to, asset->bytes, asset->size);
}

static void begin_page(report *r) {
    mg_writer *to = &r->to;
    mg_writer_add(to,
                  MARK "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<meta name=\"color-scheme\" content=\"light dark\">\n"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                       "'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
                       "<meta name=\"generator\" content=\"margin " MG_VERSION "\">\n<title>");
    mg_html_text(to, r->records == 1 ? r->record->path : "Comparison");
    mg_writer_add(to, " – margin report</title>\n<style>\n");
    add_asset(to, &mg_asset_uplot_css);
    add_asset(to, &mg_asset_report_css);
    mg_writer_add(to, "</style>\n</head>\n<body>\n");
}

static void end_page(report *r) {
    mg_writer *to = &r->to;
    mg_writer_add(to, "</main>\n<footer><p>Written by margin " MG_VERSION
                      ". This file needs no network; charts by "
                      "uPlot (MIT licence).</p></footer>\n<script>\n/*\n");
    add_asset(to, &mg_asset_uplot_licence);
    mg_writer_add(to, "*/\n");
    add_asset(to, &mg_asset_uplot_js);
    mg_writer_add(to, "\n");
    add_asset(to, &mg_asset_report_js);
    mg_writer_add(to, "</script>\n</body>\n</html>\n");
}

static mg_status add_sections(report *r, const mg_page *page, mg_error *error) {
    mg_status status = MG_OK;
    mg_page_summary(page);
    mg_writer_add(&r->to, "<main>\n");
    mg_page_points(page);
    mg_page_curves(page);
    status = mg_page_classes(page, error);
    if (!status) status = mg_page_scores(page, error);
    if (!status) status = mg_page_weights(page, error);
    if (!status) mg_page_mistakes(page);
    mg_page_about(page);
    return status;
}

static mg_status write_page(report *r, const char *seal, FILE *file, mg_error *error) {
    mg_page page = {.to = &r->to,
                    .record = r->record,
                    .records = r->records,
                    .model = r->has_model ? r->scoring.model : NULL,
                    .rows = r->rows.rows ? &r->rows : NULL,
                    .note = r->note};
    memcpy(page.seal, seal, sizeof page.seal);
    mg_status status = MG_OK;
    begin_page(r);
    if (r->records == 1) status = add_sections(r, &page, error);
    else {
        mg_page_runs(&page);
        mg_page_curves(&page);
    }
    end_page(r);
    return status ? status : mg_writer_print(&r->to, file, "the report", error);
}

// ---- the model --------------------------------------------------------------------------------

// Reads the digest of the content from the seal, which loading the model has checked.
static void read_seal(int fd, char out[20]) {
    unsigned char seal[MG_SEAL_BYTES];
    struct stat about;
    uint64_t digest;
    out[0] = 0;
    if (!fstat(fd, &about) && about.st_size > MG_SEAL_BYTES &&
        pread(fd, seal, sizeof seal, about.st_size - MG_SEAL_BYTES) == MG_SEAL_BYTES) {
        memcpy(&digest, seal + MG_SEAL_DIGEST, sizeof digest);
        snprintf(out, 20, "%016llx", (unsigned long long)digest);
    }
}

static mg_status examine(report *r, mg_error *error) {
    const mg_report_request *request = r->request;
    const mg_examine_request examine = {.record = r->record,
                                        .scoring = &r->scoring,
                                        .data = request->data,
                                        .features = request->features,
                                        .labels = request->labels,
                                        .names = request->names,
                                        .complete = request->complete,
                                        .skip_unknown = request->skip_unknown,
                                        .drop_unlabelled = request->drop_unlabelled,
                                        .side = mg_page_side(r->scoring.model)};
    return mg_examine(&examine, &r->rows, &r->note, error);
}

// A training without a model has only its lines; rows cannot be measured then.
static mg_status take_model(report *r, char seal[20], mg_error *error) {
    char *path;
    int fd = -1;
    const mg_report_request *request = r->request;
    mg_status status = mg_record_file(r->record, "model.h5", &path, error);
    if (status) return status;
    bool there = !access(path, F_OK);
    if (!there && request->data)
        status = mg_fail(error, MG_DATA, "%s: is missing, so %s cannot be measured: leave out --data%s", path,
                         request->data,
                         r->record->kind == MG_RECORD_CV ? " (a cross-validation keeps no model)" : "");
    if (!status && there) status = mg_file_open(path, MG_FILE_REGULAR, &fd, error);
    if (!status && there)
        status = mg_scoring_load(path, fd, request->threads, &request->notices, &r->scoring, error);
    if (!status && there) {
        r->has_model = true;
        read_seal(fd, seal);
        status = mg_record_check_model(r->record, r->scoring.model, error);
    }
    if (!status && there) status = examine(r, error);
    if (fd >= 0) close(fd);
    mg_memory_free(path);
    return status;
}

// ---- the report -------------------------------------------------------------------------------

static mg_status check_request(const mg_report_request *request, mg_error *error) {
    if (request->count < 1) return mg_fail(error, MG_USAGE, "the directory of a training is required");
    if (request->count > MG_REPORT_MOST)
        return mg_fail(error, MG_USAGE, "%d directories are too many for one report (at most %d)",
                       request->count, MG_REPORT_MOST);
    if (request->count > 1 && request->data)
        return mg_fail(error, MG_USAGE, "--data: only one training can be measured; give one directory");
    return MG_OK;
}

mg_status mg_report_write(const mg_report_request *request, FILE *file, mg_error *error) {
    MG_FLOAT_SCOPE;
    report r = {.request = request};
    char seal[20] = "";
    mg_status status = check_request(request, error);
    if (!status) status = mg_memory_zeroed(&r.record, (size_t)request->count, sizeof *r.record, error);
    for (int i = 0; !status && i < request->count; i++) {
        status = mg_record_read(request->directories[i], &r.record[i], error);
        r.records += !status;
    }
    if (!status && request->count == 1) status = take_model(&r, seal, error);
    if (!status) status = write_page(&r, seal, file, error);
    mg_writer_clear(&r.to);
    mg_examined_clear(&r.rows);
    if (r.has_model) mg_scoring_clear(&r.scoring);
    for (int i = 0; i < r.records; i++) mg_record_clear(&r.record[i]);
    mg_memory_free(r.record);
    mg_memory_free(r.note);
    return status;
}

// True for /dev/stdout and the like, which are written as they are: no file is replaced.
static bool is_descriptor(const char *path) {
    mg_place place;
    if (mg_place_find(path, &place, NULL)) return false;
    bool is = place.descriptor >= 0;
    mg_place_clear(&place);
    return is;
}

mg_status mg_report_check_output(const char *path, mg_error *error) {
    char begin[sizeof MARK] = "";
    struct stat about;
    int fd;
    if (stat(path, &about) || !S_ISREG(about.st_mode) || is_descriptor(path))
        return MG_OK; // opening it tells the rest
    mg_status status = mg_file_open(path, MG_FILE_REGULAR, &fd, error);
    if (status) return status;
    ssize_t got = pread(fd, begin, sizeof begin - 1, 0);
    close(fd);
    if (got == sizeof begin - 1 && !strcmp(begin, MARK)) return MG_OK;
    return mg_fail(error, MG_USAGE,
                   "%s: exists and is not a report: give another name with -o, or move it away", path);
}

// record.h - what a training has left in its directory: lines of JSON, the configuration, the model.
#ifndef MG_REPORT_RECORD_H
#define MG_REPORT_RECORD_H

#include "config/config.h"
#include "model/model.h"
#include "report/lines.h"

typedef enum mg_record_kind { MG_RECORD_RUN, MG_RECORD_PATH, MG_RECORD_CV } mg_record_kind;

typedef struct mg_record {
    char *path; // the directory, as given
    mg_record_kind kind;
    mg_lines events;    // metrics.jsonl; of a cross-validation, that of its first fold
    mg_lines points;    // path.jsonl or, of a cross-validation, cv.jsonl
    int64_t start, end; // the first `start` event and the last `end` event; -1: none
    mg_config *config;  // config.yaml; NULL: it is missing, or this margin cannot read it
    char *config_path;
    const char *status; // "finished", "running" or "stopped"
} mg_record;

// Reads a directory. Errors: MG_DATA (it holds no training, or a file is not what margin writes), MG_IO,
// MG_MEMORY.
mg_status mg_record_read(const char *directory, mg_record *out, mg_error *error);
void mg_record_clear(mg_record *record);

// True if the directory holds a training, or if this process may not see what it holds.
bool mg_record_is_there(const char *directory);

// The path of a file in the directory. Errors: MG_MEMORY.
mg_status mg_record_file(const mg_record *record, const char *name, char **out, mg_error *error);

// Refuses a model that belongs to another training, because the report would mix the numbers of both. Only
// what the lines of the training say can be compared. Errors: MG_DATA.
mg_status mg_record_check_model(const mg_record *record, const mg_model *model, mg_error *error);

// A text of the `start` event; NULL if there is none.
const char *mg_record_text(const mg_record *record, const char *key);

// The values that identify a run. NaN: unknown. For a path they are those of its best point, for a
// cross-validation of its best mean.
typedef struct mg_record_facts {
    double C, lambda, objective, dual, gap, validation, deviation, test, seconds, epochs;
    int64_t best; // line of the best point in `points`; -1: none
} mg_record_facts;
mg_record_facts mg_record_summarise(const mg_record *record);

#endif

// fact_columns.c - the table of the columns.
#include "report/fact_columns.h"

static const char *path_of(const mg_record *record) { return record->path; }
static const char *status_of(const mg_record *record) { return record->status; }
static const char *loss_of(const mg_record *record) { return mg_record_text(record, "loss"); }
static const char *solver_of(const mg_record *record) { return mg_record_text(record, "solver"); }
static const char *kind_of(const mg_record *record) {
    static const char *const names[] = {"train", "path", "cv"};
    return names[record->kind];
}

static double C_of(const mg_record_facts *facts) { return facts->C; }
static double objective_of(const mg_record_facts *facts) { return facts->objective; }
static double gap_of(const mg_record_facts *facts) { return facts->gap; }
static double validation_of(const mg_record_facts *facts) { return facts->validation; }
static double test_of(const mg_record_facts *facts) { return facts->test; }
static double seconds_of(const mg_record_facts *facts) { return facts->seconds; }

static const mg_fact_column columns[] = {
    {"run", MG_FACT_TEXT, 0, path_of, NULL},
    {"kind", MG_FACT_TEXT, 0, kind_of, NULL},
    {"status", MG_FACT_TEXT, 0, status_of, NULL},
    {"C", MG_FACT_NUMBER, 4, NULL, C_of},
    {"loss", MG_FACT_TEXT, 0, loss_of, NULL},
    {"solver", MG_FACT_TEXT, 0, solver_of, NULL},
    {"objective", MG_FACT_NUMBER, 6, NULL, objective_of},
    {"gap", MG_FACT_NUMBER, 2, NULL, gap_of},
    {"validation", MG_FACT_SHARE, 2, NULL, validation_of},
    {"test", MG_FACT_SHARE, 2, NULL, test_of},
    {"seconds", MG_FACT_SECONDS, 3, NULL, seconds_of},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

const mg_fact_column *mg_fact_column_at(int i) { return i >= 0 && i < COLUMNS ? &columns[i] : NULL; }

// fact_columns.h - the columns in which trainings are compared.
#ifndef MG_REPORT_FACT_COLUMNS_H
#define MG_REPORT_FACT_COLUMNS_H

#include "report/record.h"

typedef enum mg_fact_kind { MG_FACT_TEXT, MG_FACT_NUMBER, MG_FACT_SHARE, MG_FACT_SECONDS } mg_fact_kind;

typedef struct mg_fact_column {
    const char *name;
    mg_fact_kind kind;
    int digits;
    const char *(*text)(const mg_record *record);
    double (*number)(const mg_record_facts *facts);
} mg_fact_column;

const mg_fact_column *mg_fact_column_at(int i); // NULL after the last

#endif

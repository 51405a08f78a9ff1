// rate.c - the registry.
#include "rate/rate.h"

#include "rate/list.h"

#include <stddef.h>
#include <string.h>

#define MG_RATE_DECLARE(symbol) extern const mg_rate mg_rate_##symbol;
MG_RATE_LIST(MG_RATE_DECLARE)

static const mg_rate *const schedules[] = {
#define MG_RATE_ROW(symbol) &mg_rate_##symbol,
    MG_RATE_LIST(MG_RATE_ROW)};

const mg_rate *mg_rate_at(int i) {
    return i >= 0 && i < (int)(sizeof schedules / sizeof *schedules) ? schedules[i] : NULL;
}

const char *mg_rate_name(int i) {
    const mg_rate *schedule = mg_rate_at(i);
    return schedule ? schedule->name : NULL;
}

const mg_rate *mg_rate_find(const char *name) {
    for (int i = 0; mg_rate_at(i); i++)
        if (!strcmp(mg_rate_at(i)->name, name)) return mg_rate_at(i);
    return NULL;
}

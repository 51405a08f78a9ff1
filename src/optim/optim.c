// optim.c - the registry.
#include "optim/optim.h"

#include "optim/list.h"

#include <stddef.h>
#include <string.h>

#define MG_OPTIM_DECLARE(symbol) extern const mg_optim mg_optim_##symbol;
MG_OPTIM_LIST(MG_OPTIM_DECLARE)

static const mg_optim *const rules[] = {
#define MG_OPTIM_ROW(symbol) &mg_optim_##symbol,
    MG_OPTIM_LIST(MG_OPTIM_ROW)};

const mg_optim *mg_optim_at(int i) {
    return i >= 0 && i < (int)(sizeof rules / sizeof *rules) ? rules[i] : NULL;
}

const char *mg_optim_name(int i) {
    const mg_optim *rule = mg_optim_at(i);
    return rule ? rule->name : NULL;
}

const mg_optim *mg_optim_find(const char *name) {
    for (int i = 0; mg_optim_at(i); i++)
        if (!strcmp(mg_optim_at(i)->name, name)) return mg_optim_at(i);
    return NULL;
}

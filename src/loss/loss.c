// loss.c - the registry.
#include "loss/loss.h"

#include "loss/list.h"

#include <stddef.h>
#include <string.h>

#define MG_LOSS_DECLARE(symbol) extern const mg_loss mg_loss_##symbol;
MG_LOSS_LIST(MG_LOSS_DECLARE)

static const mg_loss *const losses[] = {
#define MG_LOSS_ROW(symbol) &mg_loss_##symbol,
    MG_LOSS_LIST(MG_LOSS_ROW)};

const mg_loss *mg_loss_at(int i) {
    return i >= 0 && i < (int)(sizeof losses / sizeof *losses) ? losses[i] : NULL;
}

const char *mg_loss_name(int i) {
    const mg_loss *loss = mg_loss_at(i);
    return loss ? loss->name : NULL;
}

const mg_loss *mg_loss_find(const char *name) {
    for (int i = 0; mg_loss_at(i); i++)
        if (!strcmp(mg_loss_at(i)->name, name)) return mg_loss_at(i);
    return NULL;
}

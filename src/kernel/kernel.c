// kernel.c - the registry of kernels and the choice among them.
#include "kernel/kernel.h"

#include "kernel/list.h"

#include <margin/nearest.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MG_KERNEL_DECLARE(symbol) extern const mg_kernel mg_kernel_##symbol;
MG_KERNEL_LIST(MG_KERNEL_DECLARE)

static const mg_kernel *const kernels[] = {
#define MG_KERNEL_ROW(symbol) &mg_kernel_##symbol,
    MG_KERNEL_LIST(MG_KERNEL_ROW)};

enum { KERNELS = sizeof kernels / sizeof *kernels };

const mg_kernel *mg_kernel_at(int i) { return i >= 0 && i < KERNELS ? kernels[i] : NULL; }

// Writes the names of the kernels that this machine can run, for a message.
static void usable_names(char *out, size_t size) {
    size_t used = 0;
    for (int i = 0; i < KERNELS; i++) {
        if (!kernels[i]->usable()) continue;
        int wrote = snprintf(out + used, size - used, "%s%s", used ? ", " : "", kernels[i]->name);
        if (wrote < 0 || (size_t)wrote >= size - used) return;
        used += (size_t)wrote;
    }
}

static const char *kernel_name(int i, const void *context) {
    (void)context;
    return i < KERNELS ? kernels[i]->name : NULL;
}

mg_status mg_kernel_select(const mg_kernel **out, mg_error *error) {
    const char *wanted = getenv("MARGIN_KERNEL");
    if (wanted && !*wanted) wanted = NULL;
    bool known = false;
    *out = NULL;
    for (int i = 0; i < KERNELS; i++) {
        if (wanted && strcmp(wanted, kernels[i]->name) != 0) continue;
        known = true;
        if (!kernels[i]->usable()) continue;
        *out = kernels[i];
        return MG_OK;
    }
    char names[256] = "", hint[MG_NEAREST_TEXT];
    usable_names(names, sizeof names);
    if (known)
        return mg_fail(error, MG_USAGE,
                       "MARGIN_KERNEL: this machine cannot run the kernel '%s'; it can run %s", wanted,
                       names);
    return mg_fail(error, MG_USAGE, "MARGIN_KERNEL: unknown kernel '%s'; this machine can run %s%s", wanted,
                   names, mg_nearest_hint(wanted, kernel_name, NULL, hint));
}

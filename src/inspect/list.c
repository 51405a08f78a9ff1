// list.c - lists the registries: the name of each entry, what it is, and what helps to choose.
#include "base/writer.h"
#include "export/export.h"
#include "format/format.h"
#include "kernel/kernel.h"
#include "loss/loss.h"
#include "optim/optim.h"
#include "rate/rate.h"
#include "solver/choose.h"

#include <margin/list.h>
#include <margin/nearest.h>

#include <string.h>

static void add_row(mg_writer *out, const char *name, const char *help) {
    mg_writer_format(out, "  %-24s %s\n", name, help);
}

static mg_status list_losses(mg_writer *out, mg_error *error) {
    (void)error;
    for (int i = 0; mg_loss_at(i); i++) add_row(out, mg_loss_at(i)->name, mg_loss_at(i)->help);
    return MG_OK;
}

static mg_status list_solvers(mg_writer *out, mg_error *error) {
    (void)error;
    for (int i = 0; mg_solver_at(i); i++) {
        add_row(out, mg_solver_at(i)->name, mg_solver_at(i)->help);
        mg_writer_format(out, "  %-24s certifies %s\n", "", mg_solver_at(i)->certifies);
    }
    mg_solver_list_choices(out);
    return MG_OK;
}

static mg_status list_updates(mg_writer *out, mg_error *error) {
    (void)error;
    for (int i = 0; mg_optim_at(i); i++) add_row(out, mg_optim_at(i)->name, mg_optim_at(i)->help);
    return MG_OK;
}

static mg_status list_rates(mg_writer *out, mg_error *error) {
    (void)error;
    for (int i = 0; mg_rate_at(i); i++) add_row(out, mg_rate_at(i)->name, mg_rate_at(i)->help);
    return MG_OK;
}

static mg_status list_formats(mg_writer *out, mg_error *error) {
    (void)error;
    for (int i = 0; mg_format_at(i); i++) add_row(out, mg_format_at(i)->name, mg_format_at(i)->help);
    return MG_OK;
}

static mg_status list_exports(mg_writer *out, mg_error *error) {
    (void)error;
    for (int i = 0; mg_export_at(i); i++) add_row(out, mg_export_at(i)->name, mg_export_at(i)->help);
    return MG_OK;
}

static mg_status list_kernels(mg_writer *out, mg_error *error) {
    const mg_kernel *chosen;
    mg_status status = mg_kernel_select(&chosen, error);
    for (int i = 0; !status && mg_kernel_at(i); i++) {
        const mg_kernel *kernel = mg_kernel_at(i);
        add_row(out, kernel->name, kernel->help);
        mg_writer_format(out, "  %-24s %s\n", "",
                         kernel == chosen   ? "usable here, and in use (MARGIN_KERNEL selects another)"
                         : kernel->usable() ? "usable here"
                                            : "not usable here");
    }
    return status;
}

static const struct kind {
    const char *name;
    const char *option; // the option that takes these names; "" if there is none
    mg_status (*list)(mg_writer *out, mg_error *error);
} kinds[] = {
    {"losses", " (model.loss)", list_losses},
    {"solvers", " (train.solver)", list_solvers},
    {"updates", " (sgd.update)", list_updates},
    {"rates", " (sgd.rate)", list_rates},
    {"formats", " (convert --format)", list_formats},
    {"exports", " (export --format)", list_exports},
    {"kernels", "", list_kernels},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

const char *mg_list_kind(int i) { return i >= 0 && i < KINDS ? kinds[i].name : NULL; }

static const char *kind_name(int i, const void *context) {
    (void)context;
    return mg_list_kind(i);
}

static mg_status unknown_kind(const char *kind, mg_error *error) {
    char hint[MG_NEAREST_TEXT];
    return mg_fail(error, MG_USAGE,
                   "unknown kind %s (losses, solvers, updates, rates, formats, exports, kernels)%s", kind,
                   mg_nearest_hint(kind, kind_name, NULL, hint));
}

mg_status mg_list_print(const char *kind, FILE *file, mg_error *error) {
    mg_writer out = {0};
    bool found = false;
    mg_status status = MG_OK;
    for (int i = 0; !status && i < KINDS; i++) {
        if (kind && strcmp(kind, kinds[i].name)) continue;
        mg_writer_format(&out, "%s%s%s\n", found ? "\n" : "", kinds[i].name, kinds[i].option);
        status = kinds[i].list(&out, error);
        found = true;
    }
    if (!status && !found) status = unknown_kind(kind, error);
    if (!status) return mg_writer_print(&out, file, "the list", error);
    mg_writer_clear(&out);
    return status;
}

// eval.c - the command eval: measures of a model on labelled data, as a table or as one JSON object.
#include "cli/flags.h"
#include "cli/progress.h"

#include <margin/measure.h>
#include <margin/printable.h>

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define LEAST_CLOSE 0.01 // fraction of close rows from which on a line about them is shown
enum { MOST_CLASSES = 30, WORST_CLASSES = 10, CONFUSIONS = 10, LABEL_COLUMNS = 40 };

// ---- the table ----------------------------------------------------------------------------------

// The number of columns that a label takes on the terminal, as mg_cli_put writes it.
static int columns_of(const char *label) {
    char piece[MG_PRINTABLE_PIECE];
    int columns = 0;
    for (int bytes; (bytes = mg_printable_next(&label, piece)) > 0;) {
        mbstate_t state = {0};
        wchar_t wide;
        bool one = piece[0] != '\\' && mbrtowc(&wide, piece, (size_t)bytes, &state) == (size_t)bytes;
        int width = one ? wcwidth(wide) : bytes;
        columns += width < 0 ? 1 : width;
    }
    return columns;
}

static void put_label(const char *label, int width) {
    int columns = columns_of(label);
    mg_cli_put(stdout, label);
    printf("%*s", columns < width ? width - columns : 0, "");
}

static void put_percent(double value) {
    if (isnan(value)) printf("         -");
    else printf("  %7.2f%%", 100 * value);
}

static int width_of(const mg_measurement *m, const int64_t *order, int64_t count) {
    int width = 5;
    for (int64_t i = 0; i < count; i++) {
        int columns = columns_of(m->per_class[order[i]].label);
        if (columns > width) width = columns;
    }
    return width < LABEL_COLUMNS ? width : LABEL_COLUMNS;
}

static int64_t *in_order(int64_t count) {
    int64_t *order = malloc((size_t)count * sizeof *order);
    for (int64_t k = 0; order && k < count; k++) order[k] = k;
    return order;
}

// Order by f1. Classes without rows have no f1 and come last.
static int by_f1(const void *a, const void *b, void *context) {
    const mg_measurement *m = context;
    int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;
    double x = m->per_class[i].support ? m->per_class[i].f1 : 2,
           y = m->per_class[j].support ? m->per_class[j].f1 : 2;
    return x != y ? (x > y) - (x < y) : (i > j) - (i < j);
}

static void show_classes(const mg_measurement *m) {
    int64_t *order = in_order(m->classes), count = m->classes;
    if (!order) return;
    if (count > MOST_CLASSES) {
        qsort_r(order, (size_t)count, sizeof *order, by_f1, (void *)(uintptr_t)m);
        count = WORST_CLASSES;
    }
    int width = width_of(m, order, count);
    printf("\n%-*s  precision    recall        f1    support\n", width, "class");
    for (int64_t i = 0; i < count; i++) {
        const mg_class_measure *one = &m->per_class[order[i]];
        put_label(one->label, width);
        put_percent(one->precision);
        put_percent(one->recall);
        put_percent(one->f1);
        printf("  %9" PRId64 "\n", one->support);
    }
    if (count < m->classes)
        printf("the %d worst of %" PRId64 " classes by f1; --json has all\n", WORST_CLASSES, m->classes);
    free(order);
}

typedef struct confusion {
    int64_t y, k, rows;
} confusion;

static void show_confusion(const mg_measurement *m, const confusion *one) {
    printf("  %9" PRId64 "  ", one->rows);
    mg_cli_put(stdout, m->per_class[one->y].label);
    printf(" taken for ");
    mg_cli_put(stdout, m->per_class[one->k].label);
    printf(" (%.2f%% of its rows)\n", 100 * (double)one->rows / (double)m->per_class[one->y].support);
}

static void show_confusions(const mg_measurement *m) {
    confusion most[CONFUSIONS];
    int count = 0;
    for (int64_t y = 0; m->confusion && y < m->classes; y++)
        for (int64_t k = 0; k < m->classes; k++) {
            int64_t rows = m->confusion[y * m->classes + k];
            if (y == k || !rows) continue;
            int at = count;
            while (at > 0 && rows > most[at - 1].rows) at--;
            if (at == CONFUSIONS) continue;
            count += count < CONFUSIONS;
            memmove(most + at + 1, most + at, (size_t)(count - at - 1) * sizeof *most);
            most[at] = (confusion){y, k, rows};
        }
    if (count) printf("\nmost frequent confusions\n");
    for (int i = 0; i < count; i++) show_confusion(m, &most[i]);
}

// Prints the number of close rows, if there are many. If classes are well separated, about one row in a
// thousand is close.
static void show_close(const mg_measurement *m) {
    char text[32];
    if ((double)m->close_rows < LEAST_CLOSE * (double)m->rows) return;
    printf("close      %s rows (%.2f%%): their two highest scores differ by at most 0.001 of the spread of "
           "the scores, so small changes of data or options can change their answers\n",
           mg_cli_count((double)m->close_rows, text), 100 * (double)m->close_rows / (double)m->rows);
}

static void show(const mg_measurement *m) {
    static const int ks[] = {1, 2, 3, 5, 10};
    char text[32];
    printf("model      ");
    mg_cli_put(stdout, m->model);
    printf(" (%s)\ndata       ", m->loss);
    mg_cli_put(stdout, m->data);
    printf(", %s rows", mg_cli_count((double)m->rows, text));
    if (m->skipped) printf(", %s left out", mg_cli_count((double)m->skipped, text));
    printf("\naccuracy   %.2f%% (%s right)\n", 100 * m->accuracy, mg_cli_count((double)m->correct, text));
    printf("macro f1   %.2f%%\n", 100 * m->macro_f1);
    printf("mean loss  %.6f\nobjective  %.6f\n", m->mean_loss, m->objective);
    if (!isnan(m->log_loss))
        printf("log-loss   %.6f of the probabilities, expected calibration error %.4f\n", m->log_loss,
               m->ece);
    for (size_t i = 1; i < sizeof ks / sizeof *ks && ks[i] < m->classes; i++)
        printf("%stop-%d %.2f%%", i > 1 ? "  " : "top-k      ", ks[i],
               100 * (double)m->top[ks[i] - 1] / (double)m->rows);
    if (m->classes > 2) printf("\n");
    show_close(m);
    show_classes(m);
    show_confusions(m);
}

// ---- the command --------------------------------------------------------------------------------

int mg_command_eval(int argc, char **argv) {
    static const struct argp argp = {
        NULL,
        NULL,
        "MODEL DATA",
        "Measures a model on labelled rows: accuracy, loss, objective, the figures of each class, the most "
        "frequent confusions."
        "\vExample:\n"
        "  margin eval runs/first/model.h5 test.h5\n"
        "  margin eval runs/first/model.h5 test.h5 --json | python3 -m json.tool\n\n"
        "A line `close` appears when many rows are close: their two highest scores differ by at most 0.001 "
        "of the spread of the scores (the root mean square of a score minus the mean of its row).\n\n"
        "DATA is an HDF5 file, or a file of any format that margin convert reads, which is then read by the "
        "recipe of the model. "
        "It is read block by block and never held in memory as a whole. Weights count in the mean loss, the "
        "objective and the measures of probabilities. A value that would be a division "
        "by zero is null, such as the precision of a class that was never predicted. log_loss and ece are "
        "those of the probabilities; they are null if the model gives none (margin calibrate).",
        NULL,
        NULL,
        NULL};
    mg_cli_flags flags = {0};
    mg_measurement *measurement;
    mg_error error = {0};
    if (mg_cli_parse_flags(&argp, MG_CLI_ROWS | MG_CLI_LABELS | MG_CLI_WEIGHTS | MG_CLI_JSON, argc, argv,
                           NULL, &flags))
        return 2;
    const mg_measure_request request = {.model = flags.model,
                                        .data = flags.data,
                                        .features = flags.features,
                                        .names = flags.names,
                                        .complete = flags.complete,
                                        .labels = flags.labels,
                                        .weights = flags.weights,
                                        .skip_unknown = flags.skip_unknown,
                                        .drop_unlabelled = flags.drop_unlabelled,
                                        .threads = flags.threads,
                                        .notices.message = mg_cli_notice};
    mg_cli_results();
    // Labels are UTF-8, whatever the locale is. Only LC_CTYPE is set, so numbers keep their decimal point.
    setlocale(LC_CTYPE, "C.UTF-8");
    mg_cli_begin_progress();
    mg_status status = mg_measure(&request, &measurement, &error);
    mg_cli_end_progress();
    if (status) return mg_cli_fail("eval", &error);
    if (flags.json) status = mg_measurement_print_json(measurement, stdout, &error);
    else show(measurement);
    mg_measurement_destroy(measurement);
    return status ? mg_cli_fail("eval", &error) : 0;
}

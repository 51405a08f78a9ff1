// options.c - the tables of the options of sections checkpoint and output.
#include "train/options.h"

#define AT(field) offsetof(mg_checkpoint_options, field)
static const mg_option checkpoint_rows[] = {
    {"every_seconds", MG_OPTION_SECONDS, AT(every_seconds), "60", 0, 1e9, NULL, NULL, false,
     "Seconds between checkpoints. 0 = not by time."},
    {"every_steps", MG_OPTION_INT, AT(every_steps), "0", 0, 1e15, NULL, NULL, false,
     "Steps between checkpoints. 0 = not by steps."},
    {"every_epochs", MG_OPTION_INT, AT(every_epochs), "0", 0, 1e9, NULL, NULL, false,
     "Epochs between checkpoints. 0 = not by epochs. A checkpoint is always written at the end of a run."},
    {"keep", MG_OPTION_INT, AT(keep), "2", 1, 1e6, NULL, NULL, false,
     "Number of checkpoints to keep. Older ones are deleted when a newer one is on disk."},
};
#undef AT

const mg_section mg_checkpoint_section = {
    .name = "checkpoint",
    .help = "when checkpoints are written",
    .options = checkpoint_rows,
    .count = sizeof checkpoint_rows / sizeof *checkpoint_rows,
};

#define AT(field) offsetof(mg_output_options, field)
static const mg_option output_rows[] = {
    {"directory", MG_OPTION_TEXT, AT(directory), "", 0, 0, NULL, NULL, false,
     "Directory of the run. Default: runs/<name of the config file>; path and cv add -path or -cv to it."},
};
#undef AT

const mg_section mg_output_section = {
    .name = "output",
    .help = "where the run is written",
    .options = output_rows,
    .count = sizeof output_rows / sizeof *output_rows,
};

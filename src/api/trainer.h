// trainer.h - converts a configuration to the options of a run.
#ifndef MG_API_TRAINER_H
#define MG_API_TRAINER_H

#include "config/config.h"
#include "train/grid.h"
#include "train/trainer.h"

typedef struct mg_config_trainer {
    mg_trainer_options options; // valid as long as the configuration and this struct exist
    char *canonical, *resolved;
} mg_config_trainer; // must be zero before mg_config_trainer_open

// Sets the options of the trainer. grid: part of the canonical text and of config.yaml; NULL if there is
// none. Errors: MG_MEMORY.
mg_status mg_config_trainer_open(const mg_config *config, const mg_grid *grid, mg_config_trainer *trainer,
                                 mg_error *error);

// Makes the run read its rows from the open file `train`, and replaces these sections of the configuration.
void mg_config_trainer_take_arrays(mg_config_trainer *trainer, mg_h5 *train, const mg_data_options *data,
                                   const mg_output_options *output, const mg_trainer_memory *memory);
void mg_config_trainer_close(mg_config_trainer *trainer);

#endif

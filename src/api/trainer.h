// trainer.h - the options of a run from a configuration.
#ifndef MG_API_TRAINER_H
#define MG_API_TRAINER_H

#include "config/config.h"
#include "train/grid.h"
#include "train/trainer.h"

typedef struct mg_config_trainer {
    mg_trainer_options options; // valid as long as the configuration and this struct
    char *canonical, *resolved;
} mg_config_trainer; // zero before it is opened

// grid NULL: there is none; otherwise both texts contain it. Errors: MG_MEMORY.
mg_status mg_config_trainer_open(const mg_config *config, const mg_grid *grid, mg_config_trainer *trainer,
                                 mg_error *error);

// The run takes its rows from the open file `train`, and replaces these options of the configuration.
void mg_config_trainer_take_arrays(mg_config_trainer *trainer, mg_h5 *train, const mg_data_options *data,
                                   const mg_output_options *output, const mg_trainer_memory *memory);
void mg_config_trainer_close(mg_config_trainer *trainer);

#endif

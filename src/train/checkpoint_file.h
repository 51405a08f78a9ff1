// checkpoint_file.h - writes and restores one checkpoint file. Internal to train/checkpoint*.c.
#ifndef MG_TRAIN_CHECKPOINT_FILE_H
#define MG_TRAIN_CHECKPOINT_FILE_H

#include "train/checkpoint.h"

// Writes a checkpoint under this name. Errors: MG_MEMORY, MG_IO.
mg_status mg_checkpoint_write(const mg_directory *directory, const char *name, const mg_identity *identity,
                              const mg_checkpoint_state *state, mg_error *error);

// *verified becomes true if the seal fits the bytes. Then an error means that the file belongs to another
// run, not that it is damaged. Errors: as mg_checkpoint_resume.
mg_status mg_checkpoint_restore(const mg_directory *directory, const char *name, const mg_identity *identity,
                                const mg_checkpoint_state *state, const mg_resume_hooks *hooks,
                                bool *verified, mg_error *error);

#endif

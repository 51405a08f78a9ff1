// checkpoint_file.h - one checkpoint file: position and fields into it and back. Internal to
// train/checkpoint*.c.
#ifndef MG_TRAIN_CHECKPOINT_FILE_H
#define MG_TRAIN_CHECKPOINT_FILE_H

#include "train/checkpoint.h"

// Errors: MG_MEMORY, MG_IO.
mg_status mg_checkpoint_write(const mg_directory *directory, const char *name, const mg_identity *identity,
                              const mg_checkpoint_state *state, mg_error *error);

// *verified tells whether the file was sound, so that a sound file of another run is told from a damaged one.
mg_status mg_checkpoint_restore(const mg_directory *directory, const char *name, const mg_identity *identity,
                                const mg_checkpoint_state *state, const mg_resume_hooks *hooks,
                                bool *verified, mg_error *error);

#endif

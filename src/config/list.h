// list.h - the sections of a configuration file, in the order in which they are printed. A section is defined
// in the folder that it configures. A new one needs an options.h and options.c there, the include in
// config.h, and a row here: X(section, struct, field of mg_config). Sections of solvers have no row: they
// follow `train`, in the order of the registry of solvers (config.c).
#ifndef MG_CONFIG_LIST_H
#define MG_CONFIG_LIST_H

#define MG_CONFIG_LIST(X)                                                                                    \
    X(mg_data_section, mg_data_options, data)                                                                \
    X(mg_model_section, mg_model_options, model)                                                             \
    X(mg_train_section, mg_train_options, train)                                                             \
    X(mg_checkpoint_section, mg_checkpoint_options, checkpoint)                                              \
    X(mg_output_section, mg_output_options, output)

#endif

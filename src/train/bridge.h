// bridge.h - converts between the weights of a model file and those that the kernels use.
#ifndef MG_TRAIN_BRIDGE_H
#define MG_TRAIN_BRIDGE_H

#include "model/model.h"
#include "solver/problem.h"
#include "solver/weights.h"

// Creates weights in the arrangement that rows of `layout` need. They give the same scores as the model: its
// bias is in weights->offset, and weights->bias is zero. The rows hold the columns `used`, or all if its
// width is 0; weights of other features are left out.
mg_status mg_bridge_weights(const mg_model *model, mg_layout layout, const mg_used *used, mg_weights *weights,
                            mg_error *error);

// Creates weights of a problem with all columns that training can start from. The weights of the constant
// feature follow from the model's bias. Errors: MG_DATA, MG_MEMORY.
mg_status mg_bridge_start(const mg_model *model, const mg_problem *problem, mg_weights *weights,
                          mg_error *error);

// Copies the weights into the arrays of a model with the same used features.
void mg_bridge_model(const mg_weights *weights, mg_model *model);

#endif

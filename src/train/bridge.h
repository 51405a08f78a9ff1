// bridge.h - between a model as its file has it and weights as the kernels want them.
#ifndef MG_TRAIN_BRIDGE_H
#define MG_TRAIN_BRIDGE_H

#include "model/model.h"
#include "solver/problem.h"
#include "solver/weights.h"

// Weights for rows of `layout` that score as the model does: its bias becomes the offset (weights->bias stays
// zero).
mg_status mg_bridge_weights(const mg_model *model, mg_layout layout, mg_weights *weights, mg_error *error);

// Weights training can go on from: the constant feature's weights are recovered from the model's bias.
mg_status mg_bridge_start(const mg_model *model, const mg_problem *problem, mg_weights *weights,
                          mg_error *error);

// The weights into the model's arrays.
void mg_bridge_model(const mg_weights *weights, mg_model *model);

#endif

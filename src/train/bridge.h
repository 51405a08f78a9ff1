// bridge.h - converts between the weights of a model file and the weights that kernels read.
#ifndef MG_TRAIN_BRIDGE_H
#define MG_TRAIN_BRIDGE_H

#include "model/model.h"
#include "solver/problem.h"
#include "solver/weights.h"

// Creates weights for rows of `layout` that give the same scores as the model. The bias of the model is in
// weights->offset; weights->bias is zero. `used`: the columns that the rows hold; if its width is 0, they
// hold all columns. Weights of other features are left out. Errors: MG_MEMORY.
mg_status mg_bridge_weights(const mg_model *model, mg_layout layout, const mg_used *used, mg_weights *weights,
                            mg_error *error);

// Creates weights of the problem's shape, including unused features, from which training can start. The
// weights of the constant feature are the model's bias divided by its value. Errors: MG_DATA, MG_MEMORY.
mg_status mg_bridge_start(const mg_model *model, const mg_problem *problem, mg_weights *weights,
                          mg_error *error);

// Copies the weights into the arrays of a model with the same used features.
void mg_bridge_model(const mg_weights *weights, mg_model *model);

#endif

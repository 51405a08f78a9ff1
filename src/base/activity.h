// activity.h - tells what the library is doing, for mg_activity_get. Within a piece of work, smaller ones are
// not told.
#ifndef MG_BASE_ACTIVITY_H
#define MG_BASE_ACTIVITY_H

#include <margin/activity.h>

#include <stdbool.h>

// Begins a piece of work; returns false if another one has begun before and not ended. what: a constant text.
bool mg_activity_begin(const char *what, int64_t total);

// `began`: what mg_activity_begin has returned. mg_activity_advance: `count` more pieces are done.
void mg_activity_advance(bool began, int64_t count);
void mg_activity_end(const bool *began);

// Begins a piece of work that ends with the enclosing block. `activity` becomes what mg_activity_begin
// returns.
#define MG_ACTIVITY(what, total)                                                                             \
    const bool activity __attribute__((cleanup(mg_activity_end), unused)) = mg_activity_begin(what, total)

#endif

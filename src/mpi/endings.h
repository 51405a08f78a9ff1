// endings.h - what the ranks of a job tell each other about their end.
#ifndef MG_MPI_ENDINGS_H
#define MG_MPI_ENDINGS_H

#include <stdbool.h>

// In place of the exit status of the command. NONE: the rank has not ended. BROKEN: it cannot reach another
// rank any more.
enum { MG_ENDING_NONE = -2, MG_ENDING_BROKEN = -1 };

typedef struct mg_ending {
    int status;
    double noticed; // when this rank learned it, in seconds of mg_clock_seconds
} mg_ending;

// Returns false if MPI refuses, or without memory.
bool mg_endings_begin(int rank, int ranks);

// Tells all other ranks; further calls do nothing.
void mg_endings_tell(int status);

// Looks for news, and lets messages of mg_endings_tell leave.
void mg_endings_look(void);

// What is known of a rank since the last look.
mg_ending mg_endings_of(int rank);

// True if all other ranks have told their status, and this one's message has left. *broken: some rank is
// BROKEN.
bool mg_endings_are_known(bool *broken);

#endif

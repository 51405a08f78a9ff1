// lock.h - one process at a time: a lock on a directory that the kernel gives back when its holder dies, however it dies.
#ifndef MG_IO_LOCK_H
#define MG_IO_LOCK_H

#include "base/status.h"

#include <stdbool.h>

typedef struct mg_lock {
    int fd;
    char *path; // of the file `lock` in the directory, which is there while the lock is held
    bool held;
} mg_lock; // starts zeroed

// Takes the lock of `directory`. On a file system without locks it is taken as granted. Errors: MG_CONFIG naming the process that
// holds it; MG_IO, MG_MEMORY.
mg_status mg_lock_take(const char *directory, mg_lock *lock, mg_error *error);
void mg_lock_release(mg_lock *lock); // one that is not held is fine

#endif

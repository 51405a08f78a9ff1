// lock.h - one process at a time: a lock on a directory that the kernel gives back when its holder dies,
// however it dies.
#ifndef MG_IO_LOCK_H
#define MG_IO_LOCK_H

#include "io/directory.h"

typedef struct mg_lock {
    int fd; // of the file `lock` in the directory, which is there while the lock is held
    const mg_directory *directory;
    bool held;
} mg_lock; // starts zeroed

// Takes the lock of `directory`, which must stay open as long. On a file system without locks it is taken as
// granted. Errors: MG_CONFIG naming the process that holds it; MG_IO, MG_MEMORY.
mg_status mg_lock_take(const mg_directory *directory, mg_lock *lock, mg_error *error);

// Deletes the file, if it is still the one that is locked, and lets go. One that is not held is fine.
void mg_lock_release(mg_lock *lock);

#endif

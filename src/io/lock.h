// lock.h - a lock on a directory, which one process can hold at a time. The kernel releases it when the
// process ends in any way.
#ifndef MG_IO_LOCK_H
#define MG_IO_LOCK_H

#include "io/directory.h"

typedef struct mg_lock {
    int fd; // descriptor of the file `lock` in the directory; the file exists while the lock is held
    const mg_directory *directory;
    bool held;
} mg_lock; // must be zero before mg_lock_take

// Locks `directory`, which must stay open until the lock is released. On a file system without locks it
// succeeds without locking. Errors: MG_CONFIG with the process that holds the lock; MG_IO, MG_MEMORY.
mg_status mg_lock_take(const mg_directory *directory, mg_lock *lock, mg_error *error);

// The same, with another advice in the message: "wait until it ends, or " and `otherwise`.
mg_status mg_lock_take_or(const mg_directory *directory, const char *otherwise, mg_lock *lock,
                          mg_error *error);

// Returns true if a process holds the lock whose file is `path`. Takes no lock itself, so no other command
// fails because of it. The process id in the file proves nothing: its process may have been killed, and
// another one may have its number.
bool mg_lock_is_held(const char *path);

// Deletes the lock file, if it is still the locked one, and releases the lock. Does nothing if the lock is
// not held.
void mg_lock_release(mg_lock *lock);

#endif

// directory.h - an open directory. Names in it are relative to its descriptor. So if it is renamed, work
// continues in it, and a directory that takes its old path is not touched. Files are replaced as a whole: a
// reader sees the old file or the new one, never a mixture.
#ifndef MG_IO_DIRECTORY_H
#define MG_IO_DIRECTORY_H

#include "io/file.h"

#include <sys/stat.h>

typedef struct mg_directory mg_directory;

// Opens a directory. `make`: creates it and its missing parents, and syncs each new name to disk. Errors:
// MG_IO, MG_MEMORY.
mg_status mg_directory_open(const char *path, bool make, mg_directory **out, mg_error *error);

// Opens the directory `name` in `parent`, which may be closed afterwards. A symbolic link is refused (errno
// is ENOTDIR), so that nothing outside of `parent` can be written, deleted or moved.
mg_status mg_directory_open_own(const mg_directory *parent, const char *name, bool make, mg_directory **out,
                                mg_error *error);

// Opens the directory that contains `path`; *name becomes a pointer to the last part of `path`.
mg_status mg_directory_open_parent(const char *path, mg_directory **out, const char **name, mg_error *error);
void mg_directory_close(mg_directory *directory); // NULL is allowed

// the path with which it was opened, for messages
const char *mg_directory_path(const mg_directory *directory);
int mg_directory_descriptor(const mg_directory *directory);

// Returns true if the path with which it was opened still refers to it.
bool mg_directory_has_its_path(const mg_directory *directory);

// Returns true if `name` in the directory is the file or directory of the open descriptor.
bool mg_directory_leads_to(const mg_directory *directory, const char *name, int fd);

// Returns true if anything has this name. A symbolic link counts, whatever it points to. So does a name whose
// file cannot be examined.
bool mg_directory_holds(const mg_directory *directory, const char *name);

// Returns true if nothing can be opened under this name: there is no such name, or it is a link that leads to
// nothing.
bool mg_directory_lacks(const mg_directory *directory, const char *name);

// Creates the path of `name` in the directory, for messages; the caller frees *out.
mg_status mg_directory_name(const mg_directory *directory, const char *name, char **out, mg_error *error);

// Opens a regular file in the directory for reading. Errors: MG_IO.
mg_status mg_directory_open_file(const mg_directory *directory, const char *name, int *fd, mg_error *error);

// Sets *same to whether the file of this name holds exactly `text`; false if there is no such file. Errors:
// MG_IO (it is there, but cannot be read), MG_MEMORY.
mg_status mg_directory_is_text(const mg_directory *directory, const char *name, const char *text, bool *same,
                               mg_error *error);

// What had a name at some moment: nothing, unless `exists` is set. It must be cleared then.
typedef struct mg_named {
    bool exists;
    struct stat about;
    int fd; // opened with O_PATH, so that no new file gets the number of its inode
} mg_named;

// Looks at a name without following a link. Returns false, with errno, if it cannot be examined.
bool mg_directory_look(const mg_directory *directory, const char *name, mg_named *out);
void mg_named_clear(mg_named *was);

// Replaces the whole file by `size` bytes: temporary file, fsync, rename, fsync of the directory. On failure
// the old file is kept and the temporary file is deleted. Errors: MG_IO with path and reason.
mg_status mg_directory_write(const mg_directory *directory, const char *name, const void *bytes, size_t size,
                             mg_error *error);

// The same, with a seal after the `size` bytes of content. `was`: as for mg_directory_end.
mg_status mg_directory_write_sealed(const mg_directory *directory, const char *name, const mg_named *was,
                                    const void *content, size_t size, mg_error *error);

// The steps of a durable write, for content that is written piece by piece. mg_directory_begin creates a
// temporary file, whose name no other process uses, with the permissions of the file `name` if that exists.
// mg_directory_end syncs and closes *fd, and renames the file to `name`. `was`: what had the name before; if
// it is not NULL, another file that has the name now is kept, and the call fails with MG_IO. After any
// failure mg_directory_give_up must be called. *fd becomes -1 when it is closed. It can happen that a file of
// another program has the temporary name and cannot get its own name back. Then the error says where that
// file is, and `temporary` becomes "", so that nobody deletes it.
enum { MG_TEMPORARY_TEXT = 256 };
mg_status mg_directory_begin(const mg_directory *directory, const char *name,
                             char temporary[MG_TEMPORARY_TEXT], int *fd, mg_error *error);
mg_status mg_directory_end(const mg_directory *directory, char *temporary, const char *name,
                           const mg_named *was, int *fd, mg_error *error);

// The steps of mg_directory_end, for several files that get their names all or none: first each file is
// synced and closed, then each is renamed, then the directories are synced. mg_directory_put with `kept`:
// *kept becomes true if the replaced file has the name `temporary` now, so that mg_directory_take_back can
// put it back. That does nothing if another file than `own` has the name meanwhile.
mg_status mg_directory_close_file(const mg_directory *directory, const char *name, int *fd, mg_error *error);
mg_status mg_directory_put(const mg_directory *directory, char *temporary, const char *name,
                           const mg_named *was, bool *kept, mg_error *error);
mg_status mg_directory_take_back(const mg_directory *directory, char *temporary, const char *name,
                                 const mg_named *own, bool kept, mg_error *error);
// Moves the file `was` away from its name, so that a kill leaves no old file beside new ones. `aside` becomes
// its name, or "" if there is no file. mg_directory_bring_back gives it its own name again, and
// mg_directory_give_up deletes it.
mg_status mg_directory_set_aside(const mg_directory *directory, const char *name, const mg_named *was,
                                 char aside[MG_TEMPORARY_TEXT], mg_error *error);
mg_status mg_directory_bring_back(const mg_directory *directory, char aside[MG_TEMPORARY_TEXT],
                                  const char *name, mg_error *error);
void mg_directory_give_up(const mg_directory *directory, const char *temporary, int *fd);

// Deletes a file, without syncing the directory; a missing file is not an error. Errors: MG_IO.
mg_status mg_directory_remove(const mg_directory *directory, const char *name, mg_error *error);

// Deletes temporary files whose names begin with `name` and which killed writers have left; deletes nothing
// else. The caller must hold the lock of the directory (lock.h), so that no other process is writing there.
void mg_directory_remove_leftovers(const mg_directory *directory, const char *name);

// Returns true if `entry` is the name of such a temporary file.
bool mg_directory_is_leftover(const char *entry, const char *name);

// Syncs the directory, so that all its names are on disk. Errors: MG_IO.
mg_status mg_directory_sync(const mg_directory *directory, mg_error *error);

// Calls `visit` for every name in the directory until one call fails. Errors: MG_IO; those of `visit`.
typedef mg_status mg_directory_visit(void *context, const char *name, mg_error *error);
mg_status mg_directory_list(const mg_directory *directory, mg_directory_visit *visit, void *context,
                            mg_error *error);

#endif

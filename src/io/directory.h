// directory.h - a directory that is open. Names in it are relative to its descriptor: when it is renamed,
// work goes on in it, and when another takes its name, that one is left alone. Files are written whole: a
// reader sees the old one or the new one, never a torn one.
#ifndef MG_IO_DIRECTORY_H
#define MG_IO_DIRECTORY_H

#include "io/file.h"

typedef struct mg_directory mg_directory;

// `make`: creates it and its missing parents, each with the entry that names it on disk. Errors: MG_IO,
// MG_MEMORY.
mg_status mg_directory_open(const char *path, bool make, mg_directory **out, mg_error *error);

// The same for a directory `name` of `parent`, which need not stay open.
mg_status mg_directory_open_child(const mg_directory *parent, const char *name, bool make, mg_directory **out,
                                  mg_error *error);

// The same, but a link is not followed: whatever is deleted or moved in it is in `parent`. errno is ENOTDIR
// where there is a link.
mg_status mg_directory_open_own(const mg_directory *parent, const char *name, bool make, mg_directory **out,
                                mg_error *error);

// The directory that holds `path`, and the name in it (a part of `path`).
mg_status mg_directory_open_parent(const char *path, mg_directory **out, const char **name, mg_error *error);
void mg_directory_close(mg_directory *directory); // NULL is fine

const char *mg_directory_path(const mg_directory *directory); // as it was opened; for messages
int mg_directory_descriptor(const mg_directory *directory);

// Does the path it was opened by still lead to it?
bool mg_directory_has_its_path(const mg_directory *directory);

// Is there anything under the name? A link counts wherever it leads, and what cannot be looked at counts too.
bool mg_directory_holds(const mg_directory *directory, const char *name);

// path/name; the caller frees *out.
mg_status mg_directory_name(const mg_directory *directory, const char *name, char **out, mg_error *error);

// Opens a regular file of it for reading. Errors: MG_IO.
mg_status mg_directory_open_file(const mg_directory *directory, const char *name, int *fd, mg_error *error);

// Writes `size` bytes as the whole file: temporary, fsync, rename, fsync of the directory. On any failure the
// old file stands and no temporary remains. Errors: MG_IO with path and reason.
mg_status mg_directory_write(const mg_directory *directory, const char *name, const void *bytes, size_t size,
                             mg_error *error);

// The same for `size` bytes of content followed by their seal.
mg_status mg_directory_write_sealed(const mg_directory *directory, const char *name, const void *content,
                                    size_t size, mg_error *error);

// The steps of a durable write, for content that comes piece by piece. _begin creates a temporary, whose name
// no other process uses; _end syncs and closes *fd, and gives the file its name, unless it is taken and not
// to be replaced; after any failure call _give_up. *fd is -1 when it is closed.
enum { MG_TEMPORARY_TEXT = 256 };
mg_status mg_directory_begin(const mg_directory *directory, const char *name,
                             char temporary[MG_TEMPORARY_TEXT], int *fd, mg_error *error);
mg_status mg_directory_end(const mg_directory *directory, const char *temporary, const char *name,
                           bool replace, int *fd, mg_error *error);
void mg_directory_give_up(const mg_directory *directory, const char *temporary, int *fd);

// Deletes a file, and waits for nothing: one that is not there is fine. Errors: MG_IO.
mg_status mg_directory_remove(const mg_directory *directory, const char *name, mg_error *error);

// Deletes what killed writers of `name`... left: temporaries, and nothing else. The caller holds the
// directory's lock (lock.h), so that nobody else is writing there.
void mg_directory_remove_leftovers(const mg_directory *directory, const char *name);

// Is the entry such a temporary, of a name that begins with `name`?
bool mg_directory_is_leftover(const char *entry, const char *name);

// Its names are on disk when this returns. Errors: MG_IO.
mg_status mg_directory_sync(const mg_directory *directory, mg_error *error);

// Calls `visit` for every name in it, until one is not MG_OK. Errors: MG_IO; those of `visit`.
typedef mg_status mg_directory_visit(void *context, const char *name, mg_error *error);
mg_status mg_directory_list(const mg_directory *directory, mg_directory_visit *visit, void *context,
                            mg_error *error);

#endif

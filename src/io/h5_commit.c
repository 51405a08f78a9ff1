// h5_commit.c - gives finished HDF5 files their names, several of them all or none.
#include "io/h5_write_state.h"

static mg_status finish_file(mg_h5_writer *writer, mg_error *error) {
    const mg_place *place = &writer->place;
    mg_status status = mg_h5_writer_fill(writer, error);
    if (!status) status = mg_directory_close_file(place->directory, place->name, &writer->file, error);
    if (!status) mg_directory_look(place->directory, writer->temporary, &writer->own);
    return status;
}

// Moves all old files but the first out of the way.
static mg_status set_aside(mg_h5_writer *const *writers, int count, mg_error *error) {
    mg_status status = MG_OK;
    for (int i = 1; !status && i < count; i++) {
        mg_h5_writer *w = writers[i];
        status = mg_directory_set_aside(w->place.directory, w->place.name, &w->place.was, w->aside, error);
        if (!status) status = mg_directory_sync(w->place.directory, error);
    }
    return status;
}

// Gives each file its name. *named: how many have it.
static mg_status put_all(mg_h5_writer *const *writers, int count, int *named, mg_error *error) {
    static const mg_named nothing = {0};
    mg_status status = MG_OK;
    for (*named = 0; !status && *named < count; *named += !status) {
        mg_h5_writer *w = writers[*named];
        status = mg_directory_put(w->place.directory, w->temporary, w->place.name,
                                  *w->aside ? &nothing : &w->place.was, &w->kept, error);
    }
    return status;
}

// Cleans up after a failure. The text of the error remains, unless a file cannot get its name back.
static void undo(mg_h5_writer *const *writers, int count, int named, mg_error *error) {
    for (int i = count - 1; i >= 0; i--) {
        mg_h5_writer *w = writers[i];
        if (i < named)
            mg_directory_take_back(w->place.directory, w->temporary, w->place.name, &w->own, w->kept, error);
        mg_directory_bring_back(w->place.directory, w->aside, w->place.name, error);
    }
}

// The old files are moved out of the way first. So a killed process may leave only some of the new files, but
// never an old file beside a new one.
mg_status mg_h5_writer_commit(mg_h5_writer *const *writers, int count, mg_error *error) {
    int named = 0, none = -1;
    mg_status status = MG_OK;
    for (int i = 0; !status && i < count; i++) status = finish_file(writers[i], error);
    if (!status) status = set_aside(writers, count, error);
    if (!status) status = put_all(writers, count, &named, error);
    if (status) undo(writers, count, named, error);
    for (int i = 0; !status && i < count; i++) {
        mg_h5_writer *w = writers[i];
        if (w->kept) mg_directory_give_up(w->place.directory, w->temporary, &w->file);
        mg_directory_give_up(w->place.directory, w->aside, &none);
        w->exists = false;
    }
    for (int i = 0; !status && i < count; i++) status = mg_directory_sync(writers[i]->place.directory, error);
    return status;
}

// map.h - rows that are used in place: the file is mapped read-only, and pages are read before they are used.
#ifndef MG_IO_MAP_H
#define MG_IO_MAP_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct mg_map mg_map;

// Rows of `row_bytes` bytes each that begin at `offset` of an open file. The texts are for messages; they and
// the descriptor must outlive the map.
typedef struct mg_map_place {
    const char *path, *name;
    int fd;
    int64_t offset, rows;
    size_t row_bytes;
} mg_map_place;

// Maps the rows. *out becomes NULL if the system or the file does not allow that; the rows must then be read.
// Errors: MG_MEMORY.
mg_status mg_map_create(const mg_map_place *place, mg_map **out, mg_error *error);
void mg_map_destroy(mg_map *map);

const void *mg_map_rows(const mg_map *map); // [rows][row_bytes]

// Reads rows [first, first + count) into memory. Any thread may call it. Errors: MG_DATA if the file was
// truncated; MG_IO.
mg_status mg_map_bring(const mg_map *map, int64_t first, int64_t count, mg_error *error);

// Call it after rows were used, before the result is used: fails if a page was lost. A page that is lost
// during use (because the file was truncated or the disk failed) reads as zeros, and all later calls fail
// too. Errors: as mg_map_bring.
mg_status mg_map_check(const mg_map *map, mg_error *error);

#endif

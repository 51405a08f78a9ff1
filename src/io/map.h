// map.h - rows that lie plainly in a file, used where they lie: mapped read-only, and brought in before use.
#ifndef MG_IO_MAP_H
#define MG_IO_MAP_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct mg_map mg_map;

// Rows of row_bytes each from `offset` of an open file. The texts (for messages) and the descriptor must
// outlive the map.
typedef struct mg_map_place {
    const char *path, *name;
    int fd;
    int64_t offset, rows;
    size_t row_bytes;
} mg_map_place;

// *out is NULL where this system, or this file, does not allow it: the rows must be read then. Errors:
// MG_MEMORY.
mg_status mg_map_create(const mg_map_place *place, mg_map **out, mg_error *error);
void mg_map_destroy(mg_map *map);

const void *mg_map_rows(const mg_map *map); // [rows][row_bytes]

// Brings rows [first, first + count) into memory. Any thread. Errors: MG_DATA when the file was cut, MG_IO.
mg_status mg_map_bring(const mg_map *map, int64_t first, int64_t count, mg_error *error);

// To be asked after rows were used and before anything is made of it: were they the file's? A page that is
// lost under way (the file was cut, the disk failed) reads as zeros from then on, and this tells of it for
// good. Errors: as mg_map_bring.
mg_status mg_map_check(const mg_map *map, mg_error *error);

#endif

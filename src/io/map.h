// map.h - rows that are used in place: the file is mapped read-only, and pages are read before use.
#ifndef MG_IO_MAP_H
#define MG_IO_MAP_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct mg_map mg_map;

// Rows of `row_bytes` each, from `offset` in an open file. The texts (for messages) and the descriptor must
// outlive the map.
typedef struct mg_map_place {
    const char *path, *name;
    int fd;
    int64_t offset, rows;
    size_t row_bytes;
} mg_map_place;

// *out is NULL if the system or the file does not allow mapping; the rows must then be read. Errors:
// MG_MEMORY.
mg_status mg_map_create(const mg_map_place *place, mg_map **out, mg_error *error);
void mg_map_destroy(mg_map *map);

const void *mg_map_rows(const mg_map *map); // [rows][row_bytes]

// Reads rows [first, first + count) into memory. Any thread may call it. Errors: MG_DATA if the file was
// truncated; MG_IO.
mg_status mg_map_bring(const mg_map *map, int64_t first, int64_t count, mg_error *error);

// Call this after using rows and before using the result: it fails if any page was lost. A page lost during
// use (the file was truncated, the disk failed) reads as zeros from then on, and this call fails from then
// on. Errors: as mg_map_bring.
mg_status mg_map_check(const mg_map *map, mg_error *error);

#endif

// crc.c - the checksum of zip files, computed by zlib.
#include "io/crc.h"

#include <zlib.h>

uint32_t mg_crc32(const void *bytes, size_t count) { return (uint32_t)crc32_z(0, bytes, count); }

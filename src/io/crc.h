// crc.h - the checksum of zip files.
#ifndef MG_IO_CRC_H
#define MG_IO_CRC_H

#include <stddef.h>
#include <stdint.h>

uint32_t mg_crc32(const void *bytes, size_t count);

#endif

// lzf.h - unpacks LZF, the compression that h5py and AnnData call "lzf".
#ifndef MG_IO_LZF_H
#define MG_IO_LZF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Unpacks `bytes` packed bytes to exactly `size` bytes. False if the packed bytes are damaged: they end too
// early, refer to bytes before the first, or unpack to another size. Never accesses memory outside the two
// buffers.
bool mg_lzf_unpack(const uint8_t *packed, size_t bytes, uint8_t *out, size_t size);

#endif

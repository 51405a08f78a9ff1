// seeds.h - inputs that are not text, for the targets that need them.
#ifndef MG_FUZZ_SEEDS_H
#define MG_FUZZ_SEEDS_H

#include <stddef.h>

typedef void (*fuzz_seed_use)(void *context, const char *target, const char *name, const unsigned char *bytes,
                              size_t size);

void fuzz_seeds(fuzz_seed_use use, void *context);

#endif

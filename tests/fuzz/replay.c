// replay.c - runs every target with all inputs that were found for it, complete and truncated; or writes the
// seeds for libFuzzer.
//
//     fuzz_replay TARGET DIRECTORY [TARGET DIRECTORY ...]      runs all files of the directories, and seeds.c
//     fuzz_replay --write DIRECTORY                            writes seeds.c to DIRECTORY/TARGET/NAME
#include "fuzz.h"
#include "seeds.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CUTS = 24, MOST_BYTES = 1 << 20 };

static const struct {
    const char *name;
    int (*run)(const uint8_t *bytes, size_t size);
} targets[] = {{"config", fuzz_config},
               {"set", fuzz_set},
               {"svmlight", fuzz_svmlight},
               {"csv", fuzz_csv},
               {"text", fuzz_text},
               {"idx", fuzz_idx},
               {"npy", fuzz_npy},
               {"seal", fuzz_seal},
               {"lzf", fuzz_lzf},
               {"npz", fuzz_npz},
               {"safetensors", fuzz_safetensors},
               {"mtx", fuzz_mtx},
               {"forge", fuzz_forge}};

static int inputs;

static void feed(const char *target, const char *name, const unsigned char *bytes, size_t size) {
    size_t t = 0;
    while (t < sizeof targets / sizeof *targets && strcmp(targets[t].name, target)) t++;
    fuzz_check(t < sizeof targets / sizeof *targets, "the target is known");
    for (int i = 0; i <= CUTS; i++) {
        size_t cut = size * (size_t)i / CUTS;
        unsigned char *copy =
            malloc(cut ? cut : 1); // of the exact size, so that a sanitizer detects an access beyond it
        fuzz_check(copy != NULL, "there is memory");
        memcpy(copy, bytes, cut);
        snprintf(fuzz_input, sizeof fuzz_input, "%s %.200s, %zu of %zu bytes", target, name, cut, size);
        targets[t].run(copy, cut);
        free(copy);
    }
    inputs++;
}

static void feed_seed(void *unused, const char *target, const char *name, const unsigned char *bytes,
                      size_t size) {
    (void)unused;
    feed(target, name, bytes, size);
}

static void feed_directory(const char *target, const char *directory) {
    static unsigned char bytes[MOST_BYTES];
    DIR *stream = opendir(directory);
    fuzz_check(stream != NULL, directory);
    for (struct dirent *entry; (entry = readdir(stream));) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        struct stat about;
        if (stat(path, &about) || !S_ISREG(about.st_mode)) continue;
        FILE *file = fopen(path, "rb");
        fuzz_check(file != NULL, path);
        feed(target, entry->d_name, bytes, fread(bytes, 1, sizeof bytes, file));
        fclose(file);
    }
    closedir(stream);
}

static void write_seed(void *directory, const char *target, const char *name, const unsigned char *bytes,
                       size_t size) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", (const char *)directory, target);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", (const char *)directory, target, name);
    FILE *file = fopen(path, "wb");
    fuzz_check(file && fwrite(bytes, 1, size, file) == size && !fclose(file), path);
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "--write")) {
        fuzz_seeds(write_seed, argv[2]);
        return 0;
    }
    if (argc % 2 == 0) {
        fprintf(stderr, "usage: %s TARGET DIRECTORY ... | --write DIRECTORY\n", argv[0]);
        return 2;
    }
    fuzz_seeds(feed_seed, NULL);
    for (int i = 1; i < argc; i += 2) feed_directory(argv[i], argv[i + 1]);
    printf("%d inputs, each whole and cut in %d places\n", inputs, CUTS);
    return 0;
}

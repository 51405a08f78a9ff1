// map.c - mappings of files, and a handler of SIGBUS. The kernel sends SIGBUS when a mapped page cannot be
// read, because the file was truncated or the disk failed. The handler is installed while there is a mapping,
// and passes on signals that do not concern margin's mappings.
#include "io/map.h"

#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_MAPS = 16 };

struct mg_map {
    mg_map_place place;
    char *base;          // start of the mapping, page-aligned
    size_t length, lead; // length of the mapping; bytes before the first row in the first page
    _Atomic bool lost;   // a page could not be read
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // protects `installed` and changes of `maps`
static _Atomic(mg_map *) maps[MOST_MAPS];                // mappings that the handler takes care of
static int installed;
static struct sigaction before;
static size_t page;

// For a signal that does not concern our mappings: calls the handler that the program had. If it had none,
// restores the system's default for the signal, so that repeating the access ends the process.
static void pass_on(int number, siginfo_t *info, void *context) {
    bool simple = !(before.sa_flags & SA_SIGINFO);
    if (!simple && before.sa_sigaction) {
        before.sa_sigaction(number, info, context);
    } else if (simple && before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(number);
    } else {
        sigaction(SIGBUS, &before, NULL);
        if (info->si_code <= 0) raise(number);
    }
}

// The handler. Maps zeros over the lost page and all following ones, so that the interrupted instruction can
// continue; mg_map_check then reports the loss.
static void on_lost_page(int number, siginfo_t *info, void *context) {
    char *at = info->si_addr;
    for (int i = 0; i < MOST_MAPS; i++) {
        mg_map *map = maps[i];
        if (!map || at < map->base || at >= map->base + map->length) continue;
        char *from = at - (size_t)(at - map->base) % page;
        map->lost = true;
        if (mmap(from, (size_t)(map->base + map->length - from), PROT_READ,
                 MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
            return;
    }
    pass_on(number, info, context);
}

// Registers a map with the handler. Returns false if too many maps are registered.
static bool enlist(mg_map *map) {
    bool found = false;
    pthread_mutex_lock(&lock);
    for (int i = 0; !found && i < MOST_MAPS; i++)
        if (!maps[i]) {
            maps[i] = map;
            found = true;
        }
    if (found && installed++ == 0) {
        struct sigaction action = {.sa_sigaction = on_lost_page, .sa_flags = SA_SIGINFO | SA_ONSTACK};
        sigemptyset(&action.sa_mask);
        sigaction(SIGBUS, &action, &before);
    }
    pthread_mutex_unlock(&lock);
    return found;
}

// Restores the program's handler, unless the program has installed another one meanwhile.
static void restore_handler(void) {
    struct sigaction now;
    if (!sigaction(SIGBUS, NULL, &now) && now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_lost_page)
        sigaction(SIGBUS, &before, NULL);
}

static void strike(const mg_map *map) {
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MOST_MAPS; i++)
        if (maps[i] == map) {
            maps[i] = NULL;
            if (--installed == 0) restore_handler();
        }
    pthread_mutex_unlock(&lock);
}

static bool file_is_complete(const mg_map_place *place) {
    struct stat about;
    return !fstat(place->fd, &about) &&
           about.st_size >= place->offset + place->rows * (int64_t)place->row_bytes;
}

mg_status mg_map_create(const mg_map_place *place, mg_map **out, mg_error *error) {
    *out = NULL;
    page = (size_t)sysconf(_SC_PAGESIZE);
    size_t lead = (size_t)place->offset % page, length = lead + (size_t)place->rows * place->row_bytes;
    // not mapped; reading the rows will report where the file ends
    if (!file_is_complete(place)) return MG_OK;
    char *base = mmap(NULL, length, PROT_READ, MAP_SHARED, place->fd, (off_t)(place->offset - (int64_t)lead));
    if (base == MAP_FAILED) return MG_OK;
    mg_map *map;
    mg_status status = mg_memory_zeroed(&map, 1, sizeof *map, error);
    if (status) {
        munmap(base, length);
        return status;
    }
    map->place = *place;
    map->base = base;
    map->length = (length + page - 1) / page * page;
    map->lead = lead;
    if (enlist(map)) *out = map;
    else mg_map_destroy(map);
    return MG_OK;
}

void mg_map_destroy(mg_map *map) {
    if (!map) return;
    strike(map);
    munmap(map->base, map->length);
    mg_memory_free(map);
}

const void *mg_map_rows(const mg_map *map) { return map->base + map->lead; }

static mg_status fault(const mg_map *map, mg_error *error) {
    const mg_map_place *place = &map->place;
    if (!file_is_complete(place))
        return mg_fail(error, MG_DATA, "%s: data set %s: the file ends too early: it was truncated",
                       place->path, place->name);
    return mg_fail(error, MG_IO, "%s: data set %s: %s", place->path, place->name, strerror(EIO));
}

// Reads one byte of each page. MADV_POPULATE_READ would also report a lost page, but takes four times as long
// for pages that are already in memory.
mg_status mg_map_bring(const mg_map *map, int64_t first, int64_t count, mg_error *error) {
    const volatile char *rows = mg_map_rows(map);
    size_t from = (size_t)first * map->place.row_bytes, to = from + (size_t)count * map->place.row_bytes;
    for (size_t at = from; at < to; at += page) (void)rows[at];
    (void)rows[to - 1];
    return map->lost ? fault(map, error) : MG_OK;
}

mg_status mg_map_check(const mg_map *map, mg_error *error) { return map->lost ? fault(map, error) : MG_OK; }

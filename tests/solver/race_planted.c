// race_planted.c - has a data race on purpose: two items of a job write the same word without
// synchronisation. The race detector must find it.
#include "parallel/team.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { ITEMS = 8, MOST_ROUNDS = 10000 };

static int shared;
static pthread_t caller;
// number of items that another thread ran; relaxed, so that it does not synchronise
static _Atomic int others;

static void race(void *unused, int64_t item) {
    (void)unused;
    shared += (int)item;
    if (!pthread_equal(pthread_self(), caller)) atomic_fetch_add_explicit(&others, 1, memory_order_relaxed);
    usleep(100); // gives another thread time to take an item
}

static void body(void *team) {
    caller = pthread_self();
    for (int round = 0; round < MOST_ROUNDS && atomic_load_explicit(&others, memory_order_relaxed) < ITEMS;
         round++)
        mg_team_for(team, ITEMS, race, NULL);
}

int main(void) {
    mg_team team = {.threads = 4};
    mg_team_run(&team, body, &team);
    printf("%d\n", shared);
    return 0;
}

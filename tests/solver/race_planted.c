// race_planted.c - two items of a team's job write one word without a word between them.
#include "parallel/team.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { ITEMS = 8, MOST_ROUNDS = 10000 };

static int shared;
static pthread_t caller;
static _Atomic int others; // items that ran elsewhere; relaxed, so that it orders nothing

static void race(void *unused, int64_t item) {
    (void)unused;
    shared += (int)item;
    if (!pthread_equal(pthread_self(), caller)) atomic_fetch_add_explicit(&others, 1, memory_order_relaxed);
    usleep(100); // time for another thread to come
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

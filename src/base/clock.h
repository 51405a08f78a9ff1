// clock.h - wall time for reports and time limits. No result depends on it unless the user sets a time limit.
#ifndef MG_BASE_CLOCK_H
#define MG_BASE_CLOCK_H

// Seconds on the monotonic clock.
double mg_clock_seconds(void);

// Seconds of processor time of the calling thread.
double mg_clock_thread_seconds(void);

#endif

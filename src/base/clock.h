// clock.h - wall time for reports and limits; no result depends on it but where a time limit was asked for.
#ifndef MG_BASE_CLOCK_H
#define MG_BASE_CLOCK_H

// Monotonic seconds.
double mg_clock_seconds(void);

#endif

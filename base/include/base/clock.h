/* The one door to the clock. Everything below server/ takes time as an argument instead. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Wall-clock time in milliseconds since 1970. What expiry times are compared with. Thread safe. */
int64_t clock_wall_ms(void);

/* The same in microseconds. */
int64_t clock_wall_us(void);

/* Monotonic time in microseconds, for durations. Never goes back. Thread safe. */
int64_t clock_mono_us(void);
/* The same in nanoseconds. */
int64_t clock_mono_ns(void);

/* Processor time used by the calling thread, in microseconds. Thread safe. */
int64_t clock_thread_cpu_us(void);

#endif

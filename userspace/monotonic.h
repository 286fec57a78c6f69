/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XNTS_MONOTONIC_H
#define XNTS_MONOTONIC_H

#include <stdint.h>
#include <time.h>

/* ns of a clock that is never before 1970. */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* CLOCK_MONOTONIC in ms, for timeouts and delays. */
static inline int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#endif /* XNTS_MONOTONIC_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* Preloaded into one xntsd: UTC, as it reads it, is XNTS_SKEW s ahead.  Other clocks are right. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *t)
{
	const char *skew = getenv("XNTS_SKEW");
	int rc = (int)syscall(SYS_clock_gettime, clock, t);

	if (!rc && clock == CLOCK_REALTIME && skew)
		t->tv_sec += atoi(skew);
	return rc;
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lag: how long an answer still takes once its transmit time is written.  The AEAD
 * covers the stamp, so most of the sealing comes after it: a constant amount of
 * work for a given number of cookies, which each CPU measures as it goes and adds to
 * the next stamps.  What follows the program (the NIC) is the operator's
 * transmit_correction.
 */
#ifndef XNTS_LAG_H
#define XNTS_LAG_H

#include "scratch.h"

#define LAG_EVERY 16   /* answers between two measurements: 38 ns of clock reading each */
#define LAG_STEP 8     /* ns towards the newest; seeks the median, so that an interrupt is nothing */
#define LAG_MAX 100000 /* ns; longer is no work of ours */

/* The lag expected of the answer being made, ns. */
static __always_inline __u32 lag_expected(const struct xnts_scratch *s)
{
	return s->lag[s->cookies & (XNTS_LAGS - 1)];
}

/* The answer stamped at s->stamped is complete. */
static __always_inline void lag_learn(struct xnts_scratch *s)
{
	__u32 *expected = &s->lag[s->cookies & (XNTS_LAGS - 1)];
	__u64 lag;

	if (*expected && s->lag_count++ % LAG_EVERY)
		return;
	lag = now_tai() - s->stamped;
	if (lag == 0 || lag > LAG_MAX)
		return;
	if (!*expected)
		*expected = lag;
	else if (lag > *expected)
		*expected += LAG_STEP;
	else if (*expected > LAG_STEP)
		*expected -= LAG_STEP;
}

#endif /* XNTS_LAG_H */

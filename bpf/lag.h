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

#define LAG_EVERY 4    /* answers between two measurements: 38 ns of clock reading each */
#define LAG_STEP 256   /* ns; a longer surprise (an interrupt) counts as this */
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
	__s64 lag, step;

	if (*expected && s->lag_count++ % LAG_EVERY)
		return;
	lag = now_tai() - s->stamped;
	if (lag <= 0 || lag > LAG_MAX)
		return;
	step = lag - *expected;
	/* Nothing makes a measurement too short: what a cold first answer taught is soon gone. */
	if (*expected && step > LAG_STEP)
		step = LAG_STEP;
	*expected += *expected ? step >> 2 : step;
}

#endif /* XNTS_LAG_H */

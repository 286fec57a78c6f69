/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lag: how long an answer still takes once its transmit time is written.  The AEAD
 * covers the stamp, so most of the sealing comes after it, and checksum and headers come
 * after any: for one kind of answer a constant amount of work, which each CPU measures as it
 * goes and adds to the next stamps.  Caches make it vary all the same (a plain answer takes
 * 60 ns under load, 800 ns after a pause).  What follows the program (the NIC) is the
 * operator's transmit_correction.
 */
#ifndef XNTS_LAG_H
#define XNTS_LAG_H

#include "scratch.h"

#define LAG_PAUSE 100000 /* ns between two measurements, which cost 38 ns of clock reading each */
#define LAG_STEP 256     /* ns; a longer surprise (an interrupt) counts as this */
#define LAG_MAX 100000   /* ns; longer is no work of ours */
#define LAG_FAR 4096     /* ns too long: the first answer was cold, begin again */

/* The kind of an answer made in scratch memory is its number of new cookies. */
#define LAG_IN_PLACE (XNTS_LAGS - 1)

static __always_inline struct xnts_lag *lag_of(struct xnts_scratch *s, __u32 kind)
{
	return &s->lag[kind & (XNTS_LAGS - 1)];
}

/* An answer of this kind, stamped at CLOCK_TAI `stamped`, is complete. */
static __always_inline void lag_learn(struct xnts_lag *l, __u64 stamped)
{
	__s64 lag, step;

	if (stamped - l->measured < LAG_PAUSE)
		return;
	l->measured = stamped;
	lag = now_tai() - stamped;
	if (lag <= 0 || lag > LAG_MAX)
		return;
	step = lag - l->expected;
	if (!l->expected || step < -LAG_FAR) {
		l->expected = lag;
		return;
	}
	/* Equally far up and down: this finds the median. */
	if (step > LAG_STEP)
		step = LAG_STEP;
	if (step < -LAG_STEP)
		step = -LAG_STEP;
	l->expected += step >> 2;
}

#endif /* XNTS_LAG_H */

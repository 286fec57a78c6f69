/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From a NIC's clock (PHC) to CLOCK_TAI: pure arithmetic over samples of both.  It does
 * not matter what the PHC shows (TAI, UTC, the time since it was switched on) nor whether
 * ptp4l or phc2sys steers it: offset and rate are measured.
 */
#ifndef XNTS_PHC_MAPPING_H
#define XNTS_PHC_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

#include "xnts_abi.h"

/* The PHC was read between two readings of CLOCK_TAI, which is wrong by at most half of what
 * lies between them. */
struct phc_sample {
	uint64_t before, after; /* CLOCK_TAI ns */
	uint64_t phc;           /* PHC ns */
};

#define PHC_HISTORY 8 /* refreshes, a second apart, over which the rate is measured */

struct phc_mapping {
	struct phc_sample history[PHC_HISTORY]; /* the oldest first */
	int count;
};

/* The tightest of `count` samples, at least one. */
const struct phc_sample *phc_tightest(const struct phc_sample *samples, int count);

/*
 * Takes the sample of a refresh.  One that does not fit what was before (a clock was set, or its
 * rate changed by far) begins anew.
 */
void phc_mapping_add(struct phc_mapping *m, const struct phc_sample *sample);

/*
 * Fills tai, phc, rate and valid.  False: not known yet (it takes two refreshes), or the PHC is
 * too far from any clock's rate (XNTS_PHC_RATE_MAX); valid is 0 then.
 */
bool phc_mapping_get(const struct phc_mapping *m, struct xnts_phc *out);

#endif /* XNTS_PHC_MAPPING_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Receive time: the NIC's stamp where there is one that makes sense, else the time at
 * which the program started.
 */
#ifndef XNTS_STAMP_H
#define XNTS_STAMP_H

#include "maps.h"
#include "request.h"

/* ns from the wire to the program: an older stamp is another packet's, or of a PHC that was set. */
#define STAMP_AGE_MAX 5000000

/* CLOCK_TAI when the PHC showed `stamp`; 0: not known. */
static __always_inline __u64 stamp_to_tai(const struct xnts_phc *phc, __u64 stamp)
{
	__u64 tai = *(volatile const __u64 *)&phc->tai;
	__s64 d = stamp - phc->phc, valid = phc->valid;

	if (!stamp || d > valid || d < -valid)
		return 0;
	d = tai + d + (d * phc->rate >> XNTS_PHC_SHIFT);
	/* The entry was rewritten under us. */
	return *(volatile const __u64 *)&phc->tai == tai ? d : 0;
}

/* Puts the NIC's stamp in the place of rq->received, if it is plausible there.  NULL: it gave none. */
static __always_inline void stamp_receive(struct xnts_request *rq, const __u64 *stamp)
{
	const struct xnts_phc *phc;
	__u64 tai;

	rq->stamp = XNTS_STAMP_SOFTWARE;
	if (!stamp)
		return;
	phc = map_phc(frame_ifindex(rq));
	tai = phc ? stamp_to_tai(phc, *stamp) : 0;
	if (rq->received - tai <= STAMP_AGE_MAX) { /* unsigned: nor from the future */
		rq->received = tai;
		rq->stamp = XNTS_STAMP_HARDWARE;
	} else {
		rq->stamp = XNTS_STAMP_REFUSED;
	}
}

#endif /* XNTS_STAMP_H */

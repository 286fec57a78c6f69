/* SPDX-License-Identifier: GPL-2.0 */
/* Latency: how long the program took for an answer, in the histograms of xnts_abi.h. */
#ifndef XNTS_LATENCY_H
#define XNTS_LATENCY_H

#include "maps.h"

static __always_inline __u32 latency_bucket(__u64 ns)
{
	__u32 i;

	for (i = 0; i < XNTS_LATENCY_BUCKETS - 1 && ns > XNTS_LATENCY_BOUND(i); i++)
		;
	return i;
}

/* NULL: nothing was answered. */
static __always_inline struct xnts_histogram *latency_of(struct xnts_latency *l, __u32 verdict)
{
	switch (verdict) {
	case XNTS_V_plain_answered:
	case XNTS_V_plain_symmetric:
	case XNTS_V_kod_rate:
		return &l->plain;
	case XNTS_V_nts_answered:
		return &l->nts;
	case XNTS_V_nak_key_unknown:
	case XNTS_V_nak_bad_cookie:
	case XNTS_V_nak_bad_tag:
		return &l->nak;
	default:
		return NULL;
	}
}

static __always_inline void latency_count(__u32 verdict, __u64 ns)
{
	struct xnts_latency *l = map_latency();
	struct xnts_histogram *h = l ? latency_of(l, verdict) : NULL;
	__u32 i = latency_bucket(ns);

	if (!h)
		return;
	XNTS_OPAQUE(i);
	h->sum += ns;
	if (i < XNTS_LATENCY_BUCKETS)
		h->bucket[i]++;
}

#endif /* XNTS_LATENCY_H */

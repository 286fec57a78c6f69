/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hop: where routing is asymmetric an answer must not go back to the MAC the request came from
 * but where the routing table says.  Asked only where the configuration wants it.
 */
#ifndef XNTS_HOP_H
#define XNTS_HOP_H

#include "maps.h"
#include "request.h"

#define HOP_AF_INET 2
#define HOP_AF_INET6 10
#define HOP_LOOPBACK 1 /* the ifindex of lo, LOOPBACK_IFINDEX in the kernel */

/* UAPI: enum of bpf_fib_lookup() */
#define HOP_SUCCESS 0
#define HOP_NO_NEIGHBOUR 7

/* The way of the answer, as of a packet this host sends itself: by all rules and tables. */
static __always_inline void hop_question(const struct xnts_request *rq, struct bpf_fib_lookup *fib)
{
	int i;

	fib->l4_protocol = IP_PROTO_UDP;
	fib->sport = rq->udp->dst;
	fib->dport = rq->udp->src;
	fib->ifindex = HOP_LOOPBACK;
	if (rq->ip_version == 4) {
		fib->family = HOP_AF_INET;
		fib->ipv4_src = rq->ip4->dst;
		fib->ipv4_dst = rq->ip4->src;
		return;
	}
	fib->family = HOP_AF_INET6;
#pragma GCC unroll 4
	for (i = 0; i < 4; i++) {
		fib->ipv6_src[i] = rq->ip6->dst[i];
		fib->ipv6_dst[i] = rq->ip6->src[i];
	}
}

/*
 * Makes the request look as if the next hop had sent it, so that swapping the MACs sends the answer
 * there.  Where there is no way, the request is left as it was to the host, whose own attempt
 * to answer makes the kernel look for the neighbour.
 */
XNTS_STAGE int hop_turn(struct xnts_request *rq)
{
	struct bpf_fib_lookup fib = {};
	__u32 ingress = frame_ifindex(rq);
	long found;

	hop_question(rq, &fib);
	found = fib_lookup(rq, &fib);
	if (found == HOP_NO_NEIGHBOUR && fib.ifindex == ingress)
		return XNTS_V_pass_no_neighbour;
	if (found != HOP_SUCCESS || fib.ifindex != ingress)
		return XNTS_V_pass_no_route;
	XNTS_MEMCPY(rq->eth->src, fib.dmac, sizeof(fib.dmac));
	return XNTS_NEXT;
}

#endif /* XNTS_HOP_H */

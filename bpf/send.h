/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Send: turn the request's headers round, checksum from scratch, cut the frame to
 * length.  The frame only ever shrinks.
 */
#ifndef XNTS_SEND_H
#define XNTS_SEND_H

#include "maps.h"
#include "parse.h"
#include "request.h"
#include "scratch.h"

#define ECN_MASK 0x03

static __always_inline void swap_eth(struct eth_header *eth)
{
	int i;

#pragma GCC unroll 3
	for (i = 0; i < 3; i++) {
		__be16 dst = eth->dst[i];

		eth->dst[i] = eth->src[i];
		eth->src[i] = dst;
	}
}

/* Returns the sum of the UDP pseudo-header's addresses. */
static __always_inline __u64 turn_ip4(struct ip4_header *ip, __u32 udp_len, __u8 ttl)
{
	__be32 src = ip->src;

	ip->src = ip->dst;
	ip->dst = src;
	ip->tos &= ~ECN_MASK;
	ip->total_len = bpf_htons(sizeof(*ip) + udp_len);
	ip->id = 0; /* atomic datagram, RFC 6864 4.1 */
	ip->frag = bpf_htons(IP4_DF);
	ip->ttl = ttl;
	ip->checksum = 0;
	ip->checksum = ~fold16(sum32(ip, 5));
	return (__u64)ip->src + ip->dst;
}

static __always_inline __u64 turn_ip6(struct ip6_header *ip, __u32 udp_len, __u8 ttl)
{
	int i;

#pragma GCC unroll 4
	for (i = 0; i < 4; i++) {
		__be32 src = ip->src[i];

		ip->src[i] = ip->dst[i];
		ip->dst[i] = src;
	}
	/* Keeps the DSCP; the flow label is the sender's, not ours. */
	ip->version_class_flow &= bpf_htonl(0xffc00000);
	ip->payload_len = bpf_htons(udp_len);
	ip->hop_limit = ttl;
	return sum32(ip->src, 8);
}

static __always_inline void turn_udp(struct udp_header *udp, __u32 udp_len, __u64 sum)
{
	__be16 src = udp->src;
	__u16 checksum;

	udp->src = udp->dst;
	udp->dst = src;
	udp->len = bpf_htons(udp_len);
	sum += (__u64)udp->src + udp->dst + udp->len;
	sum += bpf_htons(udp_len) + bpf_htons(IP_PROTO_UDP);
	checksum = ~fold16(sum);
	udp->checksum = checksum ? checksum : 0xffff; /* 0 means none, RFC 768 */
}

/*
 * Sends the frame back with `len` bytes of UDP payload, whose sum is `sum`.  The
 * packet pointers of rq are void after it.
 */
static __always_inline int send_back(struct xnts_request *rq, const struct xnts_config *config,
				     __u32 len, __u64 sum)
{
	__u32 wanted = (void *)rq->ntp - rq->data + len;
	__u32 udp_len = sizeof(struct udp_header) + len;

	swap_eth(rq->eth);
	sum += rq->ip_version == 4 ? turn_ip4(rq->ip4, udp_len, config->ttl) :
			 turn_ip6(rq->ip6, udp_len, config->ttl);
	turn_udp(rq->udp, udp_len, sum);
	return frame_trim(rq, wanted);
}

#endif /* XNTS_SEND_H */

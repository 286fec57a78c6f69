/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One packet on its way through the stages parse -> classify -> answer.  A stage
 * returns a verdict, or XNTS_NEXT to hand the packet to the next stage.
 */
#ifndef XNTS_REQUEST_H
#define XNTS_REQUEST_H

#include "wire.h"
#include "xnts_abi.h"

#define XNTS_NEXT XNTS_VERDICT_COUNT

/* Low bits of an NTP fraction that are below the clock's precision. */
struct xnts_noise {
	__u32 mask;
	__u32 bits; /* random */
};

/* What the answer says of the time, taken once a packet from the clock map. */
struct xnts_time {
	__u64 mono;     /* CLOCK_MONOTONIC ns when it was taken */
	__s64 receive_to_utc;  /* ns to add to a CLOCK_TAI stamp, correction included */
	__s64 transmit_to_utc;
	__u32 root_delay;
	__u32 root_dispersion; /* aged */
	__be32 reference_id;
	__u64 reference_time;
	__u8 leap;
	__u8 stratum;
	__s8 precision;
	struct xnts_noise noise;
};

/* Where the receive time comes from. */
enum xnts_stamp {
	XNTS_STAMP_SOFTWARE,
	XNTS_STAMP_HARDWARE,
	XNTS_STAMP_REFUSED, /* software, as the NIC's makes no sense */
};

struct xnts_request {
	struct xdp_md *md; /* the frame itself; maps.h */
	void *data;
	void *end;

	/* Into the frame, checked against `end`; ip_version, 4 or 6, says which of ip4 and
	 * ip6 is set (the verifier does not know a packet pointer from NULL). */
	__u8 ip_version;
	struct eth_header *eth;
	struct ip4_header *ip4;
	struct ip6_header *ip6;
	struct udp_header *udp;
	struct ntp_header *ntp; /* only its first byte before classify() is done */
	__u32 payload_len; /* of UDP, bytes */

	__u64 received; /* CLOCK_TAI ns, see `stamp` */
	__u32 stamp;    /* enum xnts_stamp */
	struct xnts_time time;
};

#endif /* XNTS_REQUEST_H */

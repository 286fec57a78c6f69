/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Classify: is this packet for this host, is it a request, may it be answered?
 * Order matters: what is not ours passes before anything is dropped, and the
 * answers our own NTP client waits for (mode 4) pass before the kill switch.
 */
#ifndef XNTS_CLASSIFY_H
#define XNTS_CLASSIFY_H

#include "maps.h"
#include "request.h"

static __always_inline bool mac_is_ours(const struct xnts_config *config, const __be16 mac[3])
{
	int i;

	for (i = 0; i < XNTS_MACS && config->mac[i].used; i++) {
		const __be16 *ours = (const __be16 *)config->mac[i].addr;

		if (ours[0] == mac[0] && ours[1] == mac[1] && ours[2] == mac[2])
			return true;
	}
	return false;
}

static __always_inline bool destination_is_local(const struct xnts_request *rq)
{
	return rq->ip_version == 4 ? map_local4(rq->ip4->dst) : map_local6(rq->ip6->dst);
}

/* 0.0.0.0/8, 127.0.0.0/8, multicast, 240.0.0.0/4 (broadcast in it), this host. */
static __always_inline bool source4_is_refused(__be32 src)
{
	__u8 first = src & 0xff;

	return first == 0 || first == 127 || first >= 224 || map_local4(src) == XNTS_LOCAL;
}

/* ::/96 (unspecified and loopback in it), ::ffff:0:0/96, multicast, this host. */
static __always_inline bool source6_is_refused(const __be32 src[4])
{
	if ((src[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000))
		return true;
	if (!src[0] && !src[1] && (!src[2] || src[2] == bpf_htonl(0xffff)))
		return true;
	return map_local6(src) == XNTS_LOCAL;
}

static __always_inline bool source_is_refused(const struct xnts_request *rq)
{
	/* The group bit of a MAC (IEEE 802): the answer would go to the whole segment. */
	if (!rq->udp->src || rq->eth->src[0] & bpf_htons(0x0100))
		return true;
	return rq->ip_version == 4 ? source4_is_refused(rq->ip4->src) : source6_is_refused(rq->ip6->src);
}

/* RFC 1059: version 1 has no modes; from port 123 it is a symmetric peer. */
static __always_inline bool is_ntp1_client(const struct xnts_request *rq)
{
	return ntp_version(rq->ntp) == 1 && ntp_mode(rq->ntp) == NTP_MODE_UNSPECIFIED &&
	       rq->udp->src != bpf_htons(NTP_PORT);
}

static __always_inline int classify_mode(const struct xnts_request *rq,
					 const struct xnts_config *config)
{
	if ((void *)&rq->ntp->stratum > rq->end || !rq->payload_len)
		return XNTS_V_drop_malformed;
	switch (ntp_mode(rq->ntp)) {
	case NTP_MODE_PASSIVE:
	case NTP_MODE_SERVER:
		return XNTS_V_pass_mode;
	case NTP_MODE_ACTIVE:
		return config->flags & XNTS_PASS_SYMMETRIC ? XNTS_V_pass_mode : XNTS_NEXT;
	case NTP_MODE_CLIENT:
		return XNTS_NEXT;
	case NTP_MODE_CONTROL:
	case NTP_MODE_PRIVATE:
		return config->flags & XNTS_PASS_CONTROL ? XNTS_V_pass_mode : XNTS_V_drop_mode;
	default:
		return is_ntp1_client(rq) ? XNTS_NEXT : XNTS_V_drop_mode;
	}
}

static __always_inline int classify_switch(void)
{
	switch (map_switch()) {
	case XNTS_SERVE:
	case XNTS_DRAIN:
		return XNTS_NEXT;
	case XNTS_DROP:
		return XNTS_V_drop_switch;
	default:
		return XNTS_V_pass_switch;
	}
}

/* Lengths agree and the fixed header is there.  UDP may be shorter than IP says, and IP
 * shorter than the frame (padding), never longer. */
static __always_inline int classify_length(struct xnts_request *rq)
{
	__u32 before = (void *)rq->ntp - rq->data;
	__u32 len = bpf_ntohs(rq->udp->len) - sizeof(struct udp_header);

	/* clang-14 would add payload_len to one pointer before it subtracts the other,
	 * in 32 bits, which kernel 6.18 refuses. */
	XNTS_OPAQUE(before);
	if (len < sizeof(struct ntp_header) || len > rq->payload_len ||
	    len > XNTS_MAX_PAYLOAD || before + rq->payload_len > frame_len(rq) ||
	    (void *)(rq->ntp + 1) > rq->end)
		return XNTS_V_drop_malformed;
	rq->payload_len = len;
	return XNTS_NEXT;
}

static __always_inline int classify(struct xnts_request *rq, const struct xnts_config *config)
{
	int v, switched;

	if (!mac_is_ours(config, rq->eth->dst))
		return XNTS_V_pass_other_mac;
	if (!destination_is_local(rq))
		return XNTS_V_pass_not_local;
	v = classify_mode(rq, config);
	if (v == XNTS_V_pass_mode)
		return v;
	switched = classify_switch();
	if (switched != XNTS_NEXT)
		return switched;
	if (v != XNTS_NEXT)
		return v;
	if (ntp_version(rq->ntp) < 1 || ntp_version(rq->ntp) > 4)
		return XNTS_V_drop_version;
	if (source_is_refused(rq))
		return XNTS_V_drop_source;
	if (rq->ip_version == 6 && !rq->udp->checksum)
		return XNTS_V_drop_checksum;
	return classify_length(rq);
}

#endif /* XNTS_CLASSIFY_H */

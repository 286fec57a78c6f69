/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parse: Ethernet, up to two VLAN tags, IPv4 or IPv6, UDP.  Whatever is not plainly
 * a UDP packet for one of our ports is the host's and passes.
 */
#ifndef XNTS_PARSE_H
#define XNTS_PARSE_H

#include "request.h"

#define VLAN_TAGS 2

struct cursor {
	void *pos;
	void *end;
};

/* The next `len` bytes, or NULL.  A field may end exactly at the end. */
static __always_inline void *cursor_take(struct cursor *c, __u32 len)
{
	void *field = c->pos;

	if (field + len > c->end)
		return NULL;
	c->pos = field + len;
	return field;
}

static __always_inline __u16 fold16(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Sum of 32-bit words for the Internet checksum (RFC 1071); `words` is a constant. */
static __always_inline __u64 sum32(const void *p, __u32 words)
{
	__u64 sum = 0;
	__u32 i;

#pragma GCC unroll 16
	for (i = 0; i < words; i++)
		sum += load32(p + 4 * i);
	return sum;
}

static __always_inline int parse_ip4(struct cursor *c, struct xnts_request *rq)
{
	struct ip4_header *ip = cursor_take(c, sizeof(*ip));
	__u32 total;

	if (!ip || ip->version_ihl >> 4 != 4)
		return XNTS_V_pass_not_ip;
	if (ip->protocol != IP_PROTO_UDP)
		return XNTS_V_pass_not_udp;
	if (ip->version_ihl != 0x45)
		return XNTS_V_pass_ip_options;
	if (ip->frag & bpf_htons(IP4_MF_OFFSET))
		return XNTS_V_pass_fragment;
	total = bpf_ntohs(ip->total_len);
	if (total < sizeof(*ip) + sizeof(struct udp_header) || fold16(sum32(ip, 5)) != 0xffff)
		return XNTS_V_pass_not_ip;
	rq->ip_version = 4;
	rq->ip4 = ip;
	rq->payload_len = total - sizeof(*ip);
	return XNTS_NEXT;
}

static __always_inline int parse_ip6(struct cursor *c, struct xnts_request *rq)
{
	struct ip6_header *ip = cursor_take(c, sizeof(*ip));

	if (!ip || (ip->version_class_flow & bpf_htonl(0xf0000000)) != bpf_htonl(0x60000000))
		return XNTS_V_pass_not_ip;
	switch (ip->next_header) {
	case IP_PROTO_UDP:
		break;
	case 0:   /* hop-by-hop options */
	case 43:  /* routing */
	case 44:  /* fragment */
	case 51:  /* authentication */
	case 60:  /* destination options */
	case 135: /* mobility */
		return XNTS_V_pass_ip_options;
	default:
		return XNTS_V_pass_not_udp;
	}
	if (bpf_ntohs(ip->payload_len) < sizeof(struct udp_header))
		return XNTS_V_pass_not_ip;
	rq->ip_version = 6;
	rq->ip6 = ip;
	rq->payload_len = bpf_ntohs(ip->payload_len);
	return XNTS_NEXT;
}

static __always_inline bool port_is_ours(const struct xnts_config *config, __be16 port)
{
	int i;

	for (i = 0; i < XNTS_PORTS && config->port[i]; i++)
		if (config->port[i] == port)
			return true;
	return false;
}

/* Fills eth, ip4 or ip6, udp and ntp; payload_len is what IP says is behind UDP's
 * header, still to be held against UDP's own length. */
static __always_inline int parse(struct xnts_request *rq, const struct xnts_config *config)
{
	struct cursor c = { .pos = rq->data, .end = rq->end };
	struct vlan_tag *tag;
	__be16 type;
	int i, v;

	rq->eth = cursor_take(&c, sizeof(*rq->eth));
	if (!rq->eth)
		return XNTS_V_pass_not_ip;
	type = rq->eth->type;
#pragma GCC unroll 2
	for (i = 0; i < VLAN_TAGS; i++) {
		if (type != bpf_htons(ETH_TYPE_VLAN) && type != bpf_htons(ETH_TYPE_SVLAN))
			break;
		tag = cursor_take(&c, sizeof(*tag));
		if (!tag)
			return XNTS_V_pass_not_ip;
		type = tag->type;
	}

	if (type == bpf_htons(ETH_TYPE_IPV4))
		v = parse_ip4(&c, rq);
	else if (type == bpf_htons(ETH_TYPE_IPV6))
		v = parse_ip6(&c, rq);
	else
		v = XNTS_V_pass_not_ip;
	if (v != XNTS_NEXT)
		return v;

	rq->udp = cursor_take(&c, sizeof(*rq->udp));
	if (!rq->udp)
		return XNTS_V_pass_not_ip;
	if (!port_is_ours(config, rq->udp->dst))
		return XNTS_V_pass_other_port;
	rq->payload_len -= sizeof(*rq->udp);
	rq->ntp = c.pos;
	return XNTS_NEXT;
}

#endif /* XNTS_PARSE_H */

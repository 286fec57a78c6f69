/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Builds frames.  Nothing here comes from the code under test but the ABI's types:
 * fields are put down byte by byte and checksums are taken over 16-bit words in
 * network order.
 */
#ifndef XNTS_TEST_PACKET_H
#define XNTS_TEST_PACKET_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "world.h"

#define PAYLOAD_MAX 1800 /* more than the program takes */
#define NTP_LEN 48
#define VLANS_MAX 3

enum lie { /* what a malformed packet says that is not so */
	LIE_IP_CHECKSUM = 1 << 0,
	LIE_NO_UDP_CHECKSUM = 1 << 1,
	LIE_UDP_CHECKSUM = 1 << 2,
};

struct packet {
	uint8_t dst_mac[6], src_mac[6];
	int vlans; /* tags in the frame */
	uint16_t vlan_type[VLANS_MAX], vlan_tci[VLANS_MAX];
	uint16_t eth_type; /* 0: as ip_version says */
	int ip_version;    /* 4 or 6 */
	uint8_t ihl;       /* IPv4 header words; options are NOPs */
	uint8_t tos;       /* DSCP and ECN: TOS or traffic class */
	uint32_t flow;     /* IPv6 flow label */
	uint16_t id, frag;
	uint8_t ttl, protocol;
	uint8_t src[16], dst[16];
	uint16_t sport, dport;
	int ip_len_add, udp_len_add; /* what the length fields say too much */
	unsigned int lies;
	uint8_t payload[PAYLOAD_MAX];
	uint32_t payload_len;
	uint32_t padding; /* bytes behind the IP packet */
};

static inline void put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static inline uint16_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static inline uint64_t get64(const uint8_t *p)
{
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

static inline uint32_t sum16(uint32_t sum, const uint8_t *p, uint32_t len)
{
	uint32_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += get16(p + i);
	if (len & 1)
		sum += p[len - 1] << 8;
	return sum;
}

static inline uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline uint32_t packet_addr_len(const struct packet *p)
{
	return p->ip_version == 4 ? 4 : 16;
}

/* Ethernet and its tags, up to the network header. */
static inline uint32_t packet_eth(const struct packet *p, uint8_t *f)
{
	uint16_t type = p->ip_version == 4 ? 0x0800 : 0x86dd;
	uint32_t at = 12;
	int i;

	memcpy(f, p->dst_mac, 6);
	memcpy(f + 6, p->src_mac, 6);
	for (i = 0; i < p->vlans; i++) {
		put16(f + at, p->vlan_type[i]);
		put16(f + at + 2, p->vlan_tci[i]);
		at += 4;
	}
	put16(f + at, p->eth_type ? p->eth_type : type);
	return at + 2;
}

static inline uint32_t packet_ip4(const struct packet *p, uint8_t *f, uint32_t udp_len)
{
	uint32_t len = p->ihl * 4;

	memset(f, 1 /* NOP */, len > 20 ? len : 20);
	f[0] = 0x40 | p->ihl;
	f[1] = p->tos;
	put16(f + 2, len + udp_len + p->ip_len_add);
	put16(f + 4, p->id);
	put16(f + 6, p->frag);
	f[8] = p->ttl;
	f[9] = p->protocol;
	put16(f + 10, 0);
	memcpy(f + 12, p->src, 4);
	memcpy(f + 16, p->dst, 4);
	put16(f + 10, ~fold(sum16(0, f, len)) ^ (p->lies & LIE_IP_CHECKSUM ? 1 : 0));
	return len;
}

static inline uint32_t packet_ip6(const struct packet *p, uint8_t *f, uint32_t udp_len)
{
	put32(f, 0x60000000 | (uint32_t)p->tos << 20 | p->flow);
	put16(f + 4, udp_len + p->ip_len_add);
	f[6] = p->protocol;
	f[7] = p->ttl;
	memcpy(f + 8, p->src, 16);
	memcpy(f + 24, p->dst, 16);
	return 40;
}

static inline void packet_udp(const struct packet *p, uint8_t *f)
{
	uint32_t len = 8 + p->payload_len, sum;
	uint16_t checksum;

	put16(f, p->sport);
	put16(f + 2, p->dport);
	put16(f + 4, len + p->udp_len_add);
	put16(f + 6, 0);
	memcpy(f + 8, p->payload, p->payload_len);
	sum = sum16(17 + len, p->src, packet_addr_len(p));
	sum = sum16(sum, p->dst, packet_addr_len(p));
	checksum = ~fold(sum16(sum, f, len));
	if (!checksum)
		checksum = 0xffff;
	if (p->lies & LIE_UDP_CHECKSUM)
		checksum ^= 0x0100;
	put16(f + 6, p->lies & LIE_NO_UDP_CHECKSUM ? 0 : checksum);
}

/* Writes the frame; returns its length. */
static inline uint32_t packet_build(const struct packet *p, uint8_t *frame)
{
	uint32_t udp_len = 8 + p->payload_len, at = packet_eth(p, frame);

	at += p->ip_version == 4 ? packet_ip4(p, frame + at, udp_len) :
				   packet_ip6(p, frame + at, udp_len);
	packet_udp(p, frame + at);
	at += udp_len;
	memset(frame + at, 0xee, p->padding);
	return at + p->padding;
}

/* Where the UDP payload starts. */
static inline uint32_t packet_payload_at(const struct packet *p)
{
	return 14 + 4 * p->vlans + (p->ip_version == 4 ? p->ihl * 4 : 40) + 8;
}

/* Where the UDP header of a frame is that has no IP options. */
static inline uint32_t frame_udp_at(const uint8_t *frame)
{
	uint32_t at = 12;

	while (get16(frame + at) == 0x8100 || get16(frame + at) == 0x88a8)
		at += 4;
	return at + 2 + (get16(frame + at) == 0x0800 ? 20 : 40);
}

/* A version 4 client's 48 bytes from an ephemeral port over IPv4 or IPv6. */
static inline void packet_init(struct packet *p, int ip_version)
{
	static const uint8_t client4[4] = { 198, 51, 100, 77 }, server4[4] = WORLD_IP4;
	static const uint8_t client6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x77 };
	static const uint8_t server6[16] = WORLD_IP6;
	static const uint8_t transmit[8] = { 0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x07, 0x18 };

	*p = (struct packet){
		.dst_mac = WORLD_MAC, .src_mac = { 0x02, 0, 0, 0, 0, 0x77 },
		.ip_version = ip_version, .ihl = 5, .flow = 0x54321, .id = 0x1234,
		.ttl = 55, .protocol = 17, .sport = 40123, .dport = 123,
		.payload_len = NTP_LEN,
	};
	memcpy(p->src, ip_version == 4 ? client4 : client6, packet_addr_len(p));
	memcpy(p->dst, ip_version == 4 ? server4 : server6, packet_addr_len(p));
	p->payload[0] = 0x23;
	p->payload[2] = 6; /* poll */
	memcpy(p->payload + 40, transmit, 8);
}

static inline void packet_vlan(struct packet *p, uint16_t type, uint16_t tci)
{
	p->vlan_type[p->vlans] = type;
	p->vlan_tci[p->vlans++] = tci;
}

/* Appends to the payload. */
static inline uint8_t *packet_add(struct packet *p, const void *data, uint32_t len)
{
	uint8_t *at = p->payload + p->payload_len;

	if (data)
		memcpy(at, data, len);
	p->payload_len += len;
	return at;
}

/* Appends an extension field with `len` bytes of body; NULL: zeros. */
static inline uint8_t *packet_add_ef(struct packet *p, uint16_t type, const void *body, uint32_t len)
{
	uint8_t *at = packet_add(p, NULL, 4);

	put16(at, type);
	put16(at + 2, 4 + len);
	memset(at + 4, 0, len);
	packet_add(p, body, len);
	return at;
}

/* The answer that `p` should get, as far as its headers go: turned round. */
static inline void packet_turn(const struct packet *p, struct packet *answer, const uint8_t *payload,
			       uint32_t len)
{
	*answer = *p;
	memcpy(answer->dst_mac, p->src_mac, 6);
	memcpy(answer->src_mac, p->dst_mac, 6);
	memcpy(answer->src, p->dst, 16);
	memcpy(answer->dst, p->src, 16);
	answer->sport = p->dport;
	answer->dport = p->sport;
	answer->tos = p->tos & 0xfc; /* DSCP kept, ECN cleared */
	answer->flow = 0;
	answer->id = 0;
	answer->frag = 0x4000;
	answer->ttl = WORLD_TTL;
	answer->ip_len_add = answer->udp_len_add = 0;
	answer->lies = 0;
	answer->padding = 0;
	memcpy(answer->payload, payload, len);
	answer->payload_len = len;
}

#endif /* XNTS_TEST_PACKET_H */

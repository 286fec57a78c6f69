/* SPDX-License-Identifier: GPL-2.0 */
/* Every bit of valid requests flipped, every first byte, field types, source ports. */
#ifndef XNTS_TEST_SWEEP_BITS_H
#define XNTS_TEST_SWEEP_BITS_H

#include "chance.h"
#include "sweep.h"

/* May a request with a bit of this header byte flipped be answered all the same?  IPv4's
 * checksum covers its header; nothing covers source MAC, VLAN ids and IPv6's first words. */
static inline bool flip_is_harmless(const struct packet *p, uint32_t at)
{
	uint32_t ip = 14 + 4 * p->vlans, udp = packet_payload_at(p) - 8;

	if (at < ip)
		return (at >= 6 && at < 12) || (at >= 14 && (at - 12) % 4 >= 2);
	if (at >= udp)
		return at - udp < 2 || at - udp >= 6; /* source port, checksum */
	if (p->ip_version == 4)
		return false;
	at -= ip;
	return at < 4 || at == 7 || (at >= 8 && at < 24); /* class and flow, hop limit, source */
}

static inline void flip_bits(struct sweep *s)
{
	uint32_t payload_at = packet_payload_at(&s->packet), bit, whole;

	whole = packet_build(&s->packet, s->run.frame);
	s->run.len = whole;
	for (bit = 0; bit < 8 * whole; bit++) {
		uint8_t *byte = s->run.frame + bit / 8, mask = 1 << bit % 8;

		*byte ^= mask;
		run_frame(s->target, &s->run);
		*byte ^= mask;
		if (bit / 8 >= payload_at || !flip_is_harmless(&s->packet, bit / 8))
			assert_not_authenticated(s);
		if (bit / 8 < payload_at && s->run.out.action == XDP_TX)
			assert_true(sweep_accepted(s));
	}
	run_frame(s->target, &s->run);
	assert_verdict(&s->run, XNTS_V_nts_answered);
}

static void flipped_bits_ip4(void **state) { flip_bits(sweep_start_nts(state, 4, 0)); }
static void flipped_bits_ip6(void **state) { flip_bits(sweep_start_nts(state, 6, 0)); }
static void flipped_bits_placeholders(void **state) { flip_bits(sweep_start_nts(state, 4, 2)); }

static void flipped_bits_tagged(void **state)
{
	struct sweep *s = sweep_start(state, 4);

	packet_vlan(&s->packet, 0x8100, 0x0123);
	client_request(&s->client, &s->packet, 1);
	s->run.len = packet_build(&s->packet, s->run.frame);
	flip_bits(s);
}

static void flipped_bits_encrypted(void **state)
{
	struct sweep *s = sweep_start(state, 6);

	nts_encrypted(&s->packet, 1, 2, 0x0304, XNTS_COOKIE_LEN);
	flip_bits(s);
}

/* The verdict on 48 bytes by version and mode, from an ephemeral port. */
static void every_first_byte(void **state)
{
	enum { P = XNTS_V_pass_mode, M = XNTS_V_drop_mode, N = XNTS_V_drop_version,
	       A = XNTS_V_plain_answered, S = XNTS_V_plain_symmetric };
	static const int expected[8][8] = {
		/* mode 0  1  2  3  4  5  6  7 */
		{ M, N, P, N, P, M, M, M }, /* version 0 */
		{ A, S, P, A, P, M, M, M },
		{ M, S, P, A, P, M, M, M },
		{ M, S, P, A, P, M, M, M },
		{ M, S, P, A, P, M, M, M },
		{ M, N, P, N, P, M, M, M },
		{ M, N, P, N, P, M, M, M },
		{ M, N, P, N, P, M, M, M },
	};
	struct sweep *s = sweep_start(state, 4);
	int first;

	for (first = 0; first <= 0xff; first++) {
		s->packet.payload[0] = first;
		sweep_packet(s);
		assert_verdict(&s->run, expected[first >> 3 & 7][first & 7]);
		if (s->run.out.action == XDP_TX)
			assert_headers(&s->packet, &s->run, NTP_LEN);
	}
}

/* Every field type but NTS's four is ignored, sealed or not. */
static void field_types(void **state)
{
	uint32_t type;

	for (type = 0; type <= 0xffff; type += type % 256 == 8 ? 248 : 1) {
		struct sweep *s = sweep_start(state, 4);

		if (type == 0x0104 || type == 0x0204 || type == 0x0404)
			continue;
		packet_add_ef(&s->packet, type, NULL, 28);
		sweep_packet(s);
		assert_verdict(&s->run, XNTS_V_plain_answered);
		client_request(&s->client, &s->packet, 0);
		sweep_packet(s);
		assert_verdict(&s->run, XNTS_V_nts_answered);
		assert_true(sweep_accepted(s));
	}
}

/* Every source port: also those for which a checksum comes out as 0 and is sent as 0xffff. */
static void every_source_port(void **state)
{
	struct sweep *s = sweep_start(state, 6);
	uint32_t port;

	for (port = 0; port <= 0xffff; port++) {
		s->packet.sport = port;
		sweep_packet(s);
		assert_verdict(&s->run, port ? XNTS_V_plain_answered : XNTS_V_drop_source);
		if (port)
			assert_headers(&s->packet, &s->run, NTP_LEN);
	}
}

#define MUTATIONS 20000

/* Bytes, words, cuts and growth anywhere in the payload. */
static inline void mutate(struct packet *p)
{
	static const uint16_t words_of_interest[] = { 0, 1, 4, 15, 16, 24, 28, 36, 92, 0x0104, 0x0204,
						      0x0304, 0x0404, 0x7fff, 0x8000, 0xffff };
	uint32_t at = any(p->payload_len), i;

	switch (any(5)) {
	case 0:
		p->payload[at] = any(256);
		break;
	case 1:
		put16(p->payload + (at & ~1U), words_of_interest[any(16)]);
		break;
	case 2:
		p->payload_len = at ? at : 1;
		break;
	case 3: /* a piece is copied elsewhere */
		for (i = 0; i < 96 && at + i + 36 < p->payload_len; i++)
			p->payload[at + i] = p->payload[at + i + 36];
		break;
	default:
		any_bytes(packet_add(p, NULL, any(100)), 100);
	}
}

/* No mutation of a request is answered as if it were authentic, but what is added behind,
 * also where the authenticator's length, which nothing covers, takes it for padding. */
static void mutations(void **state)
{
	int i, n;

	chance_begin();
	for (i = 0; i < MUTATIONS; i++) {
		struct sweep *s = sweep_start_nts(state, any(2) ? 4 : 6, any(4));
		uint8_t request[PAYLOAD_MAX];
		uint32_t len = s->packet.payload_len, auth_len = len - AUTH_FIELD + 2;
		bool authentic;

		memcpy(request, s->packet.payload, len);
		for (n = any(6); n >= 0 && s->packet.payload_len < 1400; n--)
			mutate(&s->packet);
		sweep_packet(s);
		authentic = s->packet.payload_len >= len &&
			    !memcmp(request, s->packet.payload, auth_len) &&
			    !memcmp(request + auth_len + 2, s->packet.payload + auth_len + 2,
				    len - auth_len - 2);
		if (!authentic)
			assert_not_authenticated(s);
		else if (get16(s->packet.payload + auth_len) == AUTH_FIELD)
			assert_verdict(&s->run, XNTS_V_nts_answered);
	}
}

#define BIT_SWEEPS(t) \
	SWEEP(flipped_bits_ip4, t), SWEEP(flipped_bits_ip6, t), \
	SWEEP(flipped_bits_placeholders, t), SWEEP(flipped_bits_tagged, t), \
	SWEEP(flipped_bits_encrypted, t), SWEEP(every_first_byte, t), SWEEP(field_types, t), \
	SWEEP(every_source_port, t), SWEEP(mutations, t)

#endif /* XNTS_TEST_SWEEP_BITS_H */

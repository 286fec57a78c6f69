/* SPDX-License-Identifier: GPL-2.0 */
/* Every truncation, and every value of every length field, of valid requests. */
#ifndef XNTS_TEST_SWEEP_LENGTHS_H
#define XNTS_TEST_SWEEP_LENGTHS_H

#include "sweep.h"

/* What the first `len` bytes of an NTS request with an identifier of 36 are, to the RFCs. */
static inline int truncated_verdict(uint32_t len)
{
	const uint32_t after_uid = NTP_LEN + 36, mac20 = 20, mac24 = 24;

	if (len == NTP_LEN || len == NTP_LEN + mac20 || len == NTP_LEN + mac24 ||
	    len == after_uid || len == after_uid + mac20 || len == after_uid + mac24)
		return XDP_TX; /* plain NTP, perhaps with a MAC */
	return XDP_DROP;
}

/* Frame, IP and UDP agree that the request ends early. */
static void truncated_in_agreement(void **state)
{
	struct sweep *s = sweep_start_nts(state, 4, 3);
	uint32_t whole = s->packet.payload_len, len;
	int ip_version;

	for (ip_version = 4; ip_version <= 6; ip_version += 2) {
		s = sweep_start_nts(state, ip_version, 3);
		for (len = 0; len < whole; len++) {
			s->packet.payload_len = len;
			sweep_packet(s);
			assert_int_equal(s->run.out.action, truncated_verdict(len));
			assert_not_authenticated(s);
		}
		s->packet.payload_len = whole;
		sweep_packet(s);
		assert_verdict(&s->run, XNTS_V_nts_answered);
		assert_true(sweep_accepted(s));
	}
}

/* The frame ends early, IP and UDP do not know. */
static void truncated_frame(void **state)
{
	uint32_t smallest = 14, len, whole; /* BPF_PROG_TEST_RUN takes no less */
	int ip_version;

	for (ip_version = 4; ip_version <= 6; ip_version += 2) {
		struct sweep *s = sweep_start_nts(state, ip_version, 3);

		packet_vlan(&s->packet, 0x88a8, 1);
		packet_vlan(&s->packet, 0x8100, 2);
		whole = packet_build(&s->packet, s->run.frame);
		for (len = smallest; len < whole; len++) {
			s->run.len = len;
			run_frame(s->target, &s->run);
			assert_int_not_equal(s->run.out.action, XDP_TX);
		}
		s->run.len = whole;
		run_frame(s->target, &s->run);
		assert_verdict(&s->run, XNTS_V_nts_answered);
	}
}

/* Only IP, or only UDP, or each says something else than the frame holds. */
static void truncated_in_disagreement(void **state)
{
	int ip_version, less;

	for (ip_version = 4; ip_version <= 6; ip_version += 2) {
		struct sweep *s = sweep_start_nts(state, ip_version, 1);
		int whole = s->packet.payload_len;

		for (less = 1; less <= whole + 8; less++) {
			s->packet.ip_len_add = -less;
			s->packet.udp_len_add = 0;
			sweep_packet(s);
			assert_int_not_equal(s->run.out.action, XDP_TX);

			s->packet.ip_len_add = 0;
			s->packet.udp_len_add = -less;
			sweep_packet(s);
			assert_not_authenticated(s);
			assert_int_equal(s->run.out.action,
					 less > whole ? XDP_DROP : truncated_verdict(whole - less));

			s->packet.ip_len_add = s->packet.udp_len_add = -less;
			sweep_packet(s);
			assert_not_authenticated(s);
		}
	}
}

/* Every value of the 16-bit field at `at` in the frame but the right one. */
static inline void sweep_field(struct sweep *s, uint32_t at, bool any_answer)
{
	uint8_t *field;
	uint16_t right;
	uint32_t v;

	s->run.len = packet_build(&s->packet, s->run.frame);
	field = s->run.frame + at;
	right = get16(field);
	for (v = 0; v <= 0xffff; v++) {
		put16(field, v);
		run_frame(s->target, &s->run);
		if (v == right) {
			assert_verdict(&s->run, XNTS_V_nts_answered);
			continue;
		}
		assert_not_authenticated(s);
		if (!any_answer)
			assert_int_not_equal(s->run.out.action, XDP_TX);
	}
}

static void every_udp_length(void **state)
{
	struct sweep *s = sweep_start_nts(state, 4, 1);

	sweep_field(s, packet_payload_at(&s->packet) - 4, true);
}

static void every_ip6_length(void **state)
{
	sweep_field(sweep_start_nts(state, 6, 1), 14 + 4, false);
}

static void every_ip4_length(void **state)
{
	struct sweep *s = sweep_start_nts(state, 4, 1);
	uint32_t whole = 28 + s->packet.payload_len, len;

	for (len = 0; len <= 0xffff; len++) { /* the checksum follows */
		s->packet.ip_len_add = (int)len - (int)whole;
		sweep_packet(s);
		if (len == whole)
			assert_verdict(&s->run, XNTS_V_nts_answered);
		else
			assert_int_not_equal(s->run.out.action, XDP_TX);
	}
}

/* Offsets of the fields in the payload of a request with one placeholder. */
static inline void sweep_ef(void **state, uint32_t offset)
{
	struct sweep *s = sweep_start_nts(state, 4, 1);

	/* A field that reaches to the end, or to a MAC, leaves plain NTP or a NAK. */
	sweep_field(s, packet_payload_at(&s->packet) + offset, true);
}

static void every_identifier_length(void **state) { sweep_ef(state, NTP_LEN + 2); }
static void every_cookie_length(void **state) { sweep_ef(state, AT_COOKIE + 2); }
static void every_placeholder_length(void **state) { sweep_ef(state, AT_AUTH + 2); }
static void every_authenticator_length(void **state) { sweep_ef(state, AT_AUTH + COOKIE_FIELD + 2); }
static void every_nonce_length(void **state) { sweep_ef(state, AT_AUTH + COOKIE_FIELD + 4); }
static void every_ciphertext_length(void **state) { sweep_ef(state, AT_AUTH + COOKIE_FIELD + 6); }

/* RFC 8915 5.6: padded nonce and additional padding must make 16. */
static void nonces_and_padding(void **state)
{
	int nonce_len, padding;

	for (nonce_len = 1; nonce_len <= 64; nonce_len++) {
		for (padding = 0; padding <= 32; padding += 4) {
			struct sweep *s = sweep_start(state, 6);

			nts_begin(&s->packet);
			client_add_placeholders(&s->packet, 1); /* room for any answer */
			client_authenticate(&s->client, &s->packet, nonce_len, NULL, 0, padding);
			sweep_packet(s);
			if (words(nonce_len) + padding < 16) {
				assert_verdict(&s->run, XNTS_V_drop_nts_malformed);
				continue;
			}
			assert_verdict(&s->run, XNTS_V_nts_answered);
			assert_true(sweep_accepted(s));
		}
	}
}

/* Encrypted fields of every length from none on: unknown ones, whole. */
static void encrypted_lengths(void **state)
{
	int len;

	for (len = 4; len <= 1024; len += 4) {
		struct sweep *s = sweep_start(state, 4);
		uint8_t text[1024] = { 0xf3, 0x23 };

		put16(text + 2, len);
		nts_begin(&s->packet);
		client_authenticate(&s->client, &s->packet, CLIENT_NONCE_LEN, text, len, 0);
		sweep_packet(s);
		assert_verdict(&s->run, XNTS_V_nts_answered);
		assert_true(sweep_accepted(s));
	}
}

/* Requests of 1472 bytes, all of it nonce and encrypted field in every proportion. */
static void longest_requests(void **state)
{
	const uint32_t room = XNTS_MAX_PAYLOAD - AT_AUTH - 8 - REF_TAG;
	uint32_t len;

	for (len = 0; len <= room - CLIENT_NONCE_LEN; len += 4) {
		struct sweep *s = sweep_start(state, 6);
		uint8_t text[XNTS_MAX_PAYLOAD] = { 0xf3, 0x23 };

		put16(text + 2, len);
		nts_begin(&s->packet);
		client_authenticate(&s->client, &s->packet, room - len, text, len, 0);
		assert_int_equal(s->packet.payload_len, XNTS_MAX_PAYLOAD);
		sweep_packet(s);
		assert_verdict(&s->run, XNTS_V_nts_answered);
		assert_true(sweep_accepted(s));
	}
}

/* Associated data of every length that leaves room for the authenticator, 8 cookies where
 * they fit. */
static void associated_data_lengths(void **state)
{
	uint32_t len;

	for (len = 12; AT_AUTH + 4 + len + AUTH_FIELD <= XNTS_MAX_PAYLOAD; len += 4) {
		struct sweep *s = sweep_start(state, 4);

		nts_begin(&s->packet);
		packet_add_ef(&s->packet, 0xf323, NULL, len);
		while (s->packet.payload_len + COOKIE_FIELD + AUTH_FIELD <= XNTS_MAX_PAYLOAD)
			client_add_placeholders(&s->packet, 1);
		nts_end(&s->packet);
		sweep_packet(s);
		assert_verdict(&s->run, XNTS_V_nts_answered);
		assert_true(sweep_accepted(s));
	}
}

/* Identifiers of every legal length: the answer carries them whole. */
static void identifier_lengths(void **state)
{
	int len;

	for (len = 32; len <= CLIENT_UID_MAX; len += 4) {
		struct sweep *s = sweep_start(state, 6);

		s->client.uid_len = len;
		client_request(&s->client, &s->packet, 2);
		sweep_packet(s);
		assert_verdict(&s->run, XNTS_V_nts_answered);
		assert_true(sweep_accepted(s));
		assert_int_equal(s->run.out.len, s->run.len);
	}
}

#define LENGTH_SWEEPS(t) \
	SWEEP(truncated_in_agreement, t), SWEEP(truncated_frame, t), \
	SWEEP(truncated_in_disagreement, t), SWEEP(every_udp_length, t), \
	SWEEP(every_ip6_length, t), SWEEP(every_ip4_length, t), \
	SWEEP(every_identifier_length, t), SWEEP(every_cookie_length, t), \
	SWEEP(every_placeholder_length, t), SWEEP(every_authenticator_length, t), \
	SWEEP(every_nonce_length, t), SWEEP(every_ciphertext_length, t), \
	SWEEP(nonces_and_padding, t), SWEEP(encrypted_lengths, t), \
	SWEEP(longest_requests, t), SWEEP(associated_data_lengths, t), \
	SWEEP(identifier_lengths, t)

#endif /* XNTS_TEST_SWEEP_LENGTHS_H */

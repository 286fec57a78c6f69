/* SPDX-License-Identifier: GPL-2.0 */
/* NTS-protected NTP, RFC 8915 5. */
#ifndef XNTS_TEST_CASES_NTS_H
#define XNTS_TEST_CASES_NTS_H

#include "cases.h"

static inline struct client *the_client(void)
{
	static struct client c;

	client_init(&c);
	return &c;
}

/* Identifier and cookie: what precedes placeholders and authenticator. */
static inline void nts_begin(struct packet *p)
{
	client_add_uid(the_client(), p);
	client_add_cookie(the_client(), p, KEY_SEAL);
}

static inline void nts_end(struct packet *p)
{
	client_authenticate(the_client(), p, CLIENT_NONCE_LEN, NULL, 0, 0);
}

static inline void nts_nonce(struct packet *p, int nonce_len, int padding)
{
	nts_begin(p);
	client_authenticate(the_client(), p, nonce_len, NULL, 0, padding);
}

/* Offsets in a request made by nts_begin() and nts_end(). */
#define AT_COOKIE (NTP_LEN + 36)
#define AT_AUTH (AT_COOKIE + COOKIE_FIELD)

/* ---- answered ------------------------------------------------------------ */

#define NTS_PLACEHOLDERS(n) MAKE(nts##n) { client_request(the_client(), p, n); }
NTS_PLACEHOLDERS(0)
NTS_PLACEHOLDERS(1)
NTS_PLACEHOLDERS(2)
NTS_PLACEHOLDERS(3)
NTS_PLACEHOLDERS(4)
NTS_PLACEHOLDERS(5)
NTS_PLACEHOLDERS(6)
NTS_PLACEHOLDERS(7)
NTS_PLACEHOLDERS(8)
NTS_PLACEHOLDERS(12)
MAKE(placeholders_of_other_length)
{
	nts_begin(p);
	packet_add_ef(p, 0x0304, NULL, XNTS_COOKIE_LEN - 4);
	packet_add_ef(p, 0x0304, NULL, XNTS_COOKIE_LEN + 4);
	packet_add_ef(p, 0x0304, NULL, 12);
	packet_add_ef(p, 0x0304, NULL, 400);
	nts_end(p);
}
MAKE(placeholders_mixed)
{
	nts_begin(p);
	client_add_placeholders(p, 1);
	packet_add_ef(p, 0x0304, NULL, XNTS_COOKIE_LEN + 8);
	client_add_placeholders(p, 1);
	nts_end(p);
}

/* A request with `clear` placeholders in the clear, then `n` of `type` and `len` bytes of body encrypted. */
static inline void nts_encrypted(struct packet *p, int clear, int n, uint16_t type, int len)
{
	struct packet inner = { 0 };

	nts_begin(p);
	client_add_placeholders(p, clear);
	while (n-- > 0)
		packet_add_ef(&inner, type, NULL, len);
	client_authenticate(the_client(), p, CLIENT_NONCE_LEN, inner.payload, inner.payload_len, 0);
}

MAKE(encrypted_placeholder) { nts_encrypted(p, 0, 1, 0x0304, XNTS_COOKIE_LEN); }
MAKE(encrypted_placeholders) { nts_encrypted(p, 0, 7, 0x0304, XNTS_COOKIE_LEN); }
MAKE(encrypted_and_clear) { nts_encrypted(p, 3, 2, 0x0304, XNTS_COOKIE_LEN); }
MAKE(encrypted_too_many) { nts_encrypted(p, 6, 5, 0x0304, XNTS_COOKIE_LEN); }
MAKE(encrypted_other_length) { nts_encrypted(p, 0, 2, 0x0304, XNTS_COOKIE_LEN - 4); }
MAKE(encrypted_unknown) { nts_encrypted(p, 1, 1, 0xf323, 24); }
MAKE(encrypted_smallest) { nts_encrypted(p, 0, 3, 0xf323, 0); }
MAKE(encrypted_smallest_one) { nts_encrypted(p, 0, 1, 0xf323, 0); }
MAKE(encrypted_cookie) { nts_encrypted(p, 0, 1, 0x0204, XNTS_COOKIE_LEN); }

static inline void nts_ciphertext(struct packet *p, const void *text, int len)
{
	nts_begin(p);
	client_authenticate(the_client(), p, CLIENT_NONCE_LEN, text, len, 0);
}

MAKE(encrypted_1_byte) { nts_ciphertext(p, "1", 1); }
MAKE(encrypted_3_bytes) { nts_ciphertext(p, "123", 3); }
MAKE(encrypted_length_0) { nts_ciphertext(p, "\xf3\x23\0\0\0\0\0\0", 8); }
MAKE(encrypted_past_end) { nts_ciphertext(p, "\xf3\x23\0\x0c\0\0\0\0", 8); }
MAKE(encrypted_odd_length)
{
	nts_ciphertext(p, "\xf3\x23\0\x06\0\0\xf3\x23\0\x06\0\0", 12);
}
MAKE(encrypted_17_bytes) { nts_ciphertext(p, "\xf3\x23\0\x10 twelve bytes", 17); }

MAKE(nonce1_padding12) { nts_nonce(p, 1, 12); }
MAKE(nonce1_padding8) { nts_nonce(p, 1, 8); }
MAKE(nonce8_padding8) { nts_nonce(p, 8, 8); }
MAKE(nonce8_padding4) { nts_nonce(p, 8, 4); }
MAKE(nonce12) { nts_nonce(p, 12, 0); }
MAKE(nonce12_padding4) { nts_nonce(p, 12, 4); }
/* Its placeholder leaves room for the answer all the same. */
MAKE(nonce12_placeholder)
{
	nts_begin(p);
	client_add_placeholders(p, 1);
	client_authenticate(the_client(), p, 12, NULL, 0, 0);
}
MAKE(nonce13) { nts_nonce(p, 13, 0); }
MAKE(nonce15) { nts_nonce(p, 15, 0); }
MAKE(nonce17) { nts_nonce(p, 17, 0); }
MAKE(nonce20) { nts_nonce(p, 20, 0); }
MAKE(nonce64) { nts_nonce(p, 64, 0); }
MAKE(padding4) { nts_nonce(p, 16, 4); }
MAKE(padding1000) { nts_nonce(p, 16, 1000); }
MAKE(nonce0) { nts_nonce(p, 0, 16); }

MAKE(old_key)
{
	client_add_uid(the_client(), p);
	client_add_cookie(the_client(), p, KEY_OLD);
	nts_end(p);
}
MAKE(cookie_first)
{
	client_add_cookie(the_client(), p, KEY_SEAL);
	client_add_uid(the_client(), p);
	nts_end(p);
}
MAKE(placeholders_first)
{
	client_add_placeholders(p, 2);
	client_add_cookie(the_client(), p, KEY_SEAL);
	client_add_uid(the_client(), p);
	nts_end(p);
}
MAKE(xleave_field_first) { packet_add_ef(p, 0xf323, NULL, 24); nts_begin(p); nts_end(p); }
MAKE(unknown_between)
{
	client_add_uid(the_client(), p);
	packet_add_ef(p, 0x2005, NULL, 12);
	client_add_cookie(the_client(), p, KEY_SEAL);
	packet_add_ef(p, 0x4204, NULL, 28);
	nts_end(p);
}
MAKE(longest)
{
	nts_begin(p);
	client_add_placeholders(p, 7);
	packet_add_ef(p, 0xf323, NULL, 1472 - p->payload_len - AUTH_FIELD - 4);
	nts_end(p);
}
MAKE(uid_long)
{
	struct client *c = the_client();

	c->uid_len = 100;
	client_request(c, p, 1);
}
MAKE(filled_header) { p->payload[0] = 0xe3; fill(p->payload + 4, 44, 1); make_nts0(p, w); }
MAKE(nts_from_123) { p->sport = 123; make_nts1(p, w); }
MAKE(nts_tagged) { packet_vlan(p, 0x88a8, 5); packet_vlan(p, 0x8100, 9); make_nts2(p, w); }
MAKE(nts_dscp) { p->tos = 0xb9; make_nts0(p, w); }
MAKE(nts_ethernet_padding) { p->padding = 5; make_nts0(p, w); }
MAKE(nts_unsynchronised) { world_clock(w)->leap = 3; make_nts1(p, w); }
MAKE(nts_leap) { world_clock(w)->leap = 2; make_nts0(p, w); }

/* What follows the authenticator is discarded (RFC 8915 5.7). */
MAKE(after_unknown) { make_nts1(p, w); packet_add_ef(p, 0xf323, NULL, 24); }
MAKE(after_placeholder) { make_nts0(p, w); client_add_placeholders(p, 2); }
MAKE(after_cookie) { make_nts0(p, w); client_add_cookie(the_client(), p, KEY_SEAL); }
MAKE(after_identifier) { make_nts0(p, w); client_add_uid(the_client(), p); }
MAKE(after_authenticator) { make_nts0(p, w); nts_end(p); }
MAKE(after_mac) { make_nts0(p, w); packet_add_ef(p, 1, NULL, 16); }
MAKE(after_garbage) { make_nts0(p, w); packet_add(p, "\xff\xff\xff\xff\xff", 5); }

/* ---- NAKs ------------------------------------------------------------------ */

static inline void nts_of_key(struct packet *p, uint32_t id)
{
	client_add_uid(the_client(), p);
	client_add_cookie(the_client(), p, id);
	nts_end(p);
}

MAKE(key_gone) { nts_of_key(p, KEY_GONE); }
MAKE(key_id_0) { nts_of_key(p, 0); }
MAKE(key_same_slot) { nts_of_key(p, KEY_SEAL + XNTS_KEY_RING); }
MAKE(key_generation_2_later) { nts_of_key(p, KEY_SEAL + 0x2000); }
MAKE(key_id_ffff) { nts_of_key(p, 0xffff); }
MAKE(nak_unsynchronised) { world_clock(w)->leap = 3; make_key_gone(p, w); }
MAKE(nak_capped) { w->config.nak_rate = 0; make_key_gone(p, w); }
MAKE(keys_stale) { w->key_state.mono -= 2 * SECOND; w->key_state.hold = SECOND; make_key_gone(p, w); }
MAKE(keys_stale_known)
{
	w->key_state.mono -= 2 * SECOND;
	w->key_state.hold = SECOND;
	make_nts0(p, w);
}
MAKE(keys_never) { memset(&w->key_state, 0, sizeof(w->key_state)); make_nts0(p, w); }
MAKE(keys_absent) { memset(w->keys, 0, sizeof(w->keys)); make_nts0(p, w); }
MAKE(seal_key_absent) { w->key_state.seal_id = KEY_GONE; make_nts0(p, w); }

MAKE(cookie_format_2) { make_nts0(p, w); p->payload[AT_COOKIE + 4] = 2; }
MAKE(cookie_nonce_changed) { make_nts0(p, w); p->payload[AT_COOKIE + 4 + 3] ^= 1; }
MAKE(cookie_tag_changed) { make_nts0(p, w); p->payload[AT_COOKIE + 4 + 8] ^= 0x80; }
MAKE(cookie_body_changed) { make_nts0(p, w); p->payload[AT_COOKIE + 4 + 87] ^= 1; }
MAKE(cookie_of_other_key) { make_nts0(p, w); put16(p->payload + AT_COOKIE + 5, KEY_OLD); }

static inline void nts_foreign_cookie(struct packet *p, int len)
{
	uint8_t *ef;

	client_add_uid(the_client(), p);
	ef = packet_add_ef(p, 0x0204, NULL, len);
	fill(ef + 4, len, 0x5a);
	ef[4] = 1;
	nts_end(p);
}

/* AEAD_AES_128_GCM_SIV of a server before us: its nonce of 12 is enough there. */
MAKE(cookie_gcm_siv)
{
	client_add_uid(the_client(), p);
	packet_add_ef(p, 0x0204, NULL, 64);
	client_authenticate(the_client(), p, 12, NULL, 0, 0);
}
MAKE(cookie_12) { nts_foreign_cookie(p, 12); }
MAKE(cookie_64) { nts_foreign_cookie(p, 64); }
MAKE(cookie_84) { nts_foreign_cookie(p, 84); }
MAKE(cookie_92) { nts_foreign_cookie(p, 92); }
MAKE(cookie_100) { nts_foreign_cookie(p, 100); }
MAKE(cookie_1000) { nts_foreign_cookie(p, 1000); }

MAKE(tag_changed) { make_nts0(p, w); p->payload[AT_AUTH + 8 + 16 + 15] ^= 1; }
MAKE(nonce_changed) { make_nts0(p, w); p->payload[AT_AUTH + 8] ^= 1; }
MAKE(header_changed) { make_nts0(p, w); p->payload[47] ^= 1; }
MAKE(identifier_changed) { make_nts0(p, w); p->payload[NTP_LEN + 4] ^= 1; }
MAKE(wrong_key)
{
	struct client *c = the_client();

	nts_begin(p);
	c->c2s[0] ^= 1; /* the half that makes tags */
	client_authenticate(c, p, CLIENT_NONCE_LEN, NULL, 0, 0);
}
MAKE(ciphertext_changed) { make_encrypted_placeholder(p, w); p->payload[p->payload_len - 1] ^= 1; }

/* ---- dropped ----------------------------------------------------------------- */

MAKE(no_identifier) { client_add_cookie(the_client(), p, KEY_SEAL); nts_end(p); }
MAKE(no_cookie) { client_add_uid(the_client(), p); nts_end(p); }
MAKE(no_authenticator) { nts_begin(p); }
MAKE(only_cookie) { client_add_cookie(the_client(), p, KEY_SEAL); }
MAKE(only_authenticator) { nts_end(p); }
MAKE(authenticator_first) { nts_end(p); nts_begin(p); }
MAKE(two_cookies) { nts_begin(p); client_add_cookie(the_client(), p, KEY_SEAL); nts_end(p); }
MAKE(two_identifiers) { client_add_uid(the_client(), p); nts_begin(p); nts_end(p); }
MAKE(short_identifier)
{
	struct client *c = the_client();

	c->uid_len = 28;
	client_request(c, p, 0);
}
MAKE(nts_symmetric) { p->payload[0] = 0x21; make_nts0(p, w); }
MAKE(nts_v3) { p->payload[0] = 0x1b; make_nts0(p, w); }
MAKE(ciphertext_15) { make_nts0(p, w); put16(p->payload + AT_AUTH + 6, 15); }
MAKE(ciphertext_0) { make_nts0(p, w); put16(p->payload + AT_AUTH + 6, 0); }
MAKE(ciphertext_past_end) { make_nts0(p, w); put16(p->payload + AT_AUTH + 6, 17); }
MAKE(ciphertext_ffff) { make_nts0(p, w); put16(p->payload + AT_AUTH + 6, 0xffff); }
MAKE(nonce_past_end) { make_nts0(p, w); put16(p->payload + AT_AUTH + 4, 17); }
MAKE(nonce_ffff) { make_nts0(p, w); put16(p->payload + AT_AUTH + 4, 0xffff); }
MAKE(authenticator_cut) { make_nts0(p, w); p->payload_len -= 4; }

#define ONE .echo = 36, .cookies = 1
#define MANY(n) .echo = 36, .cookies = n
#define NAK .echo = 36

static const struct test_case nts_cases[] = {
	CASE(nts_answered, nts0, "NTS", ONE, .flags = SAME_SIZE),
	CASE(nts_answered, nts1, "1 placeholder", MANY(2), .flags = SAME_SIZE),
	CASE(nts_answered, nts2, "2 placeholders", MANY(3), .flags = SAME_SIZE),
	CASE(nts_answered, nts3, "3 placeholders", MANY(4), .flags = SAME_SIZE),
	CASE(nts_answered, nts4, "4 placeholders", MANY(5), .flags = SAME_SIZE),
	CASE(nts_answered, nts5, "5 placeholders", MANY(6), .flags = SAME_SIZE),
	CASE(nts_answered, nts6, "6 placeholders", MANY(7), .flags = SAME_SIZE),
	CASE(nts_answered, nts7, "7 placeholders", MANY(8), .flags = SAME_SIZE),
	CASE(nts_answered, nts8, "8 placeholders", MANY(8)),
	CASE(nts_answered, nts12, "12 placeholders", MANY(8)),
	CASE(nts_answered, placeholders_of_other_length, "placeholders of other lengths", ONE),
	CASE(nts_answered, placeholders_mixed, "one placeholder of three too long", MANY(3)),
	CASE(nts_answered, encrypted_placeholder, "encrypted placeholder", MANY(2), .flags = SAME_SIZE),
	CASE(nts_answered, encrypted_placeholders, "7 encrypted placeholders", MANY(8), .flags = SAME_SIZE),
	CASE(nts_answered, encrypted_and_clear, "3 placeholders, 2 encrypted", MANY(6), .flags = SAME_SIZE),
	CASE(nts_answered, encrypted_too_many, "6 placeholders, 5 encrypted", MANY(8)),
	CASE(nts_answered, encrypted_other_length, "encrypted placeholders too short", ONE),
	CASE(nts_answered, encrypted_unknown, "encrypted unknown field", MANY(2)),
	CASE(nts_answered, encrypted_smallest, "encrypted fields of 4 bytes", ONE),
	CASE(nts_answered, encrypted_smallest_one, "encrypted field of 4 bytes", ONE),
	CASE(nts_answered, encrypted_cookie, "encrypted cookie is no cookie", ONE),
	CASE(nts_answered, nonce1_padding12, "nonce 1, padding 12", ONE),
	CASE(nts_answered, nonce8_padding8, "nonce 8, padding 8", ONE),
	CASE(nts_answered, nonce12_padding4, "nonce 12, padding 4", ONE),
	CASE(nts_answered, nonce13, "nonce 13", ONE),
	CASE(nts_answered, nonce15, "nonce 15", ONE),
	CASE(nts_answered, nonce17, "nonce 17", ONE),
	CASE(nts_answered, nonce20, "nonce 20", ONE),
	CASE(nts_answered, nonce64, "nonce 64", ONE),
	CASE(nts_answered, padding4, "padding 4", ONE),
	CASE(nts_answered, padding1000, "padding 1000", ONE),
	CASE(nts_answered, old_key, "cookie of an older key", ONE, .flags = SAME_SIZE),
	CASE(nts_answered, cookie_first, "cookie before identifier", ONE, .echo_at = NTP_LEN + COOKIE_FIELD),
	CASE(nts_answered, placeholders_first, "identifier last", MANY(3), .echo_at = NTP_LEN + 3 * COOKIE_FIELD),
	CASE(nts_answered, xleave_field_first, "unknown field first", ONE, .echo_at = NTP_LEN + 28),
	CASE(nts_answered, unknown_between, "unknown fields between", ONE),
	CASE(nts_answered, longest, "1472 bytes", MANY(8)),
	CASE(nts_answered, uid_long, "identifier of 100", .echo = 104, .cookies = 2, .flags = SAME_SIZE),
	CASE(nts_answered, filled_header, "LI 3 and a filled header", ONE),
	CASE(nts_answered, nts_from_123, "NTS from port 123", MANY(2)),
	CASE(nts_answered, nts_tagged, "NTS with two tags", MANY(3)),
	CASE(nts_answered, nts_dscp, "NTS with DSCP and ECN", ONE),
	CASE(nts_answered, nts_ethernet_padding, "NTS and Ethernet padding", ONE),
	CASE(nts_answered, nts_unsynchronised, "NTS, clock lost", MANY(2), .flags = UNSYNC),
	CASE(nts_answered, nts_leap, "NTS, leap second ahead", ONE, .leap = 2),
	CASE(nts_answered, after_unknown, "unknown field behind", MANY(2)),
	CASE(nts_answered, after_placeholder, "placeholders behind", ONE),
	CASE(nts_answered, after_cookie, "cookie behind", ONE),
	CASE(nts_answered, after_identifier, "identifier behind", ONE),
	CASE(nts_answered, after_authenticator, "two authenticators", ONE),
	CASE(nts_answered, after_mac, "MAC behind", ONE),
	CASE(nts_answered, after_garbage, "5 bytes behind", ONE),
	CASE(nts_answered, keys_stale_known, "known key, keys stale", ONE),

	CASE(nak_key_unknown, key_gone, "key is gone", NAK),
	CASE(nak_key_unknown, key_id_0, "key id 0", NAK),
	CASE(nak_key_unknown, key_same_slot, "key id of the same slot", NAK),
	CASE(nak_key_unknown, key_generation_2_later, "key id two generations on", NAK),
	CASE(nak_key_unknown, key_id_ffff, "key id 0xffff", NAK),
	CASE(nak_key_unknown, nak_unsynchronised, "key is gone, clock lost", NAK, .flags = UNSYNC),
	CASE(nak_bad_cookie, cookie_format_2, "cookie of format 2", NAK),
	CASE(nak_bad_cookie, cookie_nonce_changed, "cookie's nonce changed", NAK),
	CASE(nak_bad_cookie, cookie_tag_changed, "cookie's tag changed", NAK),
	CASE(nak_bad_cookie, cookie_body_changed, "cookie's last bit changed", NAK),
	CASE(nak_bad_cookie, cookie_of_other_key, "cookie of another key", NAK),
	CASE(nak_bad_cookie, cookie_gcm_siv, "cookie of 64, nonce of 12", NAK),
	CASE(nak_bad_cookie, cookie_12, "cookie of 12", NAK),
	CASE(nak_bad_cookie, cookie_64, "cookie of 64", NAK),
	CASE(nak_bad_cookie, cookie_84, "cookie of 84", NAK),
	CASE(nak_bad_cookie, cookie_92, "cookie of 92", NAK),
	CASE(nak_bad_cookie, cookie_100, "cookie of 100", NAK),
	CASE(nak_bad_cookie, cookie_1000, "cookie of 1000", NAK),
	CASE(nak_bad_tag, tag_changed, "tag changed", NAK),
	CASE(nak_bad_tag, nonce_changed, "nonce changed", NAK),
	CASE(nak_bad_tag, header_changed, "header changed", NAK),
	CASE(nak_bad_tag, identifier_changed, "identifier changed", NAK),
	CASE(nak_bad_tag, wrong_key, "another client's key", NAK),
	CASE(nak_bad_tag, ciphertext_changed, "ciphertext changed", NAK),

	CASE(drop_nak_capped, nak_capped, "NAK over the rate"),
	CASE(drop_key_unknown, keys_stale, "key is gone, keys stale"),
	CASE(drop_key_unknown, keys_never, "no key state"),
	CASE(drop_key_unknown, keys_absent, "no keys"),
	CASE(drop_key_unknown, seal_key_absent, "sealing key not in the ring"),
	CASE(drop_nts_malformed, encrypted_1_byte, "encrypted: 1 byte"),
	CASE(drop_nts_malformed, encrypted_3_bytes, "encrypted: 3 bytes"),
	CASE(drop_nts_malformed, encrypted_length_0, "encrypted: field of length 0"),
	CASE(drop_nts_malformed, encrypted_past_end, "encrypted: field past the end"),
	CASE(drop_nts_malformed, encrypted_odd_length, "encrypted: fields of length 6"),
	CASE(drop_nts_malformed, encrypted_17_bytes, "encrypted: 1 byte behind a field"),
	CASE(drop_nts_malformed, nonce0, "no nonce"),
	CASE(drop_nts_malformed, nonce1_padding8, "nonce 1, padding 8"),
	CASE(drop_nts_malformed, nonce8_padding4, "nonce 8, padding 4"),
	CASE(drop_nts_malformed, nonce12, "nonce 12"),
	CASE(drop_nts_malformed, nonce12_placeholder, "nonce 12, a placeholder"),
	CASE(drop_nts_malformed, no_identifier, "no identifier"),
	CASE(drop_nts_malformed, no_cookie, "no cookie"),
	CASE(drop_nts_malformed, no_authenticator, "no authenticator"),
	CASE(drop_nts_malformed, only_cookie, "cookie alone"),
	CASE(drop_nts_malformed, only_authenticator, "authenticator alone"),
	CASE(drop_nts_malformed, authenticator_first, "authenticator first"),
	CASE(drop_nts_malformed, two_cookies, "two cookies"),
	CASE(drop_nts_malformed, two_identifiers, "two identifiers"),
	CASE(drop_nts_malformed, short_identifier, "identifier of 28"),
	CASE(drop_nts_malformed, nts_symmetric, "NTS in mode 1"),
	CASE(drop_malformed, nts_v3, "NTS in version 3"),
	CASE(drop_nts_malformed, ciphertext_15, "ciphertext of 15"),
	CASE(drop_nts_malformed, ciphertext_0, "ciphertext of 0"),
	CASE(drop_nts_malformed, ciphertext_past_end, "ciphertext past the end"),
	CASE(drop_nts_malformed, ciphertext_ffff, "ciphertext of 65535"),
	CASE(drop_nts_malformed, nonce_past_end, "nonce past the end"),
	CASE(drop_nts_malformed, nonce_ffff, "nonce of 65535"),
	CASE(drop_malformed, authenticator_cut, "authenticator cut"),
};

#endif /* XNTS_TEST_CASES_NTS_H */

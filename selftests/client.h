/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An NTS client (RFC 8915 5) that also knows the server's cookie keys: it makes its
 * own cookies, seals requests and opens answers.  Its cryptography is OpenSSL's.
 */
#ifndef XNTS_TEST_CLIENT_H
#define XNTS_TEST_CLIENT_H

#include "packet.h"
#include "siv_ref.h"
#include "siv.h"

#define CLIENT_UID_LEN 32
#define CLIENT_UID_MAX 128
#define CLIENT_NONCE_LEN 16
#define CLIENT_NONCE_MAX 1300
#define COOKIE_FIELD (4 + XNTS_COOKIE_LEN)
#define AUTH_FIELD (8 + CLIENT_NONCE_LEN + REF_TAG) /* with nothing encrypted */

/* Key ids: generation 1, epochs 100 (old) and 101 (seals); 0x1070 is not in the ring. */
#define KEY_OLD 0x1064
#define KEY_SEAL 0x1065
#define KEY_GONE 0x1070

struct client {
	uint8_t c2s[32], s2c[32];
	uint8_t uid[CLIENT_UID_MAX];
	uint32_t uid_len;
	uint8_t nonce[CLIENT_NONCE_MAX]; /* of the next request */
};

struct answer {
	int cookies;
	uint8_t cookie[XNTS_MAX_COOKIES][XNTS_COOKIE_LEN];
};

/* Bytes that look random and are the same each time. */
static inline void fill(uint8_t *p, uint32_t len, uint32_t seed)
{
	uint32_t i;

	for (i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		p[i] = seed >> 24;
	}
}

static inline void cookie_key_bytes(uint32_t id, uint8_t key[32])
{
	fill(key, 32, id);
}

static inline void world_add_key(struct world *w, uint32_t id)
{
	struct xnts_cookie_key *slot = &w->keys[XNTS_KEY_SLOT(id)];
	uint8_t key[32];

	cookie_key_bytes(id, key);
	siv_key_init(&slot->key, key);
	slot->id = id;
}

/* The keys as a daemon that is up to date leaves them. */
static inline void world_set_keys(struct world *w)
{
	memset(w->keys, 0, sizeof(w->keys));
	world_add_key(w, KEY_OLD);
	world_add_key(w, KEY_SEAL);
	w->key_state = (struct xnts_key_state){
		.seal_id = KEY_SEAL,
		.mono = clock_ns(CLOCK_MONOTONIC),
		.hold = 600 * SECOND,
	};
}

static inline void client_init(struct client *c)
{
	fill(c->c2s, sizeof(c->c2s), 0x11);
	fill(c->s2c, sizeof(c->s2c), 0x77);
	fill(c->uid, sizeof(c->uid), 0xc0);
	c->uid_len = CLIENT_UID_LEN;
	fill(c->nonce, sizeof(c->nonce), 0x05);
}

static inline void client_cookie(const struct client *c, uint32_t id, uint8_t cookie[XNTS_COOKIE_LEN])
{
	struct ref_part ad = { cookie, 8 };
	uint8_t key[32], keys[64];

	cookie_key_bytes(id, key);
	memcpy(keys, c->c2s, 32);
	memcpy(keys + 32, c->s2c, 32);
	cookie[0] = 1;
	put16(cookie + 1, id);
	fill(cookie + 3, 5, 0x9d);
	ref_seal(key, &ad, 1, keys, sizeof(keys), cookie + 8);
}

static inline void client_add_uid(const struct client *c, struct packet *p)
{
	packet_add_ef(p, 0x0104, c->uid, c->uid_len);
}

static inline void client_add_cookie(const struct client *c, struct packet *p, uint32_t id)
{
	uint8_t cookie[XNTS_COOKIE_LEN];

	client_cookie(c, id, cookie);
	packet_add_ef(p, 0x0204, cookie, sizeof(cookie));
}

static inline void client_add_placeholders(struct packet *p, int n)
{
	while (n-- > 0)
		packet_add_ef(p, 0x0304, NULL, XNTS_COOKIE_LEN);
}

static inline uint32_t words(uint32_t len)
{
	return (len + 3) / 4 * 4;
}

/* Appends the authenticator over all that precedes it: RFC 8915 5.6, `padding` bytes last. */
static inline void client_authenticate(const struct client *c, struct packet *p, uint32_t nonce_len,
				       const uint8_t *text, uint32_t len, uint32_t padding)
{
	struct ref_part ad[2] = { { p->payload, p->payload_len }, { c->nonce, nonce_len } };
	uint32_t body = 4 + words(nonce_len) + words(REF_TAG + len) + padding;
	uint8_t sealed[REF_MAX + REF_TAG], *ef;

	ref_seal(c->c2s, ad, 2, text, len, sealed);
	ef = packet_add_ef(p, 0x0404, NULL, body);
	memset(ef + 4, 0, body);
	put16(ef + 4, nonce_len);
	put16(ef + 6, REF_TAG + len);
	memcpy(ef + 8, c->nonce, nonce_len);
	memcpy(ef + 8 + words(nonce_len), sealed, REF_TAG + len);
}

/* What every client sends: identifier, cookie, placeholders, authenticator. */
static inline void client_request(const struct client *c, struct packet *p, int placeholders)
{
	client_add_uid(c, p);
	client_add_cookie(c, p, KEY_SEAL);
	client_add_placeholders(p, placeholders);
	client_authenticate(c, p, CLIENT_NONCE_LEN, NULL, 0, 0);
}

/* Does a cookie open under the sealing key, to our keys? */
static inline bool client_owns_cookie(const struct client *c, const uint8_t cookie[XNTS_COOKIE_LEN])
{
	struct ref_part ad = { cookie, 8 };
	uint8_t key[32], keys[64];

	cookie_key_bytes(KEY_SEAL, key);
	return cookie[0] == 1 && get16(cookie + 1) == KEY_SEAL &&
	       ref_open(key, &ad, 1, cookie + 8, XNTS_COOKIE_LEN - 8, keys) &&
	       !memcmp(keys, c->c2s, 32) && !memcmp(keys + 32, c->s2c, 32);
}

/* The encrypted fields of an answer: cookies and nothing else. */
static inline bool client_take_cookies(const struct client *c, const uint8_t *text, uint32_t len,
				       struct answer *a)
{
	uint32_t at;

	a->cookies = len / COOKIE_FIELD;
	if (len % COOKIE_FIELD || a->cookies < 1 || a->cookies > XNTS_MAX_COOKIES)
		return false;
	for (at = 0; at < len; at += COOKIE_FIELD) {
		uint8_t *cookie = a->cookie[at / COOKIE_FIELD];

		if (get16(text + at) != 0x0204 || get16(text + at + 2) != COOKIE_FIELD)
			return false;
		memcpy(cookie, text + at + 4, XNTS_COOKIE_LEN);
		if (!client_owns_cookie(c, cookie))
			return false;
	}
	return true;
}

/*
 * Opens an answer: its identifier that of the client, the authenticator right behind it,
 * the last field, not padded, verified.  The length of the encrypted fields in `text`
 * (REF_MAX bytes), or -1.
 */
static inline int client_decrypt(const struct client *c, const uint8_t *ntp, uint32_t len,
				 uint8_t *text)
{
	const uint8_t *uid = ntp + NTP_LEN, *auth = uid + 4 + c->uid_len;
	uint32_t ad_len = auth - ntp, nonce_len, sealed_len;
	struct ref_part ad[2];

	if (len < ad_len + AUTH_FIELD || (ntp[0] & 7) != 4)
		return -1;
	if (get16(uid) != 0x0104 || get16(uid + 2) != 4 + c->uid_len ||
	    memcmp(uid + 4, c->uid, c->uid_len))
		return -1;
	nonce_len = get16(auth + 4);
	sealed_len = get16(auth + 6);
	if (get16(auth) != 0x0404 || get16(auth + 2) != len - ad_len || nonce_len < 16 ||
	    nonce_len % 4 || 8 + nonce_len + sealed_len != len - ad_len)
		return -1;
	ad[0] = (struct ref_part){ ntp, ad_len };
	ad[1] = (struct ref_part){ auth + 8, nonce_len };
	if (!ref_open(c->s2c, ad, 2, auth + 8 + nonce_len, sealed_len, text))
		return -1;
	return sealed_len - REF_TAG;
}

/* Is this payload the answer to `request` that the client accepts, full of good cookies? */
static inline bool client_open(const struct client *c, const struct packet *request,
			       const uint8_t *ntp, uint32_t len, struct answer *a)
{
	uint8_t text[REF_MAX];
	int text_len;

	if (len < NTP_LEN || memcmp(ntp + 24, request->payload + 40, 8))
		return false;
	text_len = client_decrypt(c, ntp, len, text);
	return text_len >= 0 && client_take_cookies(c, text, text_len, a);
}

#endif /* XNTS_TEST_CLIENT_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cookie: all that the server knows of a client, sealed under a cookie key.
 *
 *	0       1         3         8              24                          88
 *	+-------+---------+---------+--------------+---------------------------+
 *	| format| key id  | nonce   | SIV tag      | C2S 32 | S2C 32, encrypted|
 *	+-------+---------+---------+--------------+---------------------------+
 *	 \___ associated data _____/
 *
 * AES-SIV does not need the nonce for safety: it keeps a client's cookies apart.  The
 * format says which AEAD C2S and S2C are for.  88 bytes make the extension field 92, a
 * multiple of 4 as chrony wants, and the authenticated part of the usual request
 * (48 + 36 + 92) exactly eleven blocks.
 */
#ifndef XNTS_COOKIE_H
#define XNTS_COOKIE_H

#include "siv.h"

#define COOKIE_FORMAT 1 /* C2S and S2C are AEAD_AES_SIV_CMAC_256 keys */

#define COOKIE_NONCE 3 /* offset, and length: */
#define COOKIE_NONCE_LEN 5
#define COOKIE_AD_LEN 8
#define COOKIE_TAG COOKIE_AD_LEN /* offsets of the sealed part */
#define COOKIE_KEYS (COOKIE_TAG + SIV_TAG_LEN)

static __always_inline bool cookie_format_ok(const __u8 *cookie)
{
	return cookie[0] == COOKIE_FORMAT;
}

/* Key id, machine order. */
static __always_inline __u32 cookie_key_id(const __u8 *cookie)
{
	return cookie[1] << 8 | cookie[2];
}

/* The first 8 bytes, as the machine loads them; `nonce` in the low 5 bytes. */
static __always_inline __u64 cookie_header(__u32 id, __u64 nonce)
{
	return COOKIE_FORMAT | (__u64)(id >> 8 & 0xff) << 8 | (__u64)(id & 0xff) << 16 |
	       nonce << 24;
}

/* A cookie for a client's two keys. */
static inline void cookie_seal(__u8 cookie[XNTS_COOKIE_LEN], const struct xnts_siv_key *key,
			       __u16 id, const __u8 nonce[COOKIE_NONCE_LEN],
			       const __u8 c2s[SIV_KEY_LEN], const __u8 s2c[SIV_KEY_LEN])
{
	struct siv_part ad = { cookie, COOKIE_AD_LEN };
	__u8 keys[2 * SIV_KEY_LEN];

	store64(cookie, cookie_header(id, 0));
	XNTS_MEMCPY(cookie + COOKIE_NONCE, nonce, COOKIE_NONCE_LEN);
	XNTS_MEMCPY(keys, c2s, SIV_KEY_LEN);
	XNTS_MEMCPY(keys + SIV_KEY_LEN, s2c, SIV_KEY_LEN);
	siv_seal(key, &ad, 1, keys, sizeof(keys), cookie + COOKIE_TAG);
	crypt_wipe(keys, sizeof(keys));
}

/*
 * The tags of four cookies whose first COOKIE_AD_LEN bytes are filled in.  The keys are the same
 * in all, and so is the CMAC of them but for its last block: `last` is what goes into AES there,
 * before S2V's D is added.
 */
static inline void cookies_tag(const struct xnts_siv_key *key, __u8 cookie[][XNTS_COOKIE_LEN],
			       const __u8 last[AES_BLOCK])
{
	struct aes_blocks four;
	__u8 d[AES_BLOCK];

	XNTS_MEMCPY(d, key->zero, AES_BLOCK);
	siv_double(d);
	/* CMAC of the associated data: one block, padded */
	for (int l = 0; l < AES_LANES; l++) {
		XNTS_MEMSET(four.b[l], 0, AES_BLOCK);
		XNTS_MEMCPY(four.b[l], cookie[l], COOKIE_AD_LEN);
		four.b[l][COOKIE_AD_LEN] = 0x80;
		siv_xor(four.b[l], key->k2);
	}
	aes_pass(&four, &key->mac);
	/* and of the keys */
	for (int l = 0; l < AES_LANES; l++) {
		siv_xor(four.b[l], d);
		siv_xor(four.b[l], last);
	}
	aes_pass(&four, &key->mac);
	for (int l = 0; l < AES_LANES; l++)
		XNTS_MEMCPY(cookie[l] + COOKIE_TAG, four.b[l], AES_BLOCK);
}

/*
 * Four cookies for a client's two keys, as cookie_seal() makes them one by one: 9 passes instead
 * of 24.  `nonces` holds four, one after the other.
 */
static inline void cookies_seal(__u8 cookie[AES_LANES][XNTS_COOKIE_LEN],
				const struct xnts_siv_key *key, __u16 id,
				const __u8 nonces[AES_LANES * COOKIE_NONCE_LEN],
				const __u8 c2s[SIV_KEY_LEN], const __u8 s2c[SIV_KEY_LEN])
{
	__u8 keys[2 * SIV_KEY_LEN], last[AES_BLOCK] = { 0 };

	XNTS_MEMCPY(keys, c2s, SIV_KEY_LEN);
	XNTS_MEMCPY(keys + SIV_KEY_LEN, s2c, SIV_KEY_LEN);
	for (int i = 0; i < 3; i++) {
		siv_xor(last, keys + i * AES_BLOCK);
		siv_aes(&key->mac, last);
	}
	siv_xor(last, keys + 3 * AES_BLOCK);
	siv_xor(last, key->k1);
	for (int l = 0; l < AES_LANES; l++) {
		store64(cookie[l], cookie_header(id, 0));
		XNTS_MEMCPY(cookie[l] + COOKIE_NONCE, nonces + l * COOKIE_NONCE_LEN,
			    COOKIE_NONCE_LEN);
	}
	cookies_tag(key, cookie, last);
	for (int l = 0; l < AES_LANES; l++)
		siv_ctr(key, cookie[l] + COOKIE_TAG, cookie[l] + COOKIE_KEYS, keys, sizeof(keys));
	crypt_wipe(keys, sizeof(keys));
	crypt_wipe(last, sizeof(last));
}

/* Opens a cookie sealed under `key` into C2S and S2C.  false: not authentic. */
static inline bool cookie_open(__u8 keys[2 * SIV_KEY_LEN], const struct xnts_siv_key *key,
			       const __u8 cookie[XNTS_COOKIE_LEN])
{
	struct siv_part ad = { cookie, COOKIE_AD_LEN };

	return siv_open(key, &ad, 1, cookie + COOKIE_TAG, XNTS_COOKIE_LEN - COOKIE_TAG, keys);
}

#endif /* XNTS_COOKIE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AEAD_AES_SIV_CMAC_256 (RFC 5297) from OpenSSL's CMAC and AES-128-CTR, for the tests:
 * nothing of it is xnts's.  OpenSSL's own AES-128-SIV cannot seal an empty plaintext
 * before 3.0.10, and every NTS request has one.
 */
#ifndef XNTS_TEST_SIV_REF_H
#define XNTS_TEST_SIV_REF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#define REF_TAG 16
#define REF_MAX 2048

struct ref_part {
	const void *data;
	size_t len;
};

/* A test that cannot compute its reference has nothing to say. */
static inline void ref_need(int ok)
{
	if (ok <= 0)
		abort();
}

static inline void ref_cmac(const uint8_t key[16], const uint8_t *data, size_t len, uint8_t mac[16])
{
	static EVP_MAC_CTX *ctx;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, (char *)"AES-128-CBC", 0),
		OSSL_PARAM_construct_end(),
	};
	size_t out_len = 16;

	if (!ctx) {
		EVP_MAC *cmac = EVP_MAC_fetch(NULL, "CMAC", NULL);

		ctx = EVP_MAC_CTX_new(cmac);
		EVP_MAC_free(cmac);
		ref_need(ctx != NULL);
	}
	ref_need(EVP_MAC_init(ctx, key, 16, params));
	ref_need(EVP_MAC_update(ctx, data, len));
	ref_need(EVP_MAC_final(ctx, mac, &out_len, 16));
}

static inline void ref_ctr(const uint8_t key[16], const uint8_t tag[16], const uint8_t *in,
			   size_t len, uint8_t *out)
{
	static EVP_CIPHER_CTX *ctx;
	uint8_t counter[16];
	int n;

	if (!ctx)
		ctx = EVP_CIPHER_CTX_new();
	memcpy(counter, tag, 16);
	counter[8] &= 0x7f; /* RFC 5297 2.5 */
	counter[12] &= 0x7f;
	ref_need(EVP_EncryptInit_ex(ctx, EVP_aes_128_ctr(), NULL, key, counter));
	if (len)
		ref_need(EVP_EncryptUpdate(ctx, out, &n, in, len));
}

static inline void ref_double(uint8_t d[16])
{
	int carry = d[0] >> 7, i;

	for (i = 0; i < 15; i++)
		d[i] = d[i] << 1 | d[i + 1] >> 7;
	d[15] = d[15] << 1 ^ (carry ? 0x87 : 0);
}

/* S2V, RFC 5297 2.4. */
static inline void ref_s2v(const uint8_t key[16], const struct ref_part *ad, int parts,
			   const uint8_t *text, size_t len, uint8_t tag[16])
{
	static uint8_t last[REF_MAX + 16];
	uint8_t d[16], mac[16], zero[16] = { 0 };
	size_t i;
	int part;

	ref_cmac(key, zero, 16, d);
	for (part = 0; part < parts; part++) {
		ref_double(d);
		ref_cmac(key, ad[part].data, ad[part].len, mac);
		for (i = 0; i < 16; i++)
			d[i] ^= mac[i];
	}
	ref_need(len <= REF_MAX);
	if (len)
		memcpy(last, text, len);
	if (len < 16) {
		ref_double(d);
		memset(last + len, 0, 16 - len);
		last[len] = 0x80;
		len = 16;
	}
	for (i = 0; i < 16; i++)
		last[len - 16 + i] ^= d[i];
	ref_cmac(key, last, len, tag);
}

/* Tag, then ciphertext, into `out`: 16 + len bytes. */
static inline void ref_seal(const uint8_t key[32], const struct ref_part *ad, int parts,
			    const uint8_t *text, size_t len, uint8_t *out)
{
	uint8_t tag[16];

	ref_s2v(key, ad, parts, text, len, tag);
	ref_ctr(key + 16, tag, text, len, out + REF_TAG);
	memcpy(out, tag, REF_TAG);
}

/* `len` bytes with the tag into len - 16 bytes of text. */
static inline bool ref_open(const uint8_t key[32], const struct ref_part *ad, int parts,
			    const uint8_t *sealed, size_t len, uint8_t *text)
{
	uint8_t tag[16];

	if (len < REF_TAG)
		return false;
	ref_ctr(key + 16, sealed, sealed + REF_TAG, len - REF_TAG, text);
	ref_s2v(key, ad, parts, text, len - REF_TAG, tag);
	return !memcmp(tag, sealed, REF_TAG);
}

#endif /* XNTS_TEST_SIV_REF_H */

// SPDX-License-Identifier: GPL-2.0
/* siv.h and cookie.h: published vectors, every change of a message, OpenSSL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "cookie.h"
#include "../siv_ref.h"

#define RANDOM_ROUNDS 10000
#define MAX 300

/* ---- published vectors -------------------------------------------------------- */

/* RFC 4493 4: key, then CMAC of the first 0, 16, 40 and 64 bytes. */
static const uint8_t cmac_key[16] = { 0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
				      0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c };
static const uint8_t cmac_message[64] = {
	0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a,
	0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03, 0xac, 0x9c, 0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf, 0x8e, 0x51,
	0x30, 0xc8, 0x1c, 0x46, 0xa3, 0x5c, 0xe4, 0x11, 0xe5, 0xfb, 0xc1, 0x19, 0x1a, 0x0a, 0x52, 0xef,
	0xf6, 0x9f, 0x24, 0x45, 0xdf, 0x4f, 0x9b, 0x17, 0xad, 0x2b, 0x41, 0x7b, 0xe6, 0x6c, 0x37, 0x10,
};
static const struct {
	uint32_t len;
	uint8_t mac[16];
} cmacs[] = {
	{ 0, { 0xbb, 0x1d, 0x69, 0x29, 0xe9, 0x59, 0x37, 0x28, 0x7f, 0xa3, 0x7d, 0x12, 0x9b, 0x75, 0x67, 0x46 } },
	{ 16, { 0x07, 0x0a, 0x16, 0xb4, 0x6b, 0x4d, 0x41, 0x44, 0xf7, 0x9b, 0xdd, 0x9d, 0xd0, 0x4a, 0x28, 0x7c } },
	{ 40, { 0xdf, 0xa6, 0x67, 0x47, 0xde, 0x9a, 0xe6, 0x30, 0x30, 0xca, 0x32, 0x61, 0x14, 0x97, 0xc8, 0x27 } },
	{ 64, { 0x51, 0xf0, 0xbe, 0xbf, 0x7e, 0x3b, 0x9d, 0x92, 0xfc, 0x49, 0x74, 0x17, 0x79, 0x36, 0x3c, 0xfe } },
};
static const uint8_t subkey1[16] = { 0xfb, 0xee, 0xd6, 0x18, 0x35, 0x71, 0x33, 0x66,
				     0x7c, 0x85, 0xe0, 0x8f, 0x72, 0x36, 0xa8, 0xde };
static const uint8_t subkey2[16] = { 0xf7, 0xdd, 0xac, 0x30, 0x6a, 0xe2, 0x66, 0xcc,
				     0xf9, 0x0b, 0xc1, 0x1e, 0xe4, 0x6d, 0x51, 0x3b };

static void rfc4493(void **state)
{
	struct xnts_siv_key key;
	uint8_t bytes[32] = { 0 }, mac[16];

	(void)state;
	memcpy(bytes, cmac_key, 16);
	siv_key_init(&key, bytes);
	assert_memory_equal(key.k1, subkey1, 16);
	assert_memory_equal(key.k2, subkey2, 16);
	for (size_t i = 0; i < sizeof(cmacs) / sizeof(cmacs[0]); i++) {
		siv_cmac(&key, mac, cmac_message, cmacs[i].len, NULL);
		assert_memory_equal(mac, cmacs[i].mac, 16);
	}
}

/* RFC 5297 A.1 */
static const uint8_t a1_key[32] = {
	0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8, 0xf7, 0xf6, 0xf5, 0xf4, 0xf3, 0xf2, 0xf1, 0xf0,
	0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff,
};
static const uint8_t a1_ad[24] = { 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b,
				   0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27 };
static const uint8_t a1_plain[14] = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
				      0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee };
static const uint8_t a1_sealed[30] = {
	0x85, 0x63, 0x2d, 0x07, 0xc6, 0xe8, 0xf3, 0x7f, 0x95, 0x0a, 0xcd, 0x32, 0x0a, 0x2e, 0xcc, 0x93,
	0x40, 0xc0, 0x2b, 0x96, 0x90, 0xc4, 0xdc, 0x04, 0xda, 0xef, 0x7f, 0x6a, 0xfe, 0x5c,
};

/* RFC 5297 A.2: three components, the last one a nonce, and a longer plaintext */
static const uint8_t a2_key[32] = {
	0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x7a, 0x79, 0x78, 0x77, 0x76, 0x75, 0x74, 0x73, 0x72, 0x71, 0x70,
	0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f,
};
static const uint8_t a2_ad1[40] = {
	0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
	0xde, 0xad, 0xda, 0xda, 0xde, 0xad, 0xda, 0xda, 0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99, 0x88,
	0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x00,
};
static const uint8_t a2_ad2[10] = { 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0 };
static const uint8_t a2_nonce[16] = { 0x09, 0xf9, 0x11, 0x02, 0x9d, 0x74, 0xe3, 0x5b,
				      0xd8, 0x41, 0x56, 0xc5, 0x63, 0x56, 0x88, 0xc0 };
static const char a2_plain[] = "this is some plaintext to encrypt using SIV-AES";
static const uint8_t a2_sealed[63] = {
	0x7b, 0xdb, 0x6e, 0x3b, 0x43, 0x26, 0x67, 0xeb, 0x06, 0xf4, 0xd1, 0x4b, 0xff, 0x2f, 0xbd, 0x0f,
	0xcb, 0x90, 0x0f, 0x2f, 0xdd, 0xbe, 0x40, 0x43, 0x26, 0x60, 0x19, 0x65, 0xc8, 0x89, 0xbf, 0x17,
	0xdb, 0xa7, 0x7c, 0xeb, 0x09, 0x4f, 0xa6, 0x63, 0xb7, 0xa3, 0xf7, 0x48, 0xba, 0x8a, 0xf8, 0x29,
	0xea, 0x64, 0xad, 0x54, 0x4a, 0x27, 0x2e, 0x9c, 0x48, 0x5b, 0x62, 0xa3, 0xfd, 0x5c, 0x0d,
};

static void check_vector(const uint8_t key_bytes[32], const struct siv_part *ad, uint32_t parts,
			 const void *plain, uint32_t len, const uint8_t *sealed)
{
	struct xnts_siv_key key;
	uint8_t out[MAX], back[MAX];

	siv_key_init(&key, key_bytes);
	siv_seal(&key, ad, parts, plain, len, out);
	assert_memory_equal(out, sealed, len + SIV_TAG_LEN);
	assert_true(siv_open(&key, ad, parts, sealed, len + SIV_TAG_LEN, back));
	assert_memory_equal(back, plain, len);
}

static void rfc5297(void **state)
{
	const struct siv_part a1[] = { { a1_ad, sizeof(a1_ad) } };
	const struct siv_part a2[] = { { a2_ad1, sizeof(a2_ad1) }, { a2_ad2, sizeof(a2_ad2) },
				       { a2_nonce, sizeof(a2_nonce) } };

	(void)state;
	check_vector(a1_key, a1, 1, a1_plain, sizeof(a1_plain), a1_sealed);
	check_vector(a2_key, a2, 3, a2_plain, sizeof(a2_plain) - 1, a2_sealed);
}

/* ---- what must not open ----------------------------------------------------------- */

static void every_bit_and_truncation(void **state)
{
	const struct siv_part ad = { a1_ad, sizeof(a1_ad) };
	uint8_t sealed[sizeof(a1_sealed)], changed_ad[sizeof(a1_ad)], plain[MAX];
	struct siv_part changed = { changed_ad, sizeof(a1_ad) };
	struct xnts_siv_key key;

	(void)state;
	siv_key_init(&key, a1_key);
	for (size_t len = 0; len < sizeof(a1_sealed); len++)
		assert_false(siv_open(&key, &ad, 1, a1_sealed, len, plain));
	for (size_t bit = 0; bit < 8 * sizeof(a1_sealed); bit++) {
		memcpy(sealed, a1_sealed, sizeof(sealed));
		sealed[bit / 8] ^= 1 << bit % 8;
		memset(plain, 0xee, sizeof(plain));
		assert_false(siv_open(&key, &ad, 1, sealed, sizeof(sealed), plain));
		for (size_t i = 0; i < sizeof(a1_plain); i++)
			assert_int_equal(plain[i], 0); /* nothing of it is handed out */
	}
	for (size_t bit = 0; bit < 8 * sizeof(a1_ad); bit++) {
		memcpy(changed_ad, a1_ad, sizeof(a1_ad));
		changed_ad[bit / 8] ^= 1 << bit % 8;
		assert_false(siv_open(&key, &changed, 1, a1_sealed, sizeof(a1_sealed), plain));
	}
	changed.data = a1_ad;
	for (changed.len = 0; changed.len < sizeof(a1_ad); changed.len++)
		assert_false(siv_open(&key, &changed, 1, a1_sealed, sizeof(a1_sealed), plain));
	assert_false(siv_open(&key, NULL, 0, a1_sealed, sizeof(a1_sealed), plain));
	for (size_t bit = 0; bit < 256; bit++) {
		uint8_t key_bytes[32];

		memcpy(key_bytes, a1_key, 32);
		key_bytes[bit / 8] ^= 1 << bit % 8;
		siv_key_init(&key, key_bytes);
		assert_false(siv_open(&key, &ad, 1, a1_sealed, sizeof(a1_sealed), plain));
	}
}

/* ---- OpenSSL ------------------------------------------------------------------------ */

static uint32_t any(uint32_t below)
{
	uint32_t r;

	ref_need(RAND_bytes((uint8_t *)&r, sizeof(r)));
	return r % below;
}

/* OpenSSL's own AES-128-SIV; len > 0 (before 3.0.10 it cannot seal nothing). */
static void openssl_siv(const uint8_t key[32], const struct siv_part *ad, uint32_t parts,
			const uint8_t *plain, uint32_t len, uint8_t *out)
{
	EVP_CIPHER *siv = EVP_CIPHER_fetch(NULL, "AES-128-SIV", NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	ref_need(EVP_EncryptInit_ex2(ctx, siv, key, NULL, NULL));
	for (uint32_t i = 0; i < parts; i++)
		ref_need(EVP_EncryptUpdate(ctx, NULL, &n, ad[i].data, ad[i].len));
	ref_need(EVP_EncryptUpdate(ctx, out + 16, &n, plain, len));
	ref_need(EVP_EncryptFinal_ex(ctx, out + 16 + n, &n));
	ref_need(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, out));
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(siv);
}

static void random_messages(void **state)
{
	uint8_t key_bytes[32], ad[3][MAX], plain[MAX], ours[MAX + 16], theirs[MAX + 16];
	struct xnts_siv_key key;

	(void)state;
	for (int i = 0; i < RANDOM_ROUNDS; i++) {
		uint32_t parts = any(4), len = any(MAX - 1) + 1;
		struct siv_part part[3];

		ref_need(RAND_bytes(key_bytes, 32));
		ref_need(RAND_bytes(plain, len));
		for (uint32_t k = 0; k < parts; k++) {
			part[k] = (struct siv_part){ ad[k], any(MAX - 1) + 1 };
			ref_need(RAND_bytes(ad[k], part[k].len));
		}
		siv_key_init(&key, key_bytes);
		siv_seal(&key, part, parts, plain, len, ours);
		openssl_siv(key_bytes, part, parts, plain, len, theirs);
		assert_memory_equal(ours, theirs, len + 16);
	}
}

/* ---- cookies -------------------------------------------------------------------------- */

static void cookie_layout(void **state)
{
	uint8_t key_bytes[32], c2s[32], s2c[32], keys[64], cookie[4][XNTS_COOKIE_LEN], text[64];
	const uint8_t nonce[4 * COOKIE_NONCE_LEN] = { 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 10, 11, 12 };
	uint8_t header[8] = { 1, 0x1a, 0xbc }, alone[XNTS_COOKIE_LEN];
	struct xnts_siv_key key;

	(void)state;
	ref_need(RAND_bytes(key_bytes, 32));
	ref_need(RAND_bytes(c2s, 32));
	ref_need(RAND_bytes(s2c, 32));
	siv_key_init(&key, key_bytes);
	cookies_seal(cookie, &key, 0x1abc, nonce, c2s, s2c);
	for (int i = 0; i < 4; i++) {
		const struct ref_part ad = { cookie[i], 8 };

		memcpy(header + 3, nonce + i * COOKIE_NONCE_LEN, COOKIE_NONCE_LEN);
		assert_memory_equal(cookie[i], header, 8);
		assert_true(cookie_format_ok(cookie[i]));
		assert_int_equal(cookie_key_id(cookie[i]), 0x1abc);
		assert_true(ref_open(key_bytes, &ad, 1, cookie[i] + 8, XNTS_COOKIE_LEN - 8, text));
		assert_memory_equal(text, c2s, 32);
		assert_memory_equal(text + 32, s2c, 32);
		assert_true(cookie_open(keys, &key, cookie[i]));
		assert_memory_equal(keys, text, 64);
		cookie_seal(alone, &key, 0x1abc, nonce + i * COOKIE_NONCE_LEN, c2s, s2c);
		assert_memory_equal(alone, cookie[i], XNTS_COOKIE_LEN);
	}
}

static void cookie_every_bit(void **state)
{
	uint8_t key_bytes[32] = { 7 }, c2s[32] = { 1 }, s2c[32] = { 2 };
	uint8_t keys[64], cookies[4][XNTS_COOKIE_LEN], *cookie = cookies[3];
	const uint8_t nonces[4 * COOKIE_NONCE_LEN] = { 1 };
	struct xnts_siv_key key;

	(void)state;
	siv_key_init(&key, key_bytes);
	cookies_seal(cookies, &key, 1, nonces, c2s, s2c);
	for (int bit = 0; bit < 8 * XNTS_COOKIE_LEN; bit++) {
		cookie[bit / 8] ^= 1 << bit % 8;
		assert_false(cookie_open(keys, &key, cookie));
		cookie[bit / 8] ^= 1 << bit % 8;
	}
	assert_true(cookie_open(keys, &key, cookie));
	cookie[0] = 2;
	assert_false(cookie_format_ok(cookie));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc4493),
		cmocka_unit_test(rfc5297),
		cmocka_unit_test(every_bit_and_truncation),
		cmocka_unit_test(random_messages),
		cmocka_unit_test(cookie_layout),
		cmocka_unit_test(cookie_every_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

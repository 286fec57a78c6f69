// SPDX-License-Identifier: GPL-2.0
/* aes.h: published vectors, four keys in four lanes, and OpenSSL on random input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "aes.h"

#define RANDOM_ROUNDS 10000

struct vector {
	uint8_t key[16], in[16], out[16];
};

static const struct vector vectors[] = {
	/* FIPS 197 appendix B */
	{ { 0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c },
	  { 0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d, 0x31, 0x31, 0x98, 0xa2, 0xe0, 0x37, 0x07, 0x34 },
	  { 0x39, 0x25, 0x84, 0x1d, 0x02, 0xdc, 0x09, 0xfb, 0xdc, 0x11, 0x85, 0x97, 0x19, 0x6a, 0x0b, 0x32 } },
	/* FIPS 197 appendix C.1 */
	{ { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f },
	  { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff },
	  { 0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a } },
	/* NIST SP 800-38A F.1.1, blocks 1 and 2 */
	{ { 0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c },
	  { 0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a },
	  { 0x3a, 0xd7, 0x7b, 0xb4, 0x0d, 0x7a, 0x36, 0x60, 0xa8, 0x9e, 0xca, 0xf3, 0x24, 0x66, 0xef, 0x97 } },
	{ { 0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c },
	  { 0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03, 0xac, 0x9c, 0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf, 0x8e, 0x51 },
	  { 0xf5, 0xd3, 0xd5, 0x85, 0x03, 0xb9, 0x69, 0x9d, 0xe7, 0x85, 0x89, 0x5a, 0x96, 0xfd, 0xba, 0xaf } },
};

#define VECTORS (sizeof(vectors) / sizeof(vectors[0]))

/* Vector l + first, round and round, in lane l: each lane under its own key. */
static void published_vectors(void **state)
{
	(void)state;
	for (size_t first = 0; first < VECTORS; first++) {
		struct aes_blocks keys, blocks;
		struct xnts_aes_key expanded;

		for (int l = 0; l < AES_LANES; l++) {
			const struct vector *v = &vectors[(first + l) % VECTORS];

			memcpy(keys.b[l], v->key, 16);
			memcpy(blocks.b[l], v->in, 16);
		}
		aes_expand(&expanded, &keys);
		aes_pass(&blocks, &expanded);
		for (int l = 0; l < AES_LANES; l++)
			assert_memory_equal(blocks.b[l], vectors[(first + l) % VECTORS].out, 16);
	}
}

static void openssl_block(const uint8_t key[16], uint8_t block[16])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	assert_non_null(ctx);
	assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_128_ecb(), NULL, key, NULL), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, block, &n, block, 16), 1);
	EVP_CIPHER_CTX_free(ctx);
}

static void random_lanes(void **state)
{
	(void)state;
	for (int i = 0; i < RANDOM_ROUNDS; i++) {
		struct aes_blocks keys, blocks, expected, used;
		struct xnts_aes_key expanded;

		assert_int_equal(RAND_bytes(keys.b[0], sizeof(keys)), 1);
		assert_int_equal(RAND_bytes(blocks.b[0], sizeof(blocks)), 1);
		expected = blocks;
		for (int l = 0; l < AES_LANES; l++)
			openssl_block(keys.b[l], expected.b[l]);
		used = keys;
		aes_expand(&expanded, &used);
		aes_pass(&blocks, &expanded);
		assert_memory_equal(blocks.b[0], expected.b[0], sizeof(blocks));
	}
}

/* Lanes of keys that were expanded in all lanes, put together by masks. */
static void merged_lanes(void **state)
{
	struct xnts_aes_key one[AES_LANES], merged = { 0 };
	struct aes_blocks blocks = { 0 };

	(void)state;
	for (int l = 0; l < AES_LANES; l++) {
		aes_expand_key(&one[l], vectors[l].key);
		memcpy(blocks.b[l], vectors[l].in, 16);
		for (int k = 0; k < 88; k++)
			merged.rk[k] |= one[l].rk[k] & AES_LANE(l);
	}
	aes_pass(&blocks, &merged);
	for (int l = 0; l < AES_LANES; l++)
		assert_memory_equal(blocks.b[l], vectors[l].out, 16);
}

/* A bit of one lane's block or key changes that lane and no other. */
static void lanes_are_apart(void **state)
{
	(void)state;
	for (int bit = 0; bit < 8 * 64; bit++) {
		struct aes_blocks keys = { .w = { 1, 2, 3, 4, 5, 6, 7, 8 } }, same = keys, other = keys;
		struct aes_blocks plain = { 0 }, a = plain, b = plain, c = plain;
		struct xnts_aes_key expanded;

		aes_expand(&expanded, &same);
		aes_pass(&a, &expanded);
		((uint8_t *)&b)[bit / 8] ^= 1 << bit % 8;
		aes_pass(&b, &expanded);
		((uint8_t *)&other)[bit / 8] ^= 1 << bit % 8;
		aes_expand(&expanded, &other);
		aes_pass(&c, &expanded);
		for (int l = 0; l < AES_LANES; l++) {
			assert_int_equal(!memcmp(a.b[l], b.b[l], 16), l != bit / 128);
			assert_int_equal(!memcmp(a.b[l], c.b[l], 16), l != bit / 128);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors),
		cmocka_unit_test(random_lanes),
		cmocka_unit_test(merged_lanes),
		cmocka_unit_test(lanes_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "../keys_sample.h"

static struct keys_state state;

/* ---- the ratchet -------------------------------------------------------- */

static void expect_hex(const uint8_t *bytes, const char *hex)
{
	char text[65];

	for (int i = 0; i < 32; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	assert_string_equal(text, hex);
}

/*
 * chain and keys from: openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:CHAIN
 * -kdfopt hexinfo:INFO HKDF, with INFO "next" or "cookie" and the id; across epoch 4096.
 */
static void test_vectors(void **unused)
{
	struct keys_generation generation = { .number = 3, .length = 60, .epoch = 4094 };
	uint8_t key[32];

	(void)unused;
	for (int i = 0; i < 32; i++)
		generation.chain[i] = i;
	assert_int_equal(keys_derive(&generation, key), 0);
	expect_hex(key, "90d1a04514d5e6c972daa2820415911b9b34c096cff8265ad509cf377f7e5450");
	assert_int_equal(keys_ratchet(&generation, 4095), 0);
	expect_hex(generation.chain, "5584896f490ac8bad35d1b19db6dc98fcb4ba5bdea3f2c8d076984588fb58b66");
	assert_int_equal(keys_derive(&generation, key), 0);
	expect_hex(key, "f39631844ee1a18b754ea78e8eaf1e69fa90b47bd312ea6a199d087c0be5c897");
	assert_int_equal(keys_ratchet(&generation, 4096), 0);
	expect_hex(generation.chain, "74824a01842416412993ad1f961a4a586df88721b8a1e3346f3cbe9f31b7a0e4");
	assert_int_equal(keys_derive(&generation, key), 0);
	expect_hex(key, "98e9f67c610b9ed0cf05c164ddfb2b527c16382ab5d6ce6aed8bee14160c6bba");
	/* never back */
	assert_int_equal(keys_ratchet(&generation, 4000), 0);
	assert_int_equal(generation.epoch, 4096);
}

static void test_epochs_and_ids(void **unused)
{
	struct keys_generation generation = { .number = 14, .length = 60, .origin = 1000 };

	(void)unused;
	assert_int_equal(keys_epoch_at(&generation, 1000), 0);
	assert_int_equal(keys_epoch_at(&generation, 1059), 0);
	assert_int_equal(keys_epoch_at(&generation, 1060), 1);
	assert_int_equal(keys_epoch_at(&generation, 999), -1);
	assert_int_equal(keys_epoch_at(&generation, 940), -1);
	assert_int_equal(keys_epoch_at(&generation, 939), -2);
	assert_int_equal(keys_id(&generation, 0), 0xe000);
	assert_int_equal(keys_id(&generation, 4095), 0xefff);
	assert_int_equal(keys_id(&generation, 4096), 0xe000);
}

static void test_seed(void **unused)
{
	struct keys_state fresh = { .clock = 7200 };
	uint8_t first[32];

	(void)unused;
	assert_int_equal(keys_seed(&fresh, 3600, 60), 0);
	assert_int_equal(fresh.count, 1);
	assert_int_equal(fresh.generation[0].number, 1);
	assert_int_equal(fresh.generation[0].origin, 3600);
	assert_int_equal(fresh.generation[0].length, 60);
	memcpy(first, fresh.generation[0].chain, 32);
	assert_int_equal(keys_seed(&fresh, 9000, 30), 0);
	assert_int_equal(fresh.generation[0].number, 2);
	assert_memory_equal(fresh.generation[1].chain, first, 32);
	assert_memory_not_equal(fresh.generation[0].chain, first, 32);
	assert_int_equal(keys_seed(&fresh, 9900, 30), -EEXIST);
	fresh.count = 1;
	fresh.generation[0].number = KEYS_LAST_GENERATION;
	assert_int_equal(keys_seed(&fresh, 9900, 30), 0);
	assert_int_equal(fresh.generation[0].number, 1);
}

static void test_forget(void **unused)
{
	(void)unused;
	assert_null(keys_parse(sample, SAMPLE_LEN, &state));
	state.clock += 10 * 86400;
	assert_int_equal(keys_forget(&state, 4), 0);
	assert_int_equal(state.generation[0].epoch, 6);
	assert_int_equal(state.generation[1].epoch, 29);
}

/* ---- the text ----------------------------------------------------------- */

static void test_sample(void **unused)
{
	char text[KEYS_TEXT_MAX];

	(void)unused;
	assert_null(keys_parse(sample, SAMPLE_LEN, &state));
	assert_int_equal(state.clock, 1795456800);
	assert_int_equal(state.count, 2);
	assert_int_equal(state.generation[0].number, 2);
	assert_int_equal(state.generation[1].origin, 1793404800);
	assert_int_equal(state.generation[1].epoch, 15);
	for (int i = 0; i < 32; i++) {
		assert_int_equal(state.generation[0].chain[i], i);
		assert_int_equal(state.generation[1].chain[i], 32 + i);
	}
	assert_int_equal(keys_format(&state, text), SAMPLE_LEN);
	assert_string_equal(text, sample);
}

static void test_damage(void **unused)
{
	char text[sizeof(sample) + 1];

	(void)unused;
	for (size_t i = 0; i < SAMPLE_LEN; i++)
		for (int bit = 0; bit < 8; bit++) {
			memcpy(text, sample, sizeof(sample));
			text[i] ^= 1 << bit;
			assert_non_null(keys_parse(text, SAMPLE_LEN, &state));
			expect_wiped(&state);
		}
	for (size_t len = 0; len < SAMPLE_LEN; len++)
		assert_non_null(keys_parse(sample, len, &state));
	for (int c = 0; c < 256; c++) {
		memcpy(text, sample, sizeof(sample));
		text[SAMPLE_LEN] = c;
		assert_non_null(keys_parse(text, SAMPLE_LEN + 1, &state));
	}
}

/* The checksum is right, what it covers is not. */
static const char *parse_signed_text(const char *body)
{
	char text[2048];
	uint8_t digest[32];
	size_t len = strlen(body);

	EVP_Digest(body, len, digest, NULL, EVP_sha256(), NULL);
	strcpy(text, body);
	len += sprintf(text + len, "sha256 ");
	for (int i = 0; i < 32; i++)
		len += sprintf(text + len, "%02x", digest[i]);
	strcpy(text + len, "\n");
	return keys_parse(text, len + 1, &state);
}

#define CHAIN " chain 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
#define HEAD "xnts keys 1\nclock 1000\n"
#define ONE HEAD "generation 1 length 10 origin 0 epoch 100" CHAIN

static void test_refused_text(void **unused)
{
	static const char *const bad[] = {
		"",
		HEAD,
		"xnts keys 2\nclock 1000\ngeneration 1 length 10 origin 0 epoch 100" CHAIN,
		"xnts keys 1\nclock 01000\ngeneration 1 length 10 origin 0 epoch 100" CHAIN,
		"xnts keys 1\nclock -1\ngeneration 1 length 10 origin 0 epoch 0" CHAIN,
		"xnts keys 1\nclock 99999999999999\ngeneration 1 length 10 origin 0 epoch 0" CHAIN,
		HEAD "generation 1  length 10 origin 0 epoch 100" CHAIN,
		HEAD "generation +1 length 10 origin 0 epoch 100" CHAIN,
		HEAD "generation 4294967297 length 10 origin 0 epoch 100" CHAIN,
		HEAD "generation 0 length 10 origin 0 epoch 100" CHAIN,
		HEAD "generation 15 length 10 origin 0 epoch 100" CHAIN,
		HEAD "generation 1 length 0 origin 0 epoch 100" CHAIN,
		HEAD "generation 1 length 31536001 origin 0 epoch 0" CHAIN,
		HEAD "generation 1 length 10 origin -10 epoch 100" CHAIN,
		HEAD "generation 1 length 10 origin 9999999999999999999 epoch 0" CHAIN,
		HEAD "generation 1 length 10 origin 0 epoch 101" CHAIN,
		HEAD "generation 1 length 10 origin 0 epoch 36" CHAIN,
		HEAD "generation 1 length 10 origin 0 epoch -1" CHAIN,
		HEAD "generation 1 length 10 origin 2000 epoch 1" CHAIN,
		ONE "\n",
		ONE "generation 2 length 10 origin 0 epoch 100" CHAIN,
		ONE "generation 1 length 10 origin 0 epoch 100" CHAIN,
		ONE "generation 14 length 10 origin 0 epoch 100" CHAIN
		    "generation 13 length 10 origin 0 epoch 100" CHAIN,
		HEAD "generation 1 length 10 origin 0 epoch 100 chain 0001\n",
		HEAD "generation 1 length 10 origin 0 epoch 100 chain "
		     "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F\n",
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!parse_signed_text(bad[i]))
			fail_msg("taken: %s", bad[i]);
		expect_wiped(&state);
	}
	assert_null(parse_signed_text(ONE));
	assert_null(parse_signed_text(ONE "generation 14 length 9 origin 7 epoch 100" CHAIN));
	assert_null(parse_signed_text(HEAD "generation 1 length 10 origin 0 epoch 37" CHAIN));
	assert_null(parse_signed_text(HEAD "generation 1 length 10 origin 2000 epoch 0" CHAIN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_epochs_and_ids),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_refused_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

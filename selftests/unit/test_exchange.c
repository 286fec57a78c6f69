// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
/* exchange.h: how many AES passes an exchange takes, and what one that ends early leaves. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "aes.h"

static int passes;

static int counted_pass(struct aes_blocks *blocks, const struct xnts_aes_key *key)
{
	passes++;
	return aes_pass(blocks, key);
}
#define aes_pass counted_pass
#define __aes_pass counted_pass

#include "../host_target.h"
#include "../client.h"

static uint8_t frame[FRAME_MAX];
static struct outcome out;

static void start(struct packet *p, struct client *c)
{
	static struct world w;

	world_init(&w);
	world_set_keys(&w);
	host_load(&w);
	client_init(c);
	packet_init(p, 4);
	memset(&host.scratch.crypt, 0, sizeof(host.scratch.crypt));
	host.scratch.crypt.nonces.blocks_left = 4; /* none need be made */
}

static int passes_of(const struct packet *p, int verdict)
{
	passes = 0;
	assert_int_equal(host_run(frame, packet_build(p, frame), &out), 0);
	assert_string_equal(verdict_name(out.verdict), verdict_name(verdict));
	return passes;
}

static void placeholders(void **state)
{
	static const int expected[8] = { 13, 21, 29, 36, 44, 52, 60, 67 };
	struct client c;
	struct packet p;

	(void)state;
	for (int n = 0; n < 8; n++) {
		start(&p, &c);
		client_request(&c, &p, n);
		assert_int_equal(passes_of(&p, XNTS_V_nts_answered), expected[n]);
	}
}

/* A cookie of the key before: nothing of its CMAC serves the new one. */
static void changed_key(void **state)
{
	struct client c;
	struct packet p;

	(void)state;
	for (int forged = 0; forged < 2; forged++) {
		start(&p, &c);
		client_add_uid(&c, &p);
		client_add_cookie(&c, &p, KEY_OLD);
		client_authenticate(&c, &p, CLIENT_NONCE_LEN, NULL, 0, 0);
		p.payload[NTP_LEN + 36 + 4 + 8] ^= forged;
		assert_int_equal(passes_of(&p, forged ? XNTS_V_nak_bad_cookie : XNTS_V_nts_answered),
				 forged ? 6 : 14);
	}
}

/* A forged cookie costs five passes, a forged request all. */
static void forgeries(void **state)
{
	struct client c;
	struct packet p;

	(void)state;
	start(&p, &c);
	client_request(&c, &p, 0);
	p.payload[NTP_LEN + 36 + 4 + 8] ^= 1;
	assert_int_equal(passes_of(&p, XNTS_V_nak_bad_cookie), 5);
	start(&p, &c);
	client_request(&c, &p, 0);
	p.payload[p.payload_len - 1] ^= 1;
	assert_int_equal(passes_of(&p, XNTS_V_nak_bad_tag), 13);
}

static bool scratch_holds(const void *secret, size_t len)
{
	return memmem(&host.scratch, sizeof(host.scratch), secret, len);
}

/* A cookie whose AD was changed opens to the client's keys, laid out for new cookies. */
static void forgery_leaves_no_key(void **state)
{
	struct client c;
	struct packet p;

	(void)state;
	start(&p, &c);
	client_request(&c, &p, 7);
	p.payload[NTP_LEN + 36 + 4 + 7] ^= 1;
	passes_of(&p, XNTS_V_nak_bad_cookie);
	assert_true(scratch_holds(c.uid, 32));
	assert_false(scratch_holds(c.c2s, 16));
	assert_false(scratch_holds(c.c2s + 16, 16));
	assert_false(scratch_holds(c.s2c, 16));
	assert_false(scratch_holds(c.s2c + 16, 16));
}

/* Nonces: four blocks a pass; a usual answer takes one and a third. */
static void nonces(void **state)
{
	struct client c;
	struct packet p;
	int i, sum = 0;

	(void)state;
	start(&p, &c);
	client_request(&c, &p, 0);
	host.scratch.crypt.nonces.blocks_left = 0;
	for (i = 0; i < 30; i++)
		sum += passes_of(&p, XNTS_V_nts_answered) - 13;
	assert_in_range(sum, 10, 12);
	p.payload[NTP_LEN + 36 + 4 + 8] ^= 1;
	passes_of(&p, XNTS_V_nak_bad_cookie);
	for (i = 0; i < 30; i++) /* nothing was sent, so nothing is used up */
		assert_int_equal(passes_of(&p, XNTS_V_nak_bad_cookie), 5);
}

/* The counter block {CPU, count} under the nonce key, as OpenSSL encrypts it. */
static void nonce_block(const uint8_t key[16], uint64_t count, uint8_t block[16])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	memset(block, 0, 16);
	memcpy(block + 8, &count, 8);
	ref_need(EVP_EncryptInit_ex(ctx, EVP_aes_128_ecb(), NULL, key, NULL));
	ref_need(EVP_EncryptUpdate(ctx, block, &n, block, 16));
	EVP_CIPHER_CTX_free(ctx);
}

/* A reply's nonce is one such block, its cookies' are 5 bytes each of the next. */
static void nonces_are_counters(void **state)
{
	const uint8_t key[16] = "another key here";
	uint8_t reply[16], cookies[16];
	struct client c;
	struct packet p;
	struct answer a;
	uint32_t at;

	(void)state;
	start(&p, &c);
	aes_expand_key(&host.nonce_key, key);
	host.scratch.crypt.nonces.blocks_left = 0;
	host.scratch.crypt.nonce_count = 0x0123456789abcdef;
	client_request(&c, &p, 2);
	passes_of(&p, XNTS_V_nts_answered);
	at = packet_payload_at(&p);
	assert_true(client_open(&c, &p, out.frame + at, out.len - at, &a));
	assert_int_equal(a.cookies, 3);
	nonce_block(key, 0x0123456789abcdef + 3, reply);
	nonce_block(key, 0x0123456789abcdef + 2, cookies);
	assert_memory_equal(out.frame + at + NTP_LEN + 36 + 8, reply, 16);
	for (int i = 0; i < 3; i++)
		assert_memory_equal(a.cookie[i] + 3, cookies + 5 * i, 5);
}

/* However many cookies were asked for, a reply is no longer than its request. */
static void never_longer(void **state)
{
	struct xnts_cookie_key *key = &host.world.keys[XNTS_KEY_SLOT(KEY_SEAL)];
	struct client c;
	struct packet p;

	(void)state;
	start(&p, &c);
	client_request(&c, &p, 0);
	passes_of(&p, XNTS_V_nts_answered);
	host.scratch.placeholders = 7; /* which the request has no room for */
	for (uint32_t more = 0; more < 3 * COOKIE_FIELD; more++) {
		host.scratch.request_len = p.payload_len + more;
		assert_int_equal(exchange(&host.scratch, key, key), XNTS_V_nts_answered);
		assert_int_equal(host.scratch.cookies, 1 + more / COOKIE_FIELD);
		assert_true(host.scratch.reply_len <= host.scratch.request_len);
	}
	host.scratch.request_len = p.payload_len - 1;
	assert_int_equal(exchange(&host.scratch, key, key), XNTS_V_drop_nts_malformed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(placeholders),
		cmocka_unit_test(changed_key),
		cmocka_unit_test(forgeries),
		cmocka_unit_test(forgery_leaves_no_key),
		cmocka_unit_test(nonces),
		cmocka_unit_test(nonces_are_counters),
		cmocka_unit_test(never_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/* exchange.h's schedule: how many AES passes an exchange takes, counted. */
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

#include "../host_target.h"
#include "../client.h"

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
	uint8_t frame[FRAME_MAX];
	struct outcome out;

	passes = 0;
	assert_int_equal(host_run(frame, packet_build(p, frame), &out), 0);
	assert_string_equal(verdict_name(out.verdict), verdict_name(verdict));
	return passes;
}

static void placeholders(void **state)
{
	static const int expected[8] = { 14, 22, 30, 37, 45, 53, 61, 68 };
	struct client c;
	struct packet p;

	(void)state;
	for (int n = 0; n < 8; n++) {
		start(&p, &c);
		client_request(&c, &p, n);
		assert_int_equal(passes_of(&p, XNTS_V_nts_answered), expected[n]);
	}
}

/* A forged cookie costs six passes, a forged request all but the last. */
static void forgeries(void **state)
{
	struct client c;
	struct packet p;

	(void)state;
	start(&p, &c);
	client_request(&c, &p, 0);
	p.payload[NTP_LEN + 36 + 4 + 8] ^= 1;
	assert_int_equal(passes_of(&p, XNTS_V_nak_bad_cookie), 6);
	start(&p, &c);
	client_request(&c, &p, 0);
	p.payload[p.payload_len - 1] ^= 1;
	assert_int_equal(passes_of(&p, XNTS_V_nak_bad_tag), 13);
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
		sum += passes_of(&p, XNTS_V_nts_answered) - 14;
	assert_in_range(sum, 10, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(placeholders),
		cmocka_unit_test(forgeries),
		cmocka_unit_test(nonces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

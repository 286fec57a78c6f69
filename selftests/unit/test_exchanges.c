// SPDX-License-Identifier: GPL-2.0
/* NTS exchanges against OpenSSL on the userspace build, and what they leave in memory. */
#define _GNU_SOURCE
#define RANDOM_EXCHANGES 100000
#include "../host_target.h"
#include "../sweep_exchanges.h"

static bool scratch_holds(const void *secret, size_t len)
{
	return memmem(&host.scratch, sizeof(host.scratch), secret, len);
}

/* Neither an answer nor a NAK leaves a client's key, or a state made of it, behind. */
static void keys_are_wiped(void **state)
{
	struct sweep *s = sweep_start_nts(state, 4, 2);
	struct xnts_siv_key c2s, s2c;
	int tag_changed;

	siv_key_init(&c2s, s->client.c2s);
	siv_key_init(&s2c, s->client.s2c);
	for (tag_changed = 0; tag_changed < 2; tag_changed++) {
		s->packet.payload[s->packet.payload_len - 1] ^= tag_changed;
		sweep_packet(s);
		assert_verdict(&s->run, tag_changed ? XNTS_V_nak_bad_tag : XNTS_V_nts_answered);
		assert_false(scratch_holds(s->client.c2s, 16));
		assert_false(scratch_holds(s->client.c2s + 16, 16));
		assert_false(scratch_holds(s->client.s2c, 16));
		assert_false(scratch_holds(s->client.s2c + 16, 16));
		assert_false(scratch_holds(c2s.mac.rk, 64));
		assert_false(scratch_holds(s2c.ctr.rk, 64));
		assert_false(scratch_holds(c2s.k1, 16));
		assert_false(scratch_holds(s2c.zero, 16));
	}
}

/* The answer is not sent of an exchange during which one of its two keys was revoked. */
static void keys_revoked_meanwhile(void **state)
{
	static const struct {
		__u32 leaving;
		int verdict;
	} cases[] = {
		{ 0, XNTS_V_nts_answered },
		{ KEY_OLD, XNTS_V_nak_key_unknown },
		{ KEY_SEAL, XNTS_V_drop_key_unknown },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sweep *s = sweep_start(state, 4);

		nts_of_key(&s->packet, KEY_OLD);
		host.leaving = cases[i].leaving;
		sweep_packet(s);
		host.leaving = 0;
		assert_verdict(&s->run, cases[i].verdict);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EXCHANGE_SWEEPS(&host_target),
		SWEEP(nak_rate, &host_target),
		SWEEP(keys_are_wiped, &host_target),
		SWEEP(keys_revoked_meanwhile, &host_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/* NTS exchanges against OpenSSL on the userspace build, and what they leave in memory. */
#define _GNU_SOURCE
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

/* The program was re-entered on this CPU. */
static void scratch_in_use(void **state)
{
	struct sweep *s = sweep_start_nts(state, 4, 0);

	host.scratch.busy = 1;
	sweep_packet(s);
	assert_verdict(&s->run, XNTS_V_drop_busy);
	assert_int_equal(host.scratch.busy, 1);
	host.scratch.busy = 0;
	sweep_packet(s);
	assert_verdict(&s->run, XNTS_V_nts_answered);
	assert_int_equal(host.scratch.busy, 0);
}

/* The kernel refuses to store or to shrink. */
static void frame_refused(void **state)
{
	struct sweep *s = sweep_start_nts(state, 4, 0);

	host.refuse = true;
	sweep_packet(s);
	assert_verdict(&s->run, XNTS_V_drop_internal);
	assert_int_equal(host.scratch.busy, 0);
	packet_init(&s->packet, 4);
	s->packet.padding = 10;
	sweep_packet(s);
	assert_verdict(&s->run, XNTS_V_drop_internal);
	host.refuse = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EXCHANGE_SWEEPS(&host_target),
		SWEEP(nak_rate, &host_target),
		SWEEP(keys_are_wiped, &host_target),
		SWEEP(scratch_in_use, &host_target),
		SWEEP(frame_refused, &host_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

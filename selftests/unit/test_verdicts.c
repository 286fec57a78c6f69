// SPDX-License-Identifier: GPL-2.0
/* The verdict table on the userspace build, and that no verdict is missing from the tests. */
#include "../host_target.h"
#include "../sweep_limits.h"

static struct bound_tests all;

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

/* More on next hops in test_hop.c. */
static void neighbour_unknown(void **state)
{
	struct sweep *s = sweep_start(state, 4);

	s->world.config.flags = XNTS_FIB;
	s->target->load(&s->world);
	host.fib_result = HOP_NO_NEIGHBOUR;
	host.fib.ifindex = 1;
	sweep_packet(s);
	assert_verdict(&s->run, XNTS_V_pass_no_neighbour);
	host.fib_result = 0;
	host.fib.ifindex = 0;
}

/* Below the precision both stamps carry the same random bits (RFC 5905 6). */
static void stamps_carry_noise(void **state)
{
	struct sweep *s = sweep_start(state, 4);
	uint32_t below = (1 << 22) - 1, at = packet_payload_at(&s->packet), i;

	world_clock(&s->world)->precision = -10;
	s->target->load(&s->world);
	for (i = 0; i < 2; i++) {
		const uint8_t *ntp = s->run.out.frame + at;

		host.random = i ? 0xffffffff : 0x12345678;
		sweep_packet(s);
		assert_int_equal(get32(ntp + 36) & below, host.random & below);
		assert_int_equal(get32(ntp + 44) & below, host.random & below);
		assert_true(get64(ntp + 32) <= get64(ntp + 40));
	}
	host.random = 0;
}

static void refresh_once(void)
{
	struct xnts_clock *clock = &host.world.clock;

	clock->slot[!clock->current] = clock->slot[clock->current];
	clock->slot[!clock->current].mono++;
	clock->current = !clock->current;
}

static void refresh_twice(void)
{
	refresh_once();
	refresh_once();
}

/* A refresh leaves the slot being read alone; the next one does not. */
static void refreshed_meanwhile(void **state)
{
	struct sweep *s = sweep_start(state, 4);

	host.meanwhile = refresh_once;
	sweep_packet(s);
	assert_verdict(&s->run, XNTS_V_plain_answered);
	assert_int_equal(s->run.out.unsynchronised, 0);
	host.meanwhile = refresh_twice;
	sweep_packet(s);
	assert_verdict(&s->run, XNTS_V_plain_answered);
	assert_int_equal(s->run.out.unsynchronised, 1);
	host.meanwhile = NULL;
}

static __s64 step; /* ns */

static void set_the_clock(void)
{
	host.tai = clock_ns(CLOCK_TAI) + step;
	host.meanwhile = NULL;
}

/* The answer's two stamps, of a clock that was set after the first. */
static void assert_one_clock(struct sweep *s, int verdict)
{
	const uint8_t *ntp = s->run.out.frame + packet_payload_at(&s->packet);

	host.meanwhile = set_the_clock;
	sweep_packet(s);
	host.tai = 0;
	assert_verdict(&s->run, verdict);
	assert_stamps(ntp, &s->run, -WORLD_TAI_OFFSET * SECOND, world_clock(&s->world));
}

static void the_clock_is_set_meanwhile(void **state)
{
	static const __s64 steps[] = { -37000000000, 37000000000, -50000000, 50000000 };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct sweep *s;

		step = steps[i];
		assert_one_clock(sweep_start(state, 4), XNTS_V_plain_answered);
		s = sweep_start_nts(state, 6, 1);
		assert_one_clock(s, XNTS_V_nts_answered);
		s->packet.payload[s->packet.payload_len - 1] ^= 1;
		assert_one_clock(s, XNTS_V_nak_bad_tag);
	}
}

static void every_verdict_was_reached(void **state)
{
	int v;

	(void)state;
	for (v = 0; v < XNTS_VERDICT_COUNT; v++)
		if (!verdict_reached[v])
			fail_msg("no packet led to %s", verdict_name(v));
}

int main(void)
{
	const struct CMUnitTest more[] = {
		LIMIT_SWEEPS(&host_target),
		SWEEP(scratch_in_use, &host_target),
		SWEEP(frame_refused, &host_target),
		SWEEP(neighbour_unknown, &host_target),
		SWEEP(stamps_carry_noise, &host_target),
		SWEEP(refreshed_meanwhile, &host_target),
		SWEEP(the_clock_is_set_meanwhile, &host_target),
		SWEEP(every_verdict_was_reached, NULL),
	};

	bind_cases(&all, &host_target, frame_cases, CASE_COUNT(frame_cases), 0);
	bind_cases(&all, &host_target, ntp_cases, CASE_COUNT(ntp_cases), 0);
	bind_cases(&all, &host_target, nts_cases, CASE_COUNT(nts_cases), 0);
	memcpy(all.test + all.count, more, sizeof(more));
	all.count += CASE_COUNT(more);
	return _cmocka_run_group_tests("verdicts", all.test, all.count, NULL, NULL);
}

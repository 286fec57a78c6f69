/* SPDX-License-Identifier: GPL-2.0 */
/* Receive stamps of a NIC: which are used, and what the answer says then (bpf/stamp.h). */
#ifndef XNTS_TEST_SWEEP_STAMPS_H
#define XNTS_TEST_SWEEP_STAMPS_H

#include "sweep.h"

#define PHC_AT 5000000000ULL /* a PHC that was never set */
#define FRESH 200000 /* ns that the stamp is older than the program's start, about */

static inline void phc_load(struct sweep *s)
{
	s->world.stamped = true;
	s->world.phc = (struct xnts_phc){ .tai = clock_ns(CLOCK_TAI), .phc = PHC_AT,
					  .valid = 10 * SECOND };
}

/* The stamp that the mapping turns into `tai`, and what it exactly turns it into. */
static inline __u64 stamp_at(struct sweep *s, __u64 tai)
{
	const struct xnts_phc *phc = &s->world.phc;
	__s64 ahead = tai - phc->tai, d = ahead / (1 + phc->rate / 0x1p36);

	s->world.stamp = phc->phc + d;
	return phc->tai + d + (d * phc->rate >> XNTS_PHC_SHIFT);
}

/* Receive time of the answer, CLOCK_TAI ns; the fraction was rounded up once. */
static inline __u64 received(const struct sweep *s, __u32 tai_offset)
{
	const uint8_t *ntp = s->run.out.frame + packet_payload_at(&s->packet);
	__u64 fraction = get32(ntp + 36) * SECOND;

	return (get32(ntp + 32) - NTP_UNIX_SECONDS + tai_offset) * SECOND + (fraction >> 32);
}

static inline void stamps_run(struct sweep *s)
{
	world_clock(&s->world)->precision = -32; /* no noise */
	s->target->load(&s->world);
	sweep_packet(s);
	assert_int_equal(s->run.out.action, XDP_TX);
	if (s->run.out.verdict == XNTS_V_nts_answered)
		assert_true(sweep_accepted(s));
}

/* The answer bears the NIC's time, to 1 ns.  A busy machine may take longer to the program than a
 * stamp may be old: again then. */
static inline void assert_hardware(struct sweep *s)
{
	__u64 tai = 0;

	for (int i = 0; i < 50; i++) {
		tai = stamp_at(s, clock_ns(CLOCK_TAI) - FRESH);
		stamps_run(s);
		if (s->run.out.hardware_stamps)
			break;
	}
	assert_int_equal(s->run.out.hardware_stamps, 1);
	assert_int_equal(s->run.out.refused_stamps, 0);
	assert_in_range(received(s, WORLD_TAI_OFFSET) + 1, tai, tai + 2);
}

/* The answer bears the program's time. */
static inline void assert_refused(struct sweep *s)
{
	stamps_run(s);
	assert_int_equal(s->run.out.hardware_stamps, 0);
	assert_int_equal(s->run.out.refused_stamps, 1);
	assert_in_range(received(s, WORLD_TAI_OFFSET) - world_clock(&s->world)->receive_correction,
			s->run.before - 2, s->run.after);
}

static void plain_and_nts_take_the_stamp(void **state)
{
	struct sweep *s = sweep_start(state, 4);

	phc_load(s);
	assert_hardware(s);
	s = sweep_start_nts(state, 6, 1);
	phc_load(s);
	assert_hardware(s);
}

static void rates_are_followed(void **state)
{
	static const __s64 ppm[] = { 100, -100, 900, -900 };
	struct sweep *s = sweep_start(state, 4);

	for (size_t i = 0; i < sizeof(ppm) / sizeof(ppm[0]); i++) {
		phc_load(s);
		s->world.phc.tai -= 9 * SECOND;
		s->world.phc.rate = ppm[i] * (1LL << XNTS_PHC_SHIFT) / 1000000;
		assert_hardware(s);
	}
}

/* Negative, wrapping to zero and past the sign: only differences count. */
static void any_epoch_will_do(void **state)
{
	static const __u64 epoch[] = { -1ULL, -SECOND, 1ULL << 63, (1ULL << 63) - 1000, 1 };
	struct sweep *s = sweep_start(state, 4);

	for (size_t i = 0; i < sizeof(epoch) / sizeof(epoch[0]); i++) {
		phc_load(s);
		s->world.phc.tai -= SECOND;
		s->world.phc.phc = epoch[i];
		assert_hardware(s);
	}
}

static void senseless_stamps_are_refused(void **state)
{
	static const __s64 ages[] = { -1000000000, -60000000, 6000000, 1000000000 };
	struct sweep *s = sweep_start(state, 4);

	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		phc_load(s);
		stamp_at(s, clock_ns(CLOCK_TAI) - ages[i]);
		assert_refused(s);
	}
	phc_load(s);
	s->world.stamp = 0; /* veth's */
	assert_refused(s);
	s->world.phc.phc = 0;
	assert_refused(s);
}

/* Nobody has told of the PHC for long, or ever. */
static void old_mappings_are_not_used(void **state)
{
	struct sweep *s = sweep_start_nts(state, 4, 0);

	phc_load(s);
	s->world.phc.tai -= 11 * SECOND;
	stamp_at(s, clock_ns(CLOCK_TAI) - FRESH);
	assert_refused(s);
	s->world.phc.tai += 22 * SECOND;
	stamp_at(s, clock_ns(CLOCK_TAI) - FRESH);
	assert_refused(s);
	memset(&s->world.phc, 0, sizeof(s->world.phc));
	assert_refused(s);
}

static void no_stamp_is_no_refusal(void **state)
{
	struct sweep *s = sweep_start(state, 4);

	stamps_run(s);
	assert_int_equal(s->run.out.hardware_stamps, 0);
	assert_int_equal(s->run.out.refused_stamps, 0);
}

/* Before the leap when the NIC had the packet, after it when the program started. */
static void the_leap_is_judged_by_the_stamp(void **state)
{
	struct sweep *s = sweep_start(state, 4);
	struct xnts_clock_state *c = world_clock(&s->world);

	phc_load(s);
	c->leap = 1;
	c->tai_offset_after++;
	for (int i = 0; i < 50; i++) {
		stamp_at(s, clock_ns(CLOCK_TAI) - FRESH);
		c->leap_at = clock_ns(CLOCK_TAI) - FRESH / 2;
		stamps_run(s);
		if (s->run.out.hardware_stamps)
			break;
	}
	assert_int_equal(s->run.out.frame[packet_payload_at(&s->packet)] >> 6, 1);
	assert_true(received(s, WORLD_TAI_OFFSET) < c->leap_at);
}

#define STAMP_SWEEPS(target) \
	SWEEP(plain_and_nts_take_the_stamp, target), SWEEP(rates_are_followed, target), \
		SWEEP(any_epoch_will_do, target), SWEEP(senseless_stamps_are_refused, target), \
		SWEEP(old_mappings_are_not_used, target), SWEEP(no_stamp_is_no_refusal, target), \
		SWEEP(the_leap_is_judged_by_the_stamp, target)

#endif /* XNTS_TEST_SWEEP_STAMPS_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* From a clock's nanoseconds to the stamps of an answer (bpf/clock.h, lag.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../host_target.h"
#include "../packet.h"

#define ERA1 2085978496ULL /* s from 1970 to 2036-02-07T06:28:16Z, where era 1 begins */

static uint64_t stamp64(__u64 utc, struct xnts_noise noise)
{
	struct ntp_timestamp t = ntp_from_utc(utc, noise);

	return (uint64_t)bpf_ntohl(t.seconds) << 32 | bpf_ntohl(t.fraction);
}

static void seconds_wrap_into_era_1(void **state)
{
	struct xnts_noise none = { 0 };

	(void)state;
	assert_int_equal(stamp64(0, none), 2208988800ULL << 32);
	assert_int_equal(stamp64(ERA1 * SECOND - 1, none) >> 32, 0xffffffff);
	assert_int_equal(stamp64(ERA1 * SECOND, none), 0);
	assert_int_equal(stamp64(ERA1 * SECOND + SECOND / 2, none), 1ULL << 31);
}

/* Every fraction within 2^-32 s of the exact one, and never into the next second. */
static void fractions_are_exact(void **state)
{
	struct xnts_noise none = { 0 };

	(void)state;
	for (uint64_t ns = 0; ns < SECOND; ns += ns < 100000 ? 1 : 99991) {
		uint64_t exact = (ns << 32) / SECOND;

		assert_in_range((uint32_t)stamp64(ns, none), exact, exact + 1);
	}
	assert_int_equal(stamp64(SECOND - 1, none) >> 32, 2208988800ULL);
}

static void noise_stays_below_the_precision(void **state)
{
	struct xnts_noise none = { 0 };

	(void)state;
	for (int precision = -31; precision < 0; precision++) {
		uint64_t below = (1ULL << (32 + precision)) - 1, plain = stamp64(123456789, none);
		struct xnts_noise noise;

		host.random = 0xffffffff;
		noise = clock_noise(precision);
		assert_int_equal(stamp64(123456789, noise), plain | below);
		host.random = 0;
		noise = clock_noise(precision);
		assert_int_equal(stamp64(123456789, noise), plain & ~below);
	}
}

static void extreme_precisions_have_none(void **state)
{
	static const int precisions[] = { -128, -33, -32, 0, 1, 127 };

	(void)state;
	host.random = 0xffffffff;
	for (size_t i = 0; i < sizeof(precisions) / sizeof(precisions[0]); i++)
		assert_int_equal(clock_noise(precisions[i]).mask, 0);
	host.random = 0;
}

static void later_is_never_earlier(void **state)
{
	(void)state;
	host.random = 0x5a5a5a5a;
	for (uint64_t ns = 0; ns < 5000; ns++)
		assert_true(stamp64(ns, clock_noise(-20)) <= stamp64(ns + 1, clock_noise(-20)));
	host.random = 0;
}

/* Answers that each took `lag` ns from stamp to end. */
static __u32 learn(struct xnts_scratch *s, __u64 lag, int answers)
{
	while (answers--) {
		s->stamped = (s->stamped ? s->stamped : 1795000000 * SECOND) + LAG_PAUSE;
		host.tai = s->stamped + lag;
		lag_learn(lag_of(s, s->cookies), s->stamped);
	}
	host.tai = 0;
	return lag_of(s, s->cookies)->expected;
}

static void lag_is_added_to_the_stamp(void **state)
{
	struct xnts_scratch *s = &host.scratch;
	struct ntp_timestamp want = ntp_from_utc(1795000000 * SECOND + 3000, clock_noise(0));

	(void)state;
	memset(s, 0, sizeof(*s));
	assert_int_equal(learn(s, 3000, 1), 3000);
	s->received = host.tai = 1795000000 * SECOND;
	reply_stamp(s);
	host.tai = 0;
	assert_memory_equal(&((struct ntp_header *)s->reply.b)->transmit, &want, sizeof(want));
}

/* A cold first answer is forgotten within a burst; an interrupt is hardly noticed. */
static void lag_follows_the_usual_answer(void **state)
{
	struct xnts_scratch *s = &host.scratch;
	__u32 usual;

	(void)state;
	memset(s, 0, sizeof(*s));
	assert_int_equal(learn(s, 60000, 1), 60000);
	usual = learn(s, 3000, 24);
	assert_in_range(usual, 3000, 3200);
	assert_in_range(learn(s, 90000, 1), usual, usual + LAG_STEP / 4);
	assert_in_range(learn(s, 2 * LAG_MAX, 1), usual, usual + LAG_STEP / 4);
}

/* One of many: measuring takes time too. */
static void lag_is_measured_now_and_then(void **state)
{
	struct xnts_scratch *s = &host.scratch;

	(void)state;
	memset(s, 0, sizeof(*s));
	learn(s, 3000, 1);
	s->stamped--;
	assert_int_equal(learn(s, 3100, 1), 3000);
	assert_int_equal(learn(s, 3100, 1), 3025);
}

/* Answers that take 1500, 3000 or 3200 ns, as often each: short ones do not outweigh long ones. */
static void lag_is_the_median(void **state)
{
	static const __u64 lags[] = { 3200, 1500, 3000 };
	struct xnts_scratch *s = &host.scratch;
	__u32 expected = 0;

	(void)state;
	memset(s, 0, sizeof(*s));
	for (int i = 0; i < 3 * 64; i++)
		expected = learn(s, lags[i % 3], 1);
	assert_in_range(expected, 3000 - LAG_STEP / 2, 3000 + LAG_STEP / 2);
}

/* A plain request's answer; each thing that the program does takes 500 ns. */
static void plain_answer(__u64 received, struct ntp_header *answer)
{
	struct outcome out;
	struct packet p;
	uint8_t frame[FRAME_MAX];

	packet_init(&p, 4);
	host.tai = received;
	host.tick = 500;
	assert_int_equal(host_run(frame, packet_build(&p, frame), &out), 0);
	host.tai = host.tick = 0;
	assert_int_equal(out.verdict, XNTS_V_plain_answered);
	memcpy(answer, out.frame + packet_payload_at(&p), sizeof(*answer));
}

/* What comes before the receive time and after the transmit time is counted, with or without cookies. */
static void plain_stamps_are_of_arrival_and_departure(void **state)
{
	struct ntp_timestamp arrival = ntp_from_utc(1795000000 * SECOND, clock_noise(0));
	struct ntp_timestamp departure = ntp_from_utc(1795000000 * SECOND + 1000, clock_noise(0));
	struct ntp_header answer;
	struct world w;

	(void)state;
	world_init(&w);
	world_clock(&w)->tai_offset = 0;
	world_clock(&w)->precision = -32;
	world_clock(&w)->receive_correction = world_clock(&w)->transmit_correction = 0;
	host_load(&w);
	memset(&host.scratch, 0, sizeof(host.scratch));
	plain_answer(1795000000 * SECOND, &answer);
	assert_memory_equal(&answer.receive, &arrival, sizeof(arrival));
	plain_answer(1795000000 * SECOND, &answer);
	assert_memory_equal(&answer.transmit, &departure, sizeof(departure));
}

/* Each number of cookies has a lag of its own. */
static void lag_is_kept_by_cookies(void **state)
{
	struct xnts_scratch *s = &host.scratch;

	(void)state;
	memset(s, 0, sizeof(*s));
	s->cookies = 1;
	learn(s, 3000, 1);
	s->cookies = 8;
	assert_int_equal(lag_of(s, s->cookies)->expected, 0);
	assert_int_equal(learn(s, 9000, 1), 9000);
	s->cookies = 1;
	assert_int_equal(lag_of(s, s->cookies)->expected, 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seconds_wrap_into_era_1),
		cmocka_unit_test(fractions_are_exact),
		cmocka_unit_test(noise_stays_below_the_precision),
		cmocka_unit_test(extreme_precisions_have_none),
		cmocka_unit_test(later_is_never_earlier),
		cmocka_unit_test(lag_is_added_to_the_stamp),
		cmocka_unit_test(lag_follows_the_usual_answer),
		cmocka_unit_test(lag_is_measured_now_and_then),
		cmocka_unit_test(lag_is_the_median),
		cmocka_unit_test(lag_is_kept_by_cookies),
		cmocka_unit_test(plain_stamps_are_of_arrival_and_departure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

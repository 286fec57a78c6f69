/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <time.h>

#include "kernel_clock.h"

#define DAY_END 1483228800LL /* 2017-01-01 00:00:00 UTC, where the last leap second was inserted */

/* A state read `seconds` (of UTC, may be after it) before DAY_END. */
static struct xnts_clock_state before_day_end(int64_t seconds, int tai_offset)
{
	return (struct xnts_clock_state){
		.tai_offset = tai_offset,
		.tai = (uint64_t)(DAY_END - seconds + tai_offset) * NSEC_PER_SEC + 250000000,
	};
}

static int64_t utc_at(const struct xnts_clock_state *state, uint64_t tai)
{
	int32_t offset = tai < state->leap_at ? state->tai_offset : state->tai_offset_after;

	return (int64_t)tai - offset * NSEC_PER_SEC;
}

static void test_no_leap(void **unused)
{
	const struct timex quiet = { .status = STA_PLL };
	struct xnts_clock_state state = before_day_end(1, 36);

	(void)unused;
	assert_int_equal(kernel_clock_leap(&quiet, TIME_OK, &state), 0);
	assert_int_equal(state.leap_at, 0);
	assert_int_equal(state.tai_offset_after, 36);
}

static void test_insertion(void **unused)
{
	const struct timex armed = { .status = STA_PLL | STA_INS };
	struct xnts_clock_state state = before_day_end(3600, 36);

	(void)unused;
	assert_int_equal(kernel_clock_leap(&armed, TIME_INS, &state), 0);
	assert_int_equal(state.tai_offset_after, 37);
	assert_int_equal(state.leap_at, (DAY_END + 36) * NSEC_PER_SEC);
	/* 23:59:59 ends, and comes again. */
	assert_int_equal(utc_at(&state, state.leap_at - 1), DAY_END * NSEC_PER_SEC - 1);
	assert_int_equal(utc_at(&state, state.leap_at), (DAY_END - 1) * NSEC_PER_SEC);
	assert_int_equal(utc_at(&state, state.leap_at + NSEC_PER_SEC), DAY_END * NSEC_PER_SEC);
}

static void test_deletion(void **unused)
{
	const struct timex armed = { .status = STA_PLL | STA_DEL };
	struct xnts_clock_state state = before_day_end(3600, 37);

	(void)unused;
	assert_int_equal(kernel_clock_leap(&armed, TIME_DEL, &state), 0);
	assert_int_equal(state.tai_offset_after, 36);
	/* 23:59:58 ends, and 00:00:00 follows. */
	assert_int_equal(utc_at(&state, state.leap_at - 1), (DAY_END - 1) * NSEC_PER_SEC - 1);
	assert_int_equal(utc_at(&state, state.leap_at), DAY_END * NSEC_PER_SEC);
}

/* Nobody told the kernel the TAI offset: CLOCK_TAI started as UTC. */
static void test_insertion_without_offset(void **unused)
{
	const struct timex armed = { .status = STA_INS };
	struct xnts_clock_state state = before_day_end(86000, 0);

	(void)unused;
	assert_int_equal(kernel_clock_leap(&armed, TIME_INS, &state), 0);
	assert_int_equal(state.tai_offset_after, 1);
	assert_int_equal(state.leap_at, DAY_END * NSEC_PER_SEC);
}

static void test_unsynchronised_hides_state(void **unused)
{
	const struct timex armed = { .status = STA_INS | STA_UNSYNC };
	struct xnts_clock_state state = before_day_end(100, 36);

	(void)unused;
	assert_int_equal(kernel_clock_leap(&armed, TIME_ERROR, &state), 0);
	assert_int_equal(state.leap_at, (DAY_END + 36) * NSEC_PER_SEC);
}

static void test_quiet_around_leap(void **unused)
{
	const struct timex armed = { .status = STA_INS };
	struct xnts_clock_state state;

	(void)unused;
	for (int64_t left = 5; left > -5; left--) {
		bool quiet = left <= 2 && left > -2;

		state = before_day_end(left, 37);
		assert_int_equal(kernel_clock_leap(&armed, TIME_ERROR, &state),
				 quiet ? -EAGAIN : 0);
	}
}

static void test_leap_is_over(void **unused)
{
	const struct timex armed = { .status = STA_INS };
	struct xnts_clock_state state = before_day_end(-3, 37);

	(void)unused;
	assert_int_equal(kernel_clock_leap(&armed, TIME_WAIT, &state), 0);
	assert_int_equal(state.leap_at, 0);
	assert_int_equal(state.tai_offset_after, 37);
}

static struct xnts_clock_state discipline(int status, int time_state, long maxerror, long esterror)
{
	const struct timex tx = { .status = status, .maxerror = maxerror, .esterror = esterror };
	struct xnts_clock_state state = { .stratum = 1, .reference_id = 0x00535047 };

	kernel_clock_discipline(&tx, time_state, (struct timespec){ .tv_sec = 1 }, &state);
	return state;
}

static void test_discipline(void **unused)
{
	struct xnts_clock_state state = discipline(STA_PLL, TIME_OK, 500000, 10);

	(void)unused;
	assert_int_equal(state.leap, 0);
	assert_int_equal(state.stratum, 1);
	assert_int_equal(state.reference_id, 0x00535047);
	assert_int_equal(state.root_delay, 0);
	assert_int_equal(state.root_dispersion, 0x8000);
	assert_int_equal(state.reference_time, 2208988801ULL << 32);
	assert_int_equal(discipline(STA_PLL, TIME_OK, 0, 250000).root_dispersion, 0x4000);
}

static void test_discipline_leap(void **unused)
{
	(void)unused;
	assert_int_equal(discipline(STA_INS, TIME_INS, 0, 0).leap, 1);
	assert_int_equal(discipline(STA_DEL, TIME_DEL, 0, 0).leap, 2);
	assert_int_equal(discipline(STA_INS, TIME_OOP, 0, 0).leap, 0);
	assert_int_equal(discipline(STA_INS, TIME_WAIT, 0, 0).leap, 0);
}

static void test_discipline_lost(void **unused)
{
	(void)unused;
	assert_int_equal(discipline(STA_UNSYNC, TIME_OK, 0, 0).stratum, 0);
	assert_int_equal(discipline(STA_PLL, TIME_ERROR, 0, 0).stratum, 0);
	assert_int_equal(discipline(STA_UNSYNC | STA_INS, TIME_ERROR, 0, 0).leap, 3);
	assert_int_equal(discipline(STA_PLL, TIME_OK, 16000000, 0).leap, 3);
}

static void test_precision(void **unused)
{
	int8_t measured = kernel_clock_precision();

	(void)unused;
	assert_int_equal(precision_of(0), -30);
	assert_int_equal(precision_of(1), -29); /* 2^-30 s is 0.93 ns */
	assert_int_equal(precision_of(29), -25);
	assert_int_equal(precision_of(30), -24);
	assert_int_equal(precision_of(1000), -19);
	assert_int_equal(precision_of(NSEC_PER_SEC), 0);
	assert_true(measured >= -30 && measured < -10);
}

/* This machine's own clock, which the test leaves alone. */
static void test_read(void **unused)
{
	struct xnts_clock_state state;
	struct timespec mono, utc;
	int64_t mono_passed, utc_passed;

	(void)unused;
	assert_int_equal(kernel_clock_read(&state), 0);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &utc);
	mono_passed = mono.tv_sec * NSEC_PER_SEC + mono.tv_nsec - (int64_t)state.mono;
	utc_passed = utc.tv_sec * NSEC_PER_SEC + utc.tv_nsec - utc_at(&state, state.tai);
	assert_in_range(mono_passed, 0, NSEC_PER_SEC);
	assert_in_range(utc_passed - mono_passed + 1000000, 0, 2000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_leap),
		cmocka_unit_test(test_insertion),
		cmocka_unit_test(test_deletion),
		cmocka_unit_test(test_insertion_without_offset),
		cmocka_unit_test(test_unsynchronised_hides_state),
		cmocka_unit_test(test_quiet_around_leap),
		cmocka_unit_test(test_leap_is_over),
		cmocka_unit_test(test_discipline),
		cmocka_unit_test(test_discipline_leap),
		cmocka_unit_test(test_discipline_lost),
		cmocka_unit_test(test_precision),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests_name("kernel_clock", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "clock_state.h"

/* RFC 5905 figure 4, and the second in which era 1 begins. */
static void test_timestamps(void **unused)
{
	const struct {
		struct timespec utc;
		uint64_t ntp;
	} cases[] = {
		{ { .tv_sec = 0 }, 2208988800ULL << 32 },
		{ { .tv_sec = -2208988800LL }, 0 },
		{ { .tv_sec = 1, .tv_nsec = 500000000 }, (2208988801ULL << 32) | 0x80000000 },
		{ { .tv_sec = 2085978495, .tv_nsec = 999999999 }, 0xfffffffffffffffbULL },
		{ { .tv_sec = 2085978496 }, 0 }, /* 2036-02-07 06:28:16 */
		{ { .tv_sec = 2085978497 }, 1ULL << 32 },
		{ { .tv_sec = 4102444800LL }, 2016466304ULL << 32 }, /* 2100-01-01 */
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(ntp_timestamp(cases[i].utc), cases[i].ntp);
}

static void test_difference(void **unused)
{
	(void)unused;
	assert_int_equal(ntp_difference(5ULL << 32, 3ULL << 32), 2 * NSEC_PER_SEC);
	assert_int_equal(ntp_difference(3ULL << 32, 5ULL << 32), -2 * NSEC_PER_SEC);
	assert_int_equal(ntp_difference(0x80000000, 0), 500000000);
	assert_int_equal(ntp_difference(0, 0x80000000), -500000000);
	/* One second on either side of the era's end. */
	assert_int_equal(ntp_difference(1ULL << 32, 0xffffffff00000000), 2 * NSEC_PER_SEC);
	assert_int_equal(ntp_difference(0xffffffff00000000, 1ULL << 32), -2 * NSEC_PER_SEC);
}

static void test_short_format(void **unused)
{
	(void)unused;
	assert_int_equal(ntp_short(-1), 0);
	assert_int_equal(ntp_short(0), 0);
	assert_int_equal(ntp_short(1), 1); /* an error bound is never rounded down */
	assert_int_equal(ntp_short(15258), 1);
	assert_int_equal(ntp_short(15259), 2);
	assert_int_equal(ntp_short(NSEC_PER_SEC), 65536);
	assert_int_equal(ntp_short(NSEC_PER_SEC + NSEC_PER_SEC / 2), 98304);
	assert_int_equal(ntp_short(65535 * NSEC_PER_SEC + 999999999), 0xffffffff);
	assert_int_equal(ntp_short(65536 * NSEC_PER_SEC), 0xffffffff);
	assert_int_equal(ntp_short(INT64_MAX), 0xffffffff);
}

static void test_seconds(void **unused)
{
	(void)unused;
	assert_int_equal(seconds_to_ns(0.25), 250000000);
	assert_int_equal(seconds_to_ns(-0.25), -250000000);
	assert_int_equal(seconds_to_ns(1e300), 1000000000 * NSEC_PER_SEC);
	assert_int_equal(seconds_to_ns(-1e300), -1000000000 * NSEC_PER_SEC);
}

static void test_unsynchronised(void **unused)
{
	struct xnts_clock_state state = { .leap = 1,
					  .stratum = 2,
					  .root_delay = 3,
					  .root_dispersion = 4,
					  .reference_id = 5,
					  .reference_time = 6,
					  .mono = 7 };

	(void)unused;
	clock_state_unsynchronise(&state);
	assert_int_equal(state.leap, 3);
	assert_int_equal(state.stratum, 0);
	assert_int_equal(state.reference_id, 0);
	assert_int_equal(state.mono, 7);
	clock_state_add_error(&state, NSEC_PER_SEC);
	assert_int_equal(state.root_dispersion, 0);
}

static void test_add_error(void **unused)
{
	struct xnts_clock_state state = { .stratum = 2, .root_dispersion = 65536 };

	(void)unused;
	clock_state_add_error(&state, 0);
	assert_int_equal(state.root_dispersion, 65536);
	clock_state_add_error(&state, NSEC_PER_SEC / 4);
	assert_int_equal(state.root_dispersion, 65536 + 16384);
	assert_int_equal(state.stratum, 2);
	clock_state_add_error(&state, 14 * NSEC_PER_SEC + 3 * NSEC_PER_SEC / 4 - 20000);
	assert_int_equal(state.stratum, 2);
	clock_state_add_error(&state, 20000); /* 16 s in all */
	assert_int_equal(state.stratum, 0);
	assert_int_equal(state.leap, 3);
}

static void test_add_huge_error(void **unused)
{
	struct xnts_clock_state state = { .stratum = 2, .root_dispersion = 0xffffffff };

	(void)unused;
	clock_state_add_error(&state, INT64_MAX);
	assert_int_equal(state.stratum, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timestamps),     cmocka_unit_test(test_difference),
		cmocka_unit_test(test_short_format),   cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_unsynchronised), cmocka_unit_test(test_add_error),
		cmocka_unit_test(test_add_huge_error),
	};

	return cmocka_run_group_tests_name("clock_state", tests, NULL, NULL);
}

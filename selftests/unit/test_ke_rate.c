/* SPDX-License-Identifier: GPL-2.0 */
/* Handshakes a second of a prefix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ke_rate.h"

static unsigned int taken(struct ke_rate *limit, uint64_t prefix, int64_t now, unsigned int tries)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < tries; i++)
		n += ke_rate_take(limit, prefix, now);
	return n;
}

static void no_limit(void **state)
{
	struct ke_rate limit;

	(void)state;
	assert_int_equal(ke_rate_init(&limit, 0, 1), 0);
	assert_int_equal(taken(&limit, 7, 1, 100000), 100000);
	ke_rate_free(&limit);
}

static void burst_then_rate(void **state)
{
	const int64_t hour = 3600000;
	struct ke_rate limit;

	(void)state;
	assert_int_equal(ke_rate_init(&limit, 10, 5), 0);
	assert_int_equal(taken(&limit, 7, hour, 100), 5);
	assert_int_equal(taken(&limit, 7, hour + 99, 100), 0);
	assert_int_equal(taken(&limit, 7, hour + 100, 100), 1);
	assert_int_equal(taken(&limit, 7, hour + 350, 100), 2);
	assert_int_equal(taken(&limit, 7, 2 * hour, 100), 5); /* no more than the burst */
	ke_rate_free(&limit);
}

/* What is refused costs nothing: who retries too soon is not kept out for it. */
static void every_second(void **state)
{
	unsigned int n = 0;
	struct ke_rate limit;

	(void)state;
	assert_int_equal(ke_rate_init(&limit, 50, 200), 0);
	for (int64_t ms = 0; ms < 10000; ms++)
		n += taken(&limit, 1, ms, 3);
	assert_in_range(n, 200 + 498, 200 + 500);
	ke_rate_free(&limit);
}

static void prefixes_apart(void **state)
{
	unsigned int sharing = 0;
	struct ke_rate limit;

	(void)state;
	assert_int_equal(ke_rate_init(&limit, 1, 1), 0);
	for (uint64_t prefix = 0; prefix < 1000; prefix++)
		sharing += !ke_rate_take(&limit, prefix << 32 | 0x0a000000, 5000);
	assert_in_range(sharing, 0, 100); /* 15 on average, by the hash key */
	ke_rate_free(&limit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_limit),
		cmocka_unit_test(burst_then_rate),
		cmocka_unit_test(every_second),
		cmocka_unit_test(prefixes_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

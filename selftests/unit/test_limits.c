// SPDX-License-Identifier: GPL-2.0
/* Lists and limits on the userspace build, where time is ours. */
#include "../host_target.h"
#include "../sweep_limits.h"

#define TICK (1ULL << 20)

/* An allowance comes back an interval at a time, and no further than its burst. */
static void allowance_returns(void **state)
{
	struct sweep *s = sweep_start(state, 4);
	__u64 interval = LONG_INTERVAL * TICK;

	limits_load(s, BURST, 0);
	limit_source_is(s, 4, 50, 0);
	host.tai = clock_ns(CLOCK_TAI);
	assert_burst(s, BURST, XNTS_V_plain_answered, XNTS_V_drop_limited);
	host.tai += interval - 2 * TICK;
	assert_next(s, XNTS_V_drop_limited);
	host.tai += 3 * TICK;
	assert_burst(s, 1, XNTS_V_plain_answered, XNTS_V_drop_limited);
	host.tai += 2 * interval;
	assert_burst(s, 2, XNTS_V_plain_answered, XNTS_V_drop_limited);
	host.tai += 1000 * interval;
	assert_burst(s, BURST, XNTS_V_plain_answered, XNTS_V_drop_limited);
	host.tai = 0;
}

/* Buckets count modulo 2^32: a source is not locked out, whenever it comes back. */
static void allowance_wraps(void **state)
{
	struct sweep *s = sweep_start(state, 4);
	__u64 start = clock_ns(CLOCK_TAI);
	int day;

	limits_load(s, 1, 0);
	limit_source_is(s, 4, 51, 0);
	for (day = 0; day < 200; day++) {
		host.tai = start + day * 86400 * SECOND;
		assert_burst(s, 1, XNTS_V_plain_answered, XNTS_V_drop_limited);
	}
	host.tai = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIMIT_SWEEPS(&host_target),
		SWEEP(allowance_returns, &host_target),
		SWEEP(allowance_wraps, &host_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

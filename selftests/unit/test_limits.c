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
	host.mono = clock_ns(CLOCK_MONOTONIC);
	assert_burst(s, BURST, XNTS_V_plain_answered, XNTS_V_drop_limited);
	host.mono += interval - 2 * TICK;
	assert_next(s, XNTS_V_drop_limited);
	host.mono += 3 * TICK;
	assert_burst(s, 1, XNTS_V_plain_answered, XNTS_V_drop_limited);
	host.mono += 2 * interval;
	assert_burst(s, 2, XNTS_V_plain_answered, XNTS_V_drop_limited);
	host.mono += 1000 * interval;
	assert_burst(s, BURST, XNTS_V_plain_answered, XNTS_V_drop_limited);
	host.mono = 0;
}

/* A source is not locked out, whenever it comes back: also when the host has been up for years. */
static void allowance_of_years(void **state)
{
	struct sweep *s = sweep_start(state, 4);
	__u64 start = clock_ns(CLOCK_MONOTONIC);
	int week;

	limits_load(s, 1, 0);
	limit_source_is(s, 4, 51, 0);
	for (week = 0; week < 1000; week++) {
		host.mono = start + week * 7 * 86400 * SECOND;
		assert_burst(s, 1, XNTS_V_plain_answered, XNTS_V_drop_limited);
	}
	host.mono = 0;
}

/* Steps of the clock neither give an allowance back nor take it. */
static void allowance_survives_steps(void **state)
{
	struct sweep *s = sweep_start(state, 4);

	limits_load(s, BURST, 0);
	limit_source_is(s, 4, 54, 0);
	host.mono = clock_ns(CLOCK_MONOTONIC);
	host.tai = 1;
	assert_next(s, XNTS_V_plain_answered);
	host.tai = clock_ns(CLOCK_TAI) * 2;
	assert_burst(s, BURST - 1, XNTS_V_plain_answered, XNTS_V_drop_limited);
	host.tai = 1;
	assert_next(s, XNTS_V_drop_limited);
	host.tai = host.mono = 0;
}

/* A CPU whose clock reading is a little older finds no allowance that is not there. */
static void allowance_of_two_cpus(void **state)
{
	struct sweep *s = sweep_start(state, 4);

	limits_load(s, BURST, 0);
	limit_source_is(s, 4, 57, 0);
	host.mono = clock_ns(CLOCK_MONOTONIC);
	assert_burst(s, BURST, XNTS_V_plain_answered, XNTS_V_drop_limited);
	host.mono -= 1000;
	assert_next(s, XNTS_V_drop_limited);
	host.mono = 0;
}

/* What a stricter limit of before made of a source is forgotten. */
static void allowance_of_another_limit(void **state)
{
	struct sweep *s = sweep_start(state, 4);

	limits_load(s, BURST, 0);
	limit_source_is(s, 4, 58, 0);
	host.mono = clock_ns(CLOCK_MONOTONIC);
	assert_burst(s, BURST, XNTS_V_plain_answered, XNTS_V_drop_limited);
	s->world.config.plain = (struct xnts_limit){ 1000, 1 };
	s->target->load(&s->world);
	assert_next(s, XNTS_V_plain_answered);
	host.mono = 0;
}

/* A source whose allowance is spent takes no more of the CPU's time for NTS. */
static void limited_nts_is_free(void **state)
{
	struct sweep *s = sweep_start(state, 4);
	__u64 spent;

	s->world.config.budget = 800;
	limits_load(s, 0, BURST);
	limit_source_is(s, 4, 55, 0);
	client_request(&s->client, &s->packet, 0);
	host.scratch.budget_until = host.scratch.half_until[1] = 0;
	assert_burst(s, BURST, XNTS_V_nts_answered, XNTS_V_drop_nts_limited);
	spent = host.scratch.budget_until;
	assert_next(s, XNTS_V_drop_nts_limited);
	assert_int_equal(host.scratch.budget_until, spent);
	host.scratch.budget_until = 0;
}

static void others_take_it_all(void)
{
	if (host.scratch.busy)
		for (int i = 0; i < XNTS_BUCKETS; i++)
			host.verified[i] = host.mono + LONG_INTERVAL * TICK * BURST;
}

/* Another CPU may answer the same source between the look at its allowance and the charge. */
static void allowance_gone_meanwhile(void **state)
{
	struct sweep *s = sweep_start(state, 4);

	s->world.config.budget = 800;
	limits_load(s, 0, BURST);
	limit_source_is(s, 4, 57, 0);
	client_request(&s->client, &s->packet, 0);
	host.mono = world_clock(&s->world)->mono + 1;
	host.meanwhile = others_take_it_all;
	assert_next(s, XNTS_V_drop_nts_limited);
	host.meanwhile = NULL;
	memset(host.verified, 0, sizeof(host.verified));
	assert_next(s, XNTS_V_nts_answered);
	host.mono = 0;
	host.scratch.budget_until = 0;
}

/* What is not answered is not charged to the total of answers. */
static void limited_spares_the_ceiling(void **state)
{
	struct sweep *s = sweep_start(state, 4);

	s->world.config.ceiling = LIMIT_LEAD;
	limits_load(s, 1, 0);
	host.scratch.ceiling_until = 0;
	host.mono = world_clock(&s->world)->mono + 1;
	limit_source_is(s, 4, 56, 0);
	assert_burst(s, 1, XNTS_V_plain_answered, XNTS_V_drop_limited);
	limit_source_is(s, 4, 56, 1);
	assert_next(s, XNTS_V_plain_answered);
	assert_next(s, XNTS_V_drop_over_ceiling);
	host.mono = 0;
	host.scratch.ceiling_until = 0;
}

/* iburst of 8, two seconds apart or at once, and then a poll every 64 s: every one passes. */
static void honest_client(void **state)
{
	struct sweep *s = sweep_start(state, 4);
	int i;

	s->world.config.plain = (struct xnts_limit){ 8 * SECOND / TICK, 8 };
	s->target->load(&s->world);
	limit_source_is(s, 4, 52, 0);
	host.mono = clock_ns(CLOCK_MONOTONIC);
	for (i = 0; i < 8; i++)
		assert_next(s, XNTS_V_plain_answered);
	for (i = 0; i < 100; i++) {
		host.mono += 64 * SECOND;
		assert_next(s, XNTS_V_plain_answered);
	}
	host.mono += 64 * SECOND;
	for (i = 0; i < 8; i++, host.mono += 2 * SECOND)
		assert_next(s, XNTS_V_plain_answered);
	host.mono = 0;
}

/* One in four over the limit gets the kiss, as chance has it. */
static void kiss_is_rare(void **state)
{
	struct sweep *s = sweep_start(state, 4);
	__u32 i;

	s->world.config.kod_one_in = 4;
	limits_load(s, 1, 0);
	limit_source_is(s, 4, 53, 0);
	assert_next(s, XNTS_V_plain_answered);
	for (i = 0; i < 16; i++) {
		host.random = i;
		assert_next(s, i % 4 ? XNTS_V_drop_limited : XNTS_V_kod_rate);
	}
	host.random = 0;
}

/* What is ahead of now by more than the lead is shed; what was long ago is forgotten. */
static void budget_edge(void **state)
{
	struct sweep *s = sweep_start_nts(state, 4, 0);

	s->world.config.budget = 800;
	limits_load(s, 0, 0);
	host.mono = world_clock(&s->world)->mono + 1;
	host.scratch.half_until[0] = host.scratch.half_until[1] = host.mono + LIMIT_LEAD;
	host.scratch.budget_until = host.mono + LIMIT_LEAD;
	assert_next(s, XNTS_V_nts_answered); /* from now on no stranger */
	host.scratch.half_until[0] = host.mono + LIMIT_LEAD + 1;
	host.scratch.budget_until = host.mono + LIMIT_LEAD + 1;
	assert_next(s, XNTS_V_drop_over_budget);
	host.scratch.budget_until = host.mono + LIMIT_LEAD;
	assert_next(s, XNTS_V_nts_answered);
	host.scratch.budget_until = 1;
	assert_next(s, XNTS_V_nts_answered);
	assert_true(host.scratch.budget_until >= host.mono);
	host.scratch.half_until[0] = 0;
	host.mono = 0;
	host.scratch.budget_until = 0;
}

/*
 * What does not verify uses up the strangers' half of the budget: they are shed, be they
 * honest or not, and who verified lately is answered.
 */
static void budget_of_strangers(void **state)
{
	struct sweep *s = sweep_start(state, 4);

	s->world.config.budget = 800;
	limits_load(s, 0, 0);
	memset(host.scratch.half_until, 0, sizeof(host.scratch.half_until));
	host.scratch.budget_until = 0;
	host.mono = world_clock(&s->world)->mono + 1;
	limit_source_is(s, 4, 60, 0);
	client_request(&s->client, &s->packet, 0);
	assert_next(s, XNTS_V_nts_answered);
	host.scratch.half_until[1] = host.scratch.budget_until = host.mono + LIMIT_LEAD + 1;
	assert_next(s, XNTS_V_nts_answered);
	host.scratch.budget_until = 0;
	limit_source_is(s, 4, 61, 0);
	client_request(&s->client, &s->packet, 0);
	assert_next(s, XNTS_V_drop_over_budget);
	host.scratch.half_until[1] = host.mono + LIMIT_LEAD;
	s->packet.payload[NTP_LEN + 36 + 4 + 8] ^= 1;
	assert_next(s, XNTS_V_nak_bad_cookie);
	host.scratch.half_until[1] = host.mono + LIMIT_LEAD + 1;
	assert_next(s, XNTS_V_drop_over_budget); /* and that did not make it known */
	limit_source_is(s, 4, 60, 0);
	client_request(&s->client, &s->packet, 0);
	host.mono += LIMIT_KNOWN;
	host.scratch.half_until[1] = host.mono + LIMIT_LEAD + 1;
	assert_next(s, XNTS_V_drop_over_budget); /* too long ago */
	host.mono = 0;
	host.scratch.budget_until = host.scratch.half_until[0] = host.scratch.half_until[1] = 0;
}

/*
 * Work at 800 per mille is paid for after 5/4 of the time it took, a stranger's after twice
 * that; what nobody could have worked for is not.
 */
static void budget_price(void **state)
{
	struct xnts_config config = { .budget = 800 };
	struct xnts_scratch s = { .started = 5 * SECOND };

	(void)state;
	host.mono = 5 * SECOND + 4000;
	budget_charge(&s, &config);
	assert_int_equal(s.budget_until, 5 * SECOND + 5000);
	assert_int_equal(s.half_until[0], 5 * SECOND + 10000);
	assert_int_equal(s.half_until[1], 0);
	s.stranger = 1;
	budget_charge(&s, &config);
	assert_int_equal(s.budget_until, 5 * SECOND + 10000);
	assert_int_equal(s.half_until[1], 5 * SECOND + 10000);
	config.budget = 0;
	budget_charge(&s, &config);
	assert_int_equal(s.budget_until, 5 * SECOND + 10000);
	config.budget = 1000;
	host.mono = 6 * SECOND;
	budget_charge(&s, &config);
	assert_int_equal(s.budget_until, 5 * SECOND + 10000 + LIMIT_EXCHANGE);
	host.mono = 0;
}

/* 1,000 answers a second: a second of many requests has so many, and what a burst allows. */
static void ceiling_by_time(void **state)
{
	struct sweep *s = sweep_start(state, 4);
	int i, answers = 0;

	s->world.config.ceiling = SECOND / 1000;
	limits_load(s, 0, 0);
	host.scratch.ceiling_until = 0;
	host.mono = world_clock(&s->world)->mono + 1;
	for (i = 0; i < 10000; i++, host.mono += SECOND / 10000) {
		sweep_packet(s);
		answers += s->run.out.verdict == XNTS_V_plain_answered;
	}
	assert_in_range(answers, 1000, 1000 + LIMIT_LEAD / (SECOND / 1000) + 1);
	host.mono = 0;
	host.scratch.ceiling_until = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIMIT_SWEEPS(&host_target),
		SWEEP(allowance_returns, &host_target),
		SWEEP(allowance_of_years, &host_target),
		SWEEP(allowance_survives_steps, &host_target),
		SWEEP(allowance_of_two_cpus, &host_target),
		SWEEP(allowance_of_another_limit, &host_target),
		SWEEP(limited_nts_is_free, &host_target),
		SWEEP(allowance_gone_meanwhile, &host_target),
		SWEEP(limited_spares_the_ceiling, &host_target),
		SWEEP(honest_client, &host_target),
		SWEEP(kiss_is_rare, &host_target),
		SWEEP(budget_edge, &host_target),
		SWEEP(budget_of_strangers, &host_target),
		SWEEP(budget_price, &host_target),
		SWEEP(ceiling_by_time, &host_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

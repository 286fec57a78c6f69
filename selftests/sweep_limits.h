/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lists and limits.  Allowances are remembered by source, so each test has sources of
 * its own, and intervals are so long that none comes back while a test runs.
 */
#ifndef XNTS_TEST_SWEEP_LIMITS_H
#define XNTS_TEST_SWEEP_LIMITS_H

#include "sweep.h"

#define LONG_INTERVAL 60000 /* 2^20 ns each: a minute */
#define BURST 4

/* Sources of one test: 198.51.100.test, 2001:db8:0:test::/64; `host` tells them apart there. */
static inline void limit_source_is(struct sweep *s, int ip_version, int test, int host)
{
	packet_init(&s->packet, ip_version);
	if (ip_version == 4) {
		s->packet.src[2] = 101 + host;
		s->packet.src[3] = test;
	} else {
		s->packet.src[7] = test;
		s->packet.src[15] = host;
	}
}

static inline void limits_load(struct sweep *s, __u32 plain_burst, __u32 nts_burst)
{
	struct xnts_config *config = &s->world.config;

	config->plain = (struct xnts_limit){ plain_burst ? LONG_INTERVAL : 0, plain_burst };
	config->nts = (struct xnts_limit){ nts_burst ? LONG_INTERVAL : 0, nts_burst };
	s->target->load(&s->world);
}

static inline void assert_next(struct sweep *s, int verdict)
{
	sweep_packet(s);
	assert_verdict(&s->run, verdict);
}

static inline void assert_burst(struct sweep *s, int count, int within, int beyond)
{
	while (count-- > 0)
		assert_next(s, within);
	assert_next(s, beyond);
	assert_next(s, beyond);
}

static void plain_limit(void **state)
{
	struct sweep *s = sweep_start(state, 4);

	limits_load(s, BURST, 0);
	limit_source_is(s, 4, 1, 0);
	assert_burst(s, BURST, XNTS_V_plain_answered, XNTS_V_drop_limited);
	s->packet.sport++;
	assert_next(s, XNTS_V_drop_limited);
	s->packet.payload[0] = 0x21;
	assert_next(s, XNTS_V_drop_limited);
	packet_add_ef(&s->packet, 0x0104, NULL, 32);
	assert_next(s, XNTS_V_drop_limited);
	limit_source_is(s, 4, 1, 1);
	assert_next(s, XNTS_V_plain_answered);
	limit_source_is(s, 4, 1, 0);
	client_request(&s->client, &s->packet, 0);
	assert_next(s, XNTS_V_nts_answered);
}

/* IPv6 sources are limited by /64. */
static void plain_limit_ip6(void **state)
{
	struct sweep *s = sweep_start(state, 6);
	int i;

	limits_load(s, BURST, 0);
	for (i = 0; i < BURST; i++) {
		limit_source_is(s, 6, 2, i + 2);
		assert_next(s, XNTS_V_plain_answered);
	}
	limit_source_is(s, 6, 2, 99);
	assert_next(s, XNTS_V_drop_limited);
	limit_source_is(s, 6, 3, 99);
	assert_next(s, XNTS_V_plain_answered);
}

static void nts_limit(void **state)
{
	struct sweep *s = sweep_start(state, 4);

	limits_load(s, BURST, BURST);
	limit_source_is(s, 4, 4, 0);
	client_request(&s->client, &s->packet, 1);
	assert_burst(s, BURST, XNTS_V_nts_answered, XNTS_V_drop_nts_limited);
	limit_source_is(s, 4, 4, 0);
	assert_next(s, XNTS_V_plain_answered);
}

/* A spoofer without a cookie spends the plain allowance, never that of NTS. */
static void failed_nts_limit(void **state)
{
	struct sweep *s = sweep_start(state, 4);

	limits_load(s, BURST, BURST);
	limit_source_is(s, 4, 5, 0);
	nts_of_key(&s->packet, KEY_GONE);
	assert_burst(s, BURST, XNTS_V_nak_key_unknown, XNTS_V_drop_limited);
	limit_source_is(s, 4, 5, 0);
	client_request(&s->client, &s->packet, 0);
	assert_next(s, XNTS_V_nts_answered);
}

/* What does not even get so far spends nothing. */
static void malformed_spends_nothing(void **state)
{
	struct sweep *s = sweep_start(state, 4);

	limits_load(s, 1, 1);
	limit_source_is(s, 4, 6, 0);
	s->packet.payload_len = 47;
	assert_burst(s, 2, XNTS_V_drop_malformed, XNTS_V_drop_malformed);
	limit_source_is(s, 4, 6, 0);
	assert_next(s, XNTS_V_plain_answered);
}

static void kiss_of_death(void **state)
{
	struct test_case kod = { .verdict = XNTS_V_kod_rate };
	struct sweep *s = sweep_start(state, 4);

	s->world.config.kod_one_in = 1;
	limits_load(s, 1, 0);
	limit_source_is(s, 4, 7, 0);
	assert_next(s, XNTS_V_plain_answered);
	assert_next(s, XNTS_V_kod_rate);
	assert_answer(&kod, &s->packet, &s->world, &s->run);
	packet_add_ef(&s->packet, 0x0104, s->client.uid, 32);
	assert_next(s, XNTS_V_kod_rate);
	kod.echo = 36;
	assert_answer(&kod, &s->packet, &s->world, &s->run);
	limit_source_is(s, 4, 7, 0);
	nts_of_key(&s->packet, KEY_GONE);
	assert_next(s, XNTS_V_drop_limited); /* no kiss for NTS */
}

static void nts_required(void **state)
{
	struct sweep *s = sweep_start(state, 6);

	s->world.config.flags = XNTS_REQUIRE_NTS;
	limits_load(s, 0, 0);
	assert_next(s, XNTS_V_drop_not_nts);
	packet_add_ef(&s->packet, 0xf323, NULL, 24);
	assert_next(s, XNTS_V_drop_not_nts);
	packet_init(&s->packet, 6);
	client_request(&s->client, &s->packet, 0);
	assert_next(s, XNTS_V_nts_answered);
}

static inline void list_clients(struct sweep *s, __u32 list, __u32 flags)
{
	static const struct xnts_lpm6 net6 = { 64, { 0x20, 0x01, 0x0d, 0xb8 } };

	s->world.list[0] = list;
	s->world.listed4[0] = (struct xnts_lpm4){ 25, { 198, 51, 100, 0 } };
	s->world.listed6[0] = net6;
	s->world.config.flags = flags;
	s->target->load(&s->world);
}

static inline void lists_of(void **state, int ip_version)
{
	struct sweep *s = sweep_start(state, ip_version);

	list_clients(s, XNTS_REFUSE, 0);
	assert_next(s, XNTS_V_plain_answered);
	list_clients(s, XNTS_REFUSE, XNTS_LISTS);
	assert_next(s, XNTS_V_drop_refused);
	list_clients(s, XNTS_ALLOW, XNTS_LISTS);
	assert_next(s, XNTS_V_plain_answered);
	list_clients(s, XNTS_ALLOW, XNTS_LISTS | XNTS_REFUSE_UNLISTED);
	assert_next(s, XNTS_V_plain_answered);
	s->packet.src[2] ^= 2; /* another net, IPv4 and IPv6 */
	assert_next(s, XNTS_V_drop_refused);
	list_clients(s, XNTS_REFUSE, XNTS_LISTS);
	assert_next(s, XNTS_V_plain_answered);
	packet_init(&s->packet, ip_version);
	client_request(&s->client, &s->packet, 0);
	assert_next(s, XNTS_V_drop_refused);
}

static void lists_ip4(void **state) { lists_of(state, 4); }
static void lists_ip6(void **state) { lists_of(state, 6); }

/* A net on one list, and half of it on the other. */
static inline void list_halves(struct sweep *s, __u32 net, __u32 half)
{
	static const struct xnts_lpm6 net6 = { 48, { 0x20, 0x01, 0x0d, 0xb8 } };
	static const struct xnts_lpm6 half6 = { 49, { 0x20, 0x01, 0x0d, 0xb8, [6] = 0x80 } };

	s->world.list[0] = net;
	s->world.list[1] = half;
	s->world.listed4[0] = (struct xnts_lpm4){ 16, { 198, 51, 0, 0 } };
	s->world.listed4[1] = (struct xnts_lpm4){ 17, { 198, 51, 128, 0 } };
	s->world.listed6[0] = net6;
	s->world.listed6[1] = half6;
	s->world.config.flags = XNTS_LISTS;
	s->target->load(&s->world);
}

static inline void longest_of(void **state, int ip_version)
{
	struct sweep *s = sweep_start(state, ip_version);
	int at = ip_version == 4 ? 2 : 6; /* the byte of the source that says which half */

	s->packet.src[at] &= 0x7f;
	list_halves(s, XNTS_REFUSE, XNTS_ALLOW);
	assert_next(s, XNTS_V_drop_refused);
	list_halves(s, XNTS_ALLOW, XNTS_REFUSE);
	assert_next(s, XNTS_V_plain_answered);
	s->packet.src[at] |= 0x80;
	assert_next(s, XNTS_V_drop_refused);
	list_halves(s, XNTS_REFUSE, XNTS_ALLOW);
	assert_next(s, XNTS_V_plain_answered);
}

static void longest_ip4(void **state) { longest_of(state, 4); }
static void longest_ip6(void **state) { longest_of(state, 6); }

/* 4 s from one answer to the next. */
static void ceiling(void **state)
{
	struct sweep *s = sweep_start(state, 4);

	s->world.config.ceiling = 4 * SECOND;
	limits_load(s, 0, 0);
	assert_next(s, XNTS_V_plain_answered);
	assert_next(s, XNTS_V_drop_over_ceiling);
	client_request(&s->client, &s->packet, 0);
	assert_next(s, XNTS_V_drop_over_ceiling);
}

/* NTS may take a thousandth of the time; plain NTP does not suffer. */
static void budget(void **state)
{
	struct sweep *s = sweep_start_nts(state, 4, 7);
	int tries = 200;

	s->world.config.budget = 1;
	limits_load(s, 0, 0);
	do
		sweep_packet(s);
	while (s->run.out.verdict == XNTS_V_nts_answered && --tries);
	assert_verdict(&s->run, XNTS_V_drop_over_budget);
	packet_init(&s->packet, 4);
	assert_next(s, XNTS_V_plain_answered);
}

#define LIMIT_SWEEPS(t) \
	SWEEP(plain_limit, t), SWEEP(plain_limit_ip6, t), SWEEP(nts_limit, t), \
	SWEEP(failed_nts_limit, t), SWEEP(malformed_spends_nothing, t), \
	SWEEP(kiss_of_death, t), SWEEP(nts_required, t), SWEEP(lists_ip4, t), \
	SWEEP(lists_ip6, t), SWEEP(longest_ip4, t), SWEEP(longest_ip6, t), SWEEP(ceiling, t), SWEEP(budget, t)

#endif /* XNTS_TEST_SWEEP_LIMITS_H */

// SPDX-License-Identifier: GPL-2.0
/* hop.h: what is asked of the routing table, and what becomes of each answer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "../host_target.h"
#include "../client.h"

static const uint8_t router[6] = { 0x02, 0, 0, 0, 0, 0x77 };
static uint8_t frame[FRAME_MAX];
static uint32_t asked_len;
static struct outcome out;

/* A request over IPv4 or IPv6, plain or NTS. */
static void build(int version, bool nts)
{
	static struct world w;
	struct client c;
	struct packet p;

	world_init(&w);
	world_set_keys(&w);
	w.config.flags = XNTS_FIB;
	host_load(&w);
	packet_init(&p, version);
	client_init(&c);
	if (nts)
		client_request(&c, &p, 0);
	asked_len = packet_build(&p, frame);
}

static void ask(long result, uint32_t ifindex, int verdict)
{
	host.fib_result = result;
	host.fib.ifindex = ifindex;
	memcpy(host.fib.dmac, router, sizeof(router));
	assert_int_equal(host_run(frame, asked_len, &out), 0);
	assert_string_equal(verdict_name(out.verdict), verdict_name(verdict));
}

static void answers_by_the_router(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		build(i & 1 ? 6 : 4, i & 2);
		ask(0, 1, i & 2 ? XNTS_V_nts_answered : XNTS_V_plain_answered);
		assert_memory_equal(out.frame, router, 6);
		assert_memory_equal(out.frame + 6, frame, 6); /* from the MAC that was asked */
	}
}

static void asks_for_the_way_back(void **state)
{
	const struct bpf_fib_lookup *asked = &host.fib_asked;

	(void)state;
	build(4, false);
	ask(0, 1, XNTS_V_plain_answered);
	assert_int_equal(asked->family, 2);
	assert_int_equal(asked->ifindex, 1);
	assert_memory_equal(&asked->ipv4_src, frame + 14 + 16, 4);
	assert_memory_equal(&asked->ipv4_dst, frame + 14 + 12, 4);
	assert_memory_equal(&asked->sport, frame + 14 + 20 + 2, 2);
	assert_memory_equal(&asked->dport, frame + 14 + 20, 2);
	build(6, false);
	ask(0, 1, XNTS_V_plain_answered);
	assert_int_equal(asked->family, 10);
	assert_memory_equal(asked->ipv6_src, frame + 14 + 24, 16);
	assert_memory_equal(asked->ipv6_dst, frame + 14 + 8, 16);
}

/* The request is left to the host as it came. */
static void passes_where_there_is_no_way(void **state)
{
	static const struct {
		long result;
		uint32_t ifindex;
		int verdict;
	} cases[] = {
		{ 7, 1, XNTS_V_pass_no_neighbour }, { 7, 2, XNTS_V_pass_no_route },
		{ 0, 2, XNTS_V_pass_no_route },     { 4, 1, XNTS_V_pass_no_route },
		{ 5, 1, XNTS_V_pass_no_route },     { -EINVAL, 1, XNTS_V_pass_no_route },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		build(i & 1 ? 6 : 4, i & 2);
		ask(cases[i].result, cases[i].ifindex, cases[i].verdict);
		assert_int_equal(out.len, asked_len);
		assert_memory_equal(out.frame, frame, asked_len);
		assert_int_equal(host.scratch.busy, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_by_the_router),
		cmocka_unit_test(asks_for_the_way_back),
		cmocka_unit_test(passes_where_there_is_no_way),
	};

	return cmocka_run_group_tests_name("hop", tests, NULL, NULL);
}

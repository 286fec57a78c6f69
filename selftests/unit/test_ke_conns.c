/* SPDX-License-Identifier: GPL-2.0 */
/* The table of a worker's connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "ke_conns.h"

static const struct ke_prefix_lengths whole = { 32, 64 };

static uint64_t prefix_of(const char *address, struct ke_prefix_lengths lengths)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
		return ke_prefix((struct sockaddr *)&in, lengths);
	assert_int_equal(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
	return ke_prefix((struct sockaddr *)&in6, lengths);
}

static uint64_t prefix(const char *address)
{
	return prefix_of(address, whole);
}

static void prefix_lengths(void **state)
{
	const struct ke_prefix_lengths short_ = { 24, 48 };

	(void)state;
	assert_int_equal(prefix_of("198.51.100.7", short_), prefix_of("198.51.100.250", short_));
	assert_int_equal(prefix_of("198.51.100.7", short_), prefix_of("::ffff:198.51.100.8", short_));
	assert_int_not_equal(prefix_of("198.51.100.7", short_), prefix_of("198.51.101.7", short_));
	assert_int_equal(prefix_of("2001:db8:1:2::", short_), prefix_of("2001:db8:1:3::", short_));
	assert_int_not_equal(prefix_of("2001:db8:1::", short_), prefix_of("2001:db8:2::", short_));
}

static void prefixes(void **state)
{
	(void)state;
	assert_int_equal(prefix("198.51.100.7"), prefix("::ffff:198.51.100.7"));
	assert_int_not_equal(prefix("198.51.100.7"), prefix("198.51.100.8"));
	assert_int_equal(prefix("2001:db8:1:2::1"), prefix("2001:db8:1:2:ffff::9"));
	assert_int_not_equal(prefix("2001:db8:1:2::1"), prefix("2001:db8:1:3::1"));
}

static void full_table(void **state)
{
	struct ke_conns conns;

	(void)state;
	for (unsigned int max = 1; max < 40; max++) {
		assert_int_equal(ke_conns_init(&conns, max), 0);
		for (unsigned int i = 0; i < max; i++)
			assert_non_null(ke_conns_add(&conns, (int)i, i % 3, i));
		assert_int_equal(conns.used, max);
		assert_null(ke_conns_add(&conns, 99, 0, 99));
		for (uint64_t p = 0; p < 3; p++)
			assert_int_equal(ke_conns_of_prefix(&conns, p), (max + 2 - p) / 3);
		while (conns.used)
			ke_conns_remove(&conns, ke_conns_victim(&conns));
		assert_null(ke_conns_victim(&conns));
		ke_conns_free(&conns);
	}
}

/* Oldest first in each phase, whatever the order of moves. */
static void lists_are_in_order_of_age(void **state)
{
	struct ke_conns conns;
	struct ke_conn *c[4];

	(void)state;
	ke_conns_init(&conns, 4);
	for (int i = 0; i < 4; i++)
		c[i] = ke_conns_add(&conns, i, 1, i);
	ke_conns_move(&conns, c[2], KE_HANDSHAKE, 10);
	ke_conns_move(&conns, c[0], KE_HANDSHAKE, 11);
	assert_ptr_equal(ke_conns_oldest(&conns, KE_SILENT), c[1]);
	assert_ptr_equal(ke_conns_oldest(&conns, KE_HANDSHAKE), c[2]);
	assert_int_equal(c[2]->since, 10);
	assert_null(ke_conns_oldest(&conns, KE_REQUEST));
	ke_conns_remove(&conns, c[2]);
	assert_ptr_equal(ke_conns_oldest(&conns, KE_HANDSHAKE), c[0]);
	assert_int_equal(c[2]->phase, KE_FREE);
	ke_conns_free(&conns);
}

static void who_gives_way(void **state)
{
	static const enum ke_phase order[] = { KE_LINGER, KE_SILENT, KE_REQUEST, KE_HANDSHAKE };
	struct ke_conns conns;

	(void)state;
	ke_conns_init(&conns, 4);
	for (int i = 3; i >= 0; i--)
		ke_conns_move(&conns, ke_conns_add(&conns, i, 1, 0), order[i], 3 - i);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(ke_conns_victim(&conns)->phase, order[i]);
		ke_conns_remove(&conns, ke_conns_victim(&conns));
	}
	ke_conns_free(&conns);
}

/* Against a model: connections come and go at random. */
static void random_traffic(void **state)
{
	enum { MAX = 50, PREFIXES = 7 };
	unsigned int count[PREFIXES] = { 0 }, used = 0;
	struct ke_conn *live[MAX];
	struct ke_conns conns;

	(void)state;
	srand(1);
	ke_conns_init(&conns, MAX);
	for (int i = 0; i < 20000; i++) {
		uint64_t p = (uint64_t)rand() % PREFIXES;

		if (used < MAX && rand() % 2) {
			live[used++] = ke_conns_add(&conns, i, p, i);
			count[p]++;
		} else if (used) {
			unsigned int victim = (unsigned int)rand() % used;

			count[live[victim]->prefix]--;
			ke_conns_remove(&conns, live[victim]);
			live[victim] = live[--used];
		}
		assert_int_equal(conns.used, used);
		assert_int_equal(ke_conns_of_prefix(&conns, p), count[p]);
	}
	ke_conns_free(&conns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes),
		cmocka_unit_test(prefix_lengths),
		cmocka_unit_test(full_table),
		cmocka_unit_test(lists_are_in_order_of_age),
		cmocka_unit_test(who_gives_way),
		cmocka_unit_test(random_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

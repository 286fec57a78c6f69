/* SPDX-License-Identifier: GPL-2.0 */
/* When a driver is said to send no answer, by what drivers count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tx_watch.h"

static bool look(struct tx_link *link, uint64_t sent0, uint64_t sent1, uint64_t failed)
{
	struct nic_stat stat[] = {
		{ "rx_queue_0_xdp_tx", sent0 },   { "rx_queue_0_xdp_tx_errors", failed },
		{ "rx_queue_1_xdp_tx", sent1 },   { "rx_queue_1_xdp_tx_errors", 0 },
		{ "rx_queue_0_xdp_drops", 1000 }, { "tx_queue_0_xdp_xmit_errors", 1000 },
	};
	struct nic_stats stats = { .count = sizeof(stat) / sizeof(stat[0]), .stat = stat };

	return tx_link_look(link, &stats);
}

static void test_none_is_sent(void **state)
{
	struct tx_link link = { 0 };

	(void)state;
	assert_false(look(&link, 5, 0, 0));
	assert_false(look(&link, 5, 0, 2)); /* a queue may be full for a moment */
	assert_false(look(&link, 5, 0, 2));
	assert_true(look(&link, 5, 0, 3));
	assert_true(look(&link, 5, 0, 3)); /* nobody asks: nothing is mended by that */
	assert_false(look(&link, 5, 1, 9));
	assert_false(look(&link, 5, 1, 11));
}

static void test_some_are_sent(void **state)
{
	struct tx_link link = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 10; i++)
		assert_false(look(&link, i, 0, 1000 * i));
}

static void test_driver_begins_anew(void **state)
{
	struct tx_link link = { 0 };

	(void)state;
	assert_false(look(&link, 7, 0, 500));
	assert_false(look(&link, 7, 0, 0));
	assert_true(look(&link, 7, 0, 3));
	assert_false(look(&link, 0, 0, 0));
}

static void test_other_names(void **state)
{
	struct nic_stat stat[] = { { "rx_xdp_tx_xmit", 8 }, { "rx_xdp_tx_full", 0 }, { "rx_xdp_tx_err", 0 } };
	struct nic_stats stats = { .count = 3, .stat = stat };
	struct tx_link link = { 0 };

	(void)state;
	assert_false(tx_link_look(&link, &stats));
	stat[1].value = 2;
	stat[2].value = 1;
	assert_true(tx_link_look(&link, &stats));
	stat[0].value++;
	assert_false(tx_link_look(&link, &stats));
}

static void test_driver_counts_nothing(void **state)
{
	struct nic_stats stats = { 0 };
	struct tx_link link = { 0 };

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_false(tx_link_look(&link, &stats));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none_is_sent),
		cmocka_unit_test(test_some_are_sent),
		cmocka_unit_test(test_driver_begins_anew),
		cmocka_unit_test(test_other_names),
		cmocka_unit_test(test_driver_counts_nothing),
	};

	return cmocka_run_group_tests_name("tx_watch", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "nic_stats.h"

static void test_no_such_interface(void **unused)
{
	struct nic_stats stats;

	(void)unused;
	assert_int_equal(nic_stats_read("xnts-none", &stats), -ENODEV);
	assert_null(stats.stat);
	assert_int_equal(nic_stats_read("a-name-longer-than-they-come", &stats), -ENODEV);
}

/* The loopback device counts nothing of XDP. */
static void test_no_statistics(void **unused)
{
	struct nic_stats stats;

	(void)unused;
	assert_int_equal(nic_stats_read("lo", &stats), 0);
	assert_int_equal(stats.count, 0);
	nic_stats_free(&stats);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_such_interface),
		cmocka_unit_test(test_no_statistics),
	};

	return cmocka_run_group_tests_name("nic_stats", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0 */
/* What is asked of a NIC's driver for receive stamps: drivers of all kinds, made up. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <linux/ethtool.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <net/if.h>

#include "nic_stamps.h"

static struct {
	struct hwtstamp_config config;
	bool ntp, all;  /* filters it has */
	bool narrows;   /* grants PTP only, whatever is asked */
	int error;      /* of all it is asked; 0: none */
	int sets;       /* times it was set */
	int phc;
} nic;

static int set(struct hwtstamp_config *c)
{
	nic.sets++;
	if ((c->rx_filter == HWTSTAMP_FILTER_NTP_ALL && !nic.ntp && !nic.narrows) ||
	    (c->rx_filter == HWTSTAMP_FILTER_ALL && !nic.all && !nic.narrows)) {
		errno = ERANGE;
		return -1;
	}
	nic.config = *c;
	if (nic.narrows && c->rx_filter != HWTSTAMP_FILTER_NONE)
		nic.config.rx_filter = HWTSTAMP_FILTER_PTP_V2_EVENT;
	*c = nic.config;
	return 0;
}

static int fake(int fd, unsigned long request, void *arg)
{
	struct ifreq *ifr = arg;

	(void)fd;
	assert_string_equal(ifr->ifr_name, "eth7");
	errno = nic.error;
	if (nic.error)
		return -1;
	if (request == SIOCSHWTSTAMP)
		return set((void *)ifr->ifr_data);
	if (request == SIOCGHWTSTAMP)
		memcpy(ifr->ifr_data, &nic.config, sizeof(nic.config));
	else
		((struct ethtool_ts_info *)ifr->ifr_data)->phc_index = nic.phc;
	return 0;
}

static void start(bool ntp, bool all, int filter)
{
	memset(&nic, 0, sizeof(nic));
	nic.ntp = ntp;
	nic.all = all;
	nic.config = (struct hwtstamp_config){ .tx_type = HWTSTAMP_TX_ON, .rx_filter = filter };
}

static void assert_config(int filter)
{
	assert_int_equal(nic.config.rx_filter, filter);
	assert_int_equal(nic.config.tx_type, HWTSTAMP_TX_ON); /* somebody else's */
}

static void asks_for_ntp_first(void **state)
{
	struct nic_filter f;

	(void)state;
	start(true, true, HWTSTAMP_FILTER_NONE);
	assert_int_equal(nic_stamps_enable(fake, "eth7", &f), 0);
	assert_config(HWTSTAMP_FILTER_NTP_ALL);
	nic_stamps_restore(fake, "eth7", &f);
	assert_config(HWTSTAMP_FILTER_NONE);
}

static void then_for_all(void **state)
{
	struct nic_filter f;

	(void)state;
	start(false, true, HWTSTAMP_FILTER_PTP_V2_EVENT);
	assert_int_equal(nic_stamps_enable(fake, "eth7", &f), 0);
	assert_config(HWTSTAMP_FILTER_ALL);
	nic_stamps_restore(fake, "eth7", &f);
	assert_config(HWTSTAMP_FILTER_PTP_V2_EVENT);
}

static void what_is_wide_enough_stays(void **state)
{
	static const int wide[] = { HWTSTAMP_FILTER_ALL, HWTSTAMP_FILTER_NTP_ALL };
	struct nic_filter f;

	(void)state;
	for (int i = 0; i < 2; i++) {
		start(true, true, wide[i]);
		assert_int_equal(nic_stamps_enable(fake, "eth7", &f), 0);
		nic_stamps_restore(fake, "eth7", &f);
		assert_int_equal(nic.sets, 0);
	}
}

static void refusals_change_nothing(void **state)
{
	struct nic_filter f;

	(void)state;
	start(false, false, HWTSTAMP_FILTER_PTP_V2_EVENT);
	assert_int_equal(nic_stamps_enable(fake, "eth7", &f), -EOPNOTSUPP);
	assert_config(HWTSTAMP_FILTER_PTP_V2_EVENT);
	start(false, false, HWTSTAMP_FILTER_NONE);
	nic.narrows = true;
	assert_int_equal(nic_stamps_enable(fake, "eth7", &f), -EOPNOTSUPP);
	assert_config(HWTSTAMP_FILTER_NONE);
	nic.error = EOPNOTSUPP;
	assert_int_equal(nic_stamps_enable(fake, "eth7", &f), -EOPNOTSUPP);
	nic.error = EPERM;
	assert_int_equal(nic_stamps_enable(fake, "eth7", &f), -EPERM);
}

static void what_others_set_later_stays(void **state)
{
	struct nic_filter f;

	(void)state;
	start(true, true, HWTSTAMP_FILTER_NONE);
	assert_int_equal(nic_stamps_enable(fake, "eth7", &f), 0);
	nic.config.tx_type = HWTSTAMP_TX_OFF;
	nic_stamps_restore(fake, "eth7", &f);
	assert_int_equal(nic.config.tx_type, HWTSTAMP_TX_OFF);
	assert_int_equal(nic.config.rx_filter, HWTSTAMP_FILTER_NONE);
	assert_int_equal(nic_stamps_enable(fake, "eth7", &f), 0);
	nic.config.rx_filter = HWTSTAMP_FILTER_ALL;
	nic_stamps_restore(fake, "eth7", &f);
	assert_int_equal(nic.config.rx_filter, HWTSTAMP_FILTER_ALL);
}

static void the_clock_is_named(void **state)
{
	(void)state;
	start(true, true, 0);
	nic.phc = 3;
	assert_int_equal(nic_stamps_phc(fake, "eth7"), 3);
	nic.phc = -1;
	assert_int_equal(nic_stamps_phc(fake, "eth7"), -ENODEV);
	nic.error = ENODEV;
	assert_int_equal(nic_stamps_phc(fake, "eth7"), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_for_ntp_first),
		cmocka_unit_test(then_for_all),
		cmocka_unit_test(what_is_wide_enough_stays),
		cmocka_unit_test(refusals_change_nothing),
		cmocka_unit_test(what_others_set_later_stays),
		cmocka_unit_test(the_clock_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0 */
#include "nic_stamps.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int nic_kernel(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg);
}

static int ask(nic_ioctl kernel, const char *ifname, unsigned long request, void *arg)
{
	struct ifreq ifr = { .ifr_data = arg };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	strncpy(ifr.ifr_name, ifname, IF_NAMESIZE - 1);
	err = kernel(fd, request, &ifr) ? -errno : 0;
	close(fd);
	return err;
}

static bool stamps_ntp(int filter)
{
	return filter == HWTSTAMP_FILTER_ALL || filter == HWTSTAMP_FILTER_NTP_ALL;
}

/* Drivers may grant a wider filter than asked for, and some a narrower one: read it back. */
static int try(nic_ioctl kernel, const char *ifname, const struct hwtstamp_config *before, int filter,
	       struct hwtstamp_config *now)
{
	int err;

	*now = *before;
	now->rx_filter = filter;
	err = ask(kernel, ifname, SIOCSHWTSTAMP, now);
	if (!err)
		err = ask(kernel, ifname, SIOCGHWTSTAMP, now);
	return err ? err : stamps_ntp(now->rx_filter) ? 0 : -EOPNOTSUPP;
}

int nic_stamps_enable(nic_ioctl kernel, const char *ifname, struct nic_filter *out)
{
	static const int wanted[] = { HWTSTAMP_FILTER_NTP_ALL, HWTSTAMP_FILTER_ALL };
	struct hwtstamp_config before = { 0 }, now;
	int err = ask(kernel, ifname, SIOCGHWTSTAMP, &before);

	*out = (struct nic_filter){ .before = before.rx_filter };
	if (err || stamps_ntp(before.rx_filter))
		return err;
	for (int i = 0; i < 2; i++) {
		err = try(kernel, ifname, &before, wanted[i], &now);
		if (!err) {
			out->set = now.rx_filter;
			return 0;
		}
	}
	now = before;
	ask(kernel, ifname, SIOCSHWTSTAMP, &now);
	/* Not to have a filter is said in many ways. */
	return err == -ERANGE || err == -EINVAL ? -EOPNOTSUPP : err;
}

void nic_stamps_restore(nic_ioctl kernel, const char *ifname, const struct nic_filter *filter)
{
	struct hwtstamp_config now = { 0 };

	if (!filter->set || ask(kernel, ifname, SIOCGHWTSTAMP, &now) ||
	    now.rx_filter != (int)filter->set)
		return;
	now.rx_filter = filter->before;
	ask(kernel, ifname, SIOCSHWTSTAMP, &now);
}

int nic_stamps_phc(nic_ioctl kernel, const char *ifname)
{
	struct ethtool_ts_info info = { .cmd = ETHTOOL_GET_TS_INFO };
	int err = ask(kernel, ifname, SIOCETHTOOL, &info);

	if (err)
		return err;
	return info.phc_index < 0 ? -ENODEV : info.phc_index;
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a NIC's driver counts of XDP (`ethtool -S`), such as replies it could not send.
 */
#ifndef XNTS_NIC_STATS_H
#define XNTS_NIC_STATS_H

#include <linux/ethtool.h>
#include <net/if.h>
#include <stdint.h>

struct nic_stat {
	char name[ETH_GSTRING_LEN]; /* the driver's, 0-terminated */
	uint64_t value;
};

struct nic_stats {
	char ifname[IF_NAMESIZE];
	int count;
	struct nic_stat *stat; /* on the heap */
};

/*
 * Reads those of an interface's statistics whose name has "xdp" in it.
 * Returns 0; count is 0 when the driver has none.  Or -errno: -ENODEV, no such interface.
 */
int nic_stats_read(const char *ifname, struct nic_stats *out);
void nic_stats_free(struct nic_stats *stats);

#endif /* XNTS_NIC_STATS_H */

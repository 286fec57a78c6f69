/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A NIC's receive stamps: the filter that says which packets it stamps (SIOCSHWTSTAMP), and
 * which PHC it stamps with.  The setting is the device's and shared with whoever else
 * wants stamps: what they set for transmission is left alone.
 */
#ifndef XNTS_NIC_STAMPS_H
#define XNTS_NIC_STAMPS_H

#include <stdint.h>

/* What it asks of the kernel, an ioctl(2); tests have another. */
typedef int (*nic_ioctl)(int fd, unsigned long request, void *arg);

int nic_kernel(int fd, unsigned long request, void *arg);

/* enum hwtstamp_rx_filters. */
struct nic_filter {
	uint32_t before; /* as it was found */
	uint32_t set;    /* as it was granted; 0: it had been wide enough, nothing was changed */
};

/*
 * Has NTP packets stamped, or all of them, unless they are already.
 * -EOPNOTSUPP: the driver has none of both; all is as before.  Or another -errno of the ioctl.
 */
int nic_stamps_enable(nic_ioctl kernel, const char *ifname, struct nic_filter *out);

/* Puts back what nic_stamps_enable() found, unless somebody changed it since. */
void nic_stamps_restore(nic_ioctl kernel, const char *ifname, const struct nic_filter *filter);

/* The N of /dev/ptpN that the NIC stamps with; -ENODEV: none, or another -errno. */
int nic_stamps_phc(nic_ioctl kernel, const char *ifname);

#endif /* XNTS_NIC_STAMPS_H */

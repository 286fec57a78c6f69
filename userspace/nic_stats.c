/* SPDX-License-Identifier: GPL-2.0 */
#include "nic_stats.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_STATS 65536 /* a driver that claims more is not believed */
#define SLACK     4096  /* the kernel writes as many as there are by then: queues may be added */

static int ask_driver(int fd, const char *ifname, void *command)
{
	struct ifreq request = { .ifr_data = command };

	memcpy(request.ifr_name, ifname, IF_NAMESIZE);
	return ioctl(fd, SIOCETHTOOL, &request) ? -errno : 0;
}

/* How many statistics the driver has; -EOPNOTSUPP: none. */
static int count_stats(int fd, const char *ifname)
{
	struct {
		struct ethtool_sset_info info;
		uint32_t length;
	} query = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_STATS } };
	int err = ask_driver(fd, ifname, &query);

	if (err)
		return err;
	if (!query.info.sset_mask)
		return -EOPNOTSUPP;
	return query.length > MAX_STATS ? -E2BIG : (int)query.length;
}

static void keep_xdp(struct nic_stats *out, const struct ethtool_gstrings *names,
		     const struct ethtool_stats *values, int count)
{
	for (int i = 0; i < count; i++) {
		struct nic_stat *stat = &out->stat[out->count];

		memcpy(stat->name, names->data + (size_t)i * ETH_GSTRING_LEN, ETH_GSTRING_LEN);
		stat->name[ETH_GSTRING_LEN - 1] = '\0';
		stat->value = values->data[i];
		out->count += strstr(stat->name, "xdp") != NULL;
	}
}

static int read_stats(int fd, struct nic_stats *out, int count)
{
	size_t room = (size_t)count + SLACK;
	struct ethtool_gstrings *names = calloc(1, sizeof(*names) + room * ETH_GSTRING_LEN);
	struct ethtool_stats *values = calloc(1, sizeof(*values) + room * sizeof(values->data[0]));
	int err = -ENOMEM;

	out->stat = calloc((size_t)count + 1, sizeof(*out->stat));
	if (!names || !values || !out->stat)
		goto out;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_STATS;
	names->len = (uint32_t)count;
	err = ask_driver(fd, out->ifname, names);
	if (err)
		goto out;
	values->cmd = ETHTOOL_GSTATS;
	values->n_stats = (uint32_t)count;
	err = ask_driver(fd, out->ifname, values);
	if (!err && names->len == (uint32_t)count && values->n_stats == (uint32_t)count)
		keep_xdp(out, names, values, count);
out:
	free(names);
	free(values);
	return err;
}

int nic_stats_read(const char *ifname, struct nic_stats *out)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int count, err = 0;

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return -errno;
	strncpy(out->ifname, ifname, IF_NAMESIZE - 1);
	count = count_stats(fd, out->ifname);
	if (count > 0)
		err = read_stats(fd, out, count);
	else if (count < 0 && count != -EOPNOTSUPP)
		err = count;
	close(fd);
	if (err)
		nic_stats_free(out);
	return err;
}

void nic_stats_free(struct nic_stats *stats)
{
	free(stats->stat);
	stats->stat = NULL;
	stats->count = 0;
}

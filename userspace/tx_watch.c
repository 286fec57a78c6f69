/* SPDX-License-Identifier: GPL-2.0 */
#include "tx_watch.h"

#include <string.h>

#include "log.h"

/* So many answers in a row that were not sent: no full queue of a moment. */
#define LOST_ALL 3

static bool says(const struct nic_stat *stat, const char *word)
{
	return strstr(stat->name, word) != NULL;
}

/* Most drivers call them xdp_tx and xdp_tx_errors, some xdp_tx_xmit, _err, _full and _drops. */
static void add_up(const struct nic_stats *stats, uint64_t *sent, uint64_t *failed)
{
	*sent = *failed = 0;
	for (int i = 0; i < stats->count; i++) {
		const struct nic_stat *stat = &stats->stat[i];

		if (!says(stat, "xdp_tx"))
			continue;
		if (says(stat, "err") || says(stat, "full") || says(stat, "drop"))
			*failed += stat->value;
		else
			*sent += stat->value;
	}
}

bool tx_link_look(struct tx_link *link, const struct nic_stats *stats)
{
	uint64_t sent, failed;

	add_up(stats, &sent, &failed);
	if (sent != link->sent || failed < link->failed)
		link->lost = 0;
	else
		link->lost += failed - link->failed;
	link->sent = sent;
	link->failed = failed;
	return link->lost >= LOST_ALL;
}

static const struct tx_link *find(const struct tx_watch *watch, uint32_t ifindex)
{
	for (int i = 0; i < watch->count; i++)
		if (watch->link[i].ifindex == ifindex)
			return &watch->link[i];
	return NULL;
}

static void tell(const char *ifname, bool was_mute, bool mute)
{
	if (mute && !was_mute)
		log_warning("%s: the driver sends no answer: over veth, the other end needs an XDP program, "
			    "or use `mode = generic`", ifname);
	else if (was_mute && !mute)
		log_info("%s: the driver sends answers again", ifname);
}

/* True: the driver sends none. */
static bool look(const struct tx_link *before, struct tx_link *now, const char *ifname)
{
	struct nic_stats stats;
	bool was_mute, mute;

	if (nic_stats_read(ifname, &stats))
		return now->lost >= LOST_ALL;
	was_mute = before && before->lost >= LOST_ALL;
	mute = tx_link_look(now, &stats);
	if (!before) { /* what failed long ago */
		now->lost = 0;
		mute = false;
	}
	nic_stats_free(&stats);
	tell(ifname, was_mute, mute);
	return mute;
}

uint32_t tx_watch_look(struct tx_watch *watch)
{
	struct dataplane_link links[DATAPLANE_MAX_LINKS];
	int count = dataplane_links(links, DATAPLANE_MAX_LINKS);
	struct tx_watch now = { 0 };
	uint32_t mute = 0;

	for (int i = 0; i < count; i++) {
		const struct tx_link *before = find(watch, links[i].ifindex);
		struct tx_link *link = &now.link[now.count];

		if (!links[i].ifindex || links[i].multi || links[i].mode != CONFIG_MODE_NATIVE)
			continue;
		*link = before ? *before : (struct tx_link){ .ifindex = links[i].ifindex };
		now.count++;
		if (look(before, link, links[i].ifname))
			mute = links[i].ifindex;
	}
	*watch = now;
	return mute;
}

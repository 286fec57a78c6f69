/* SPDX-License-Identifier: GPL-2.0 */
#include "phc_feed.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "nic_stamps.h"
#include "ptp_clock.h"

struct phc_feed {
	struct phc_feed *next;
	uint32_t ifindex;
	char ifname[IF_NAMESIZE];
	struct ptp_clock clock; /* fd -1: not open */
	struct phc_mapping mapping;
	bool seen;       /* in the map, this time */
	bool told_error;
	bool told_valid;
};

static struct phc_feed *find(struct phc_feed **feed, uint32_t ifindex)
{
	struct phc_feed *f;

	for (f = *feed; f; f = f->next)
		if (f->ifindex == ifindex)
			return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->ifindex = ifindex;
	f->clock.fd = -1;
	f->next = *feed;
	*feed = f;
	return f;
}

static int open_clock(struct phc_feed *f)
{
	int index;

	if (!if_indextoname(f->ifindex, f->ifname))
		return -ENODEV;
	index = nic_stamps_phc(nic_kernel, f->ifname);
	return index < 0 ? index : ptp_clock_open(&f->clock, index);
}

static void tell_error(struct phc_feed *f, int err)
{
	if (!f->told_error && f->ifname[0])
		log_warning("%s: its PTP clock cannot be read (%s): software stamps", f->ifname,
			    strerror(-err));
	f->told_error = true;
	f->mapping.count = 0;
	ptp_clock_close(&f->clock);
}

static void tell_valid(struct phc_feed *f, bool valid)
{
	if (valid && !f->told_valid)
		log_info("%s: hardware receive stamps", f->ifname);
	f->told_valid |= valid;
}

/* Only the mapping is ours: the rest of the entry says what is to be undone at the end. */
static void publish(struct phc_feed *f, int phc_fd, int32_t correction)
{
	struct xnts_phc entry;
	bool valid;

	if (bpf_map_lookup_elem(phc_fd, &f->ifindex, &entry))
		return;
	valid = phc_mapping_get(&f->mapping, &entry);
	if (valid)
		entry.tai += correction;
	tell_valid(f, valid);
	/* Not if it was detached meanwhile. */
	bpf_map_update_elem(phc_fd, &f->ifindex, &entry, BPF_EXIST);
}

static void refresh(struct phc_feed *f, int phc_fd, int32_t correction)
{
	struct phc_sample sample;
	int err = f->clock.fd < 0 ? open_clock(f) : 0;

	if (!err)
		err = ptp_clock_read(&f->clock, &sample);
	if (err == -EAGAIN)
		return; /* what is published holds for some seconds */
	if (err) {
		tell_error(f, err);
	} else {
		f->told_error = false;
		phc_mapping_add(&f->mapping, &sample);
	}
	publish(f, phc_fd, correction);
}

static void drop_unseen(struct phc_feed **feed)
{
	while (*feed) {
		struct phc_feed *f = *feed;

		if (f->seen) {
			f->seen = false;
			feed = &f->next;
			continue;
		}
		*feed = f->next;
		ptp_clock_close(&f->clock);
		free(f);
	}
}

void phc_feed_refresh(struct phc_feed **feed, int phc_fd, int32_t correction)
{
	uint32_t ifindex, *last = NULL;

	for (int i = 0; i < XNTS_MAX_PHC && !bpf_map_get_next_key(phc_fd, last, &ifindex); i++) {
		struct phc_feed *f = find(feed, ifindex);

		last = &ifindex;
		if (!f)
			continue;
		f->seen = true;
		refresh(f, phc_fd, correction);
	}
	drop_unseen(feed);
}

void phc_feed_free(struct phc_feed *feed)
{
	while (feed) {
		struct phc_feed *next = feed->next;

		ptp_clock_close(&feed->clock);
		free(feed);
		feed = next;
	}
}

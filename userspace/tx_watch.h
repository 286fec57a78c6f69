/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Do drivers send what the program answers?  The program's counters move either way; what
 * tells are the driver's own, of those drivers that have them (nic_stats.h).
 */
#ifndef XNTS_TX_WATCH_H
#define XNTS_TX_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane.h"
#include "nic_stats.h"

struct tx_link {
	uint32_t ifindex;
	uint64_t sent, failed; /* the driver's totals of XDP_TX, in packets, when it was looked at last */
	uint64_t lost;         /* failed since one was sent */
};

struct tx_watch {
	int count;
	struct tx_link link[DATAPLANE_MAX_LINKS];
};

/*
 * Looks at the links in native mode that are ours alone, logs what has changed, and returns the ifindex
 * of one whose driver sends no answer at all; 0: there is none.
 */
uint32_t tx_watch_look(struct tx_watch *watch);

/* One look at a link: what is new goes to *link; true: its driver sends none. */
bool tx_link_look(struct tx_link *link, const struct nic_stats *stats);

#endif /* XNTS_TX_WATCH_H */

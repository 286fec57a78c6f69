/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which destination addresses are this host's: keeps the local4 and local6
 * tries equal to the kernel's RTN_LOCAL routes of table local (AnyIP prefixes
 * such as `ip route add local 192.0.2.0/24 dev lo` included), or to a
 * configured list.
 *
 * The kernel tells of changes over rtnetlink; after each, and after lost messages,
 * the routes are read again: what is new is added first, then what is gone is
 * deleted, so that no address that stays is ever missing.  Loopback addresses are
 * left out.  Routes of a VRF are in the VRF's table, not in local: list such addresses.
 */
#ifndef XNTS_LOCALADDR_H
#define XNTS_LOCALADDR_H

#include "config.h"

struct localaddr;

/*
 * Fills the tries and goes on watching.  An empty list: the kernel's routes;
 * otherwise the list, and nothing is watched.  Negative errno on failure.
 */
int localaddr_open(struct localaddr **out, int local4_fd, int local6_fd,
		   const struct config_prefixes *list);

/* Descriptor to poll for reading, -1 for a configured list. */
int localaddr_fd(const struct localaddr *la);

/*
 * Applies what the kernel told; call when the descriptor is readable.  Negative errno,
 * logged: the tries may be out of date until the next second.
 */
int localaddr_dispatch(struct localaddr *la);

/* To be called once a second: looks again after a change or a failure.  Errors as above. */
int localaddr_second(struct localaddr *la);

/* Ends the watch; NULL is fine.  The tries stay as they are. */
void localaddr_close(struct localaddr *la);

#endif /* XNTS_LOCALADDR_H */

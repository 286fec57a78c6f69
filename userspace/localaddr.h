/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which destination addresses are this host's: keeps the local4 and local6
 * tries equal to the kernel's RTN_LOCAL routes of table local (AnyIP prefixes
 * such as `ip route add local 192.0.2.0/24 dev lo` included), or to a
 * configured list.
 *
 * The kernel tells of changes over rtnetlink.  A change is applied at once; after a
 * lost message, or any doubt, all routes are read again: what is new is added
 * first, then what is gone is deleted, so that no address that stays is ever missing.
 */
#ifndef XNTS_LOCALADDR_H
#define XNTS_LOCALADDR_H

#include <stdint.h>
#include <sys/socket.h>

struct localaddr;

struct localaddr_prefix {
	sa_family_t family;   /* AF_INET or AF_INET6 */
	uint8_t prefixlen;    /* bits */
	uint8_t addr[16];     /* wire; the first 4 bytes for AF_INET */
};

/*
 * Fills the tries and goes on watching.  `count` 0: the kernel's routes;
 * otherwise this list, and nothing is watched.  Negative errno on failure.
 */
int localaddr_open(struct localaddr **out, int local4_fd, int local6_fd,
		   const struct localaddr_prefix *list, int count);

/* Descriptor to poll for reading, -1 for a configured list. */
int localaddr_fd(const struct localaddr *la);

/* Applies what the kernel told.  Negative errno: the tries may be out of date; call again. */
int localaddr_dispatch(struct localaddr *la);

/* Ends the watch.  The tries stay as they are. */
void localaddr_close(struct localaddr *la);

#endif /* XNTS_LOCALADDR_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* The little of rtnetlink (rtnetlink(7)) that xntsd needs. */
#ifndef XNTS_NETLINK_H
#define XNTS_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>

typedef int (*netlink_each)(const struct nlmsghdr *msg, void *arg);

/*
 * A socket that receives what the kernel tells these groups (a mask of RTMGRP_*).
 * Returns the descriptor, non-blocking, or a negative errno.
 */
int netlink_listen(uint32_t groups);

/*
 * Calls `each` for every message that is waiting (or very many of them: poll again).  Returns 0, what `each` returned when not
 * 0, or a negative errno; -ENOBUFS: messages were lost.
 */
int netlink_read(int fd, netlink_each each, void *arg);

/*
 * Sends an RTM_GETROUTE dump request for the routes of one family (AF_INET, AF_INET6), table
 * and type, and calls `each` for each answer, which may hold others too where the
 * kernel does not filter (before 4.20).  -EINTR: the table changed meanwhile, ask again.
 */
int netlink_dump_routes(uint8_t family, uint8_t table, uint8_t type, netlink_each each, void *arg);

#endif /* XNTS_NETLINK_H */

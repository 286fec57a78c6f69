/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "localaddr.h"
#include "log.h"
#include "netlink.h"
#include "trie.h"

#define ATTEMPTS 4 /* at a dump while routes change; then the next second */

/*
 * The kernel tells of an IPv4 route that goes before it is gone, and from 6.9 on a dump
 * does not wait for it: what it shows at once may be the past.
 */
#define LOOKS_AFTER 5 /* one a second; the first may follow at once */

struct localaddr {
	int trie4, trie6;   /* borrowed */
	int fd;             /* -1: configured list */
	unsigned int looks; /* at the routes still to come, one a second */
	bool incomplete;    /* the tries lack something; it has been logged */
	struct trie_set set4, set6;
};

/* ---- the tries ---------------------------------------------------------- */

/* Makes the trie equal to the set; an address that is in both is never missing meanwhile. */
static int sync_trie(const struct localaddr *la, int trie, struct trie_set *set)
{
	int err;

	trie_set_sort(set);
	err = trie_add(trie, set);
	trie_sweep(trie, set);
	if (err) /* there may have been no room before the deletions */
		err = trie_add(trie, set);
	if (err && !la->incomplete)
		log_error("local addresses: not all of %zu prefixes are served (at most %d fit): %s",
			  set->count, XNTS_MAX_LOCAL, strerror(-err));
	return err;
}

static int sync_tries(struct localaddr *la)
{
	int err4 = sync_trie(la, la->trie4, &la->set4);
	int err6 = sync_trie(la, la->trie6, &la->set6);

	la->incomplete = err4 || err6;
	return err4 ? err4 : err6;
}

/* `len`: bytes of an address.  Whose every address is local has no clients but itself. */
static int add_prefix(struct localaddr *la, size_t len, const uint8_t *addr, uint32_t prefixlen)
{
	return trie_set_add(len == 4 ? &la->set4 : &la->set6, addr, len, prefixlen,
			    prefixlen ? XNTS_LOCAL : XNTS_LOCAL_ALL);
}

/* ---- routes ------------------------------------------------------------- */

static bool is_loopback(uint8_t family, const uint8_t *addr)
{
	static const uint8_t one[16] = { [15] = 1 };

	return family == AF_INET ? addr[0] == 127 : !memcmp(addr, one, sizeof(one));
}

static bool is_local_route(const struct nlmsghdr *msg)
{
	const struct rtmsg *route = NLMSG_DATA(msg);

	return msg->nlmsg_len >= NLMSG_LENGTH(sizeof(*route)) &&
	       route->rtm_table == RT_TABLE_LOCAL && route->rtm_type == RTN_LOCAL &&
	       (route->rtm_family == AF_INET || route->rtm_family == AF_INET6);
}

static int collect_route(const struct nlmsghdr *msg, void *arg)
{
	struct rtmsg *route = NLMSG_DATA(msg);
	struct localaddr *la = arg;
	const uint8_t *dst = NULL;
	struct rtattr *attr;
	size_t want, len;

	if (msg->nlmsg_type != RTM_NEWROUTE || !is_local_route(msg))
		return 0;
	want = route->rtm_family == AF_INET ? 4 : 16;
	len = RTM_PAYLOAD(msg);
	for (attr = RTM_RTA(route); RTA_OK(attr, len); attr = RTA_NEXT(attr, len))
		if (attr->rta_type == RTA_DST && RTA_PAYLOAD(attr) == want)
			dst = RTA_DATA(attr);
	if (dst && is_loopback(route->rtm_family, dst))
		return 0;
	return add_prefix(la, want, dst, route->rtm_dst_len);
}

static int collect_routes(struct localaddr *la)
{
	int err = -EINTR;

	for (int i = 0; i < ATTEMPTS && err == -EINTR; i++) {
		la->set4.count = la->set6.count = 0;
		err = netlink_dump_routes(AF_INET, RT_TABLE_LOCAL, RTN_LOCAL, collect_route, la);
		if (!err)
			err = netlink_dump_routes(AF_INET6, RT_TABLE_LOCAL, RTN_LOCAL,
						  collect_route, la);
	}
	return err;
}

static int resync(struct localaddr *la)
{
	int err = collect_routes(la);

	if (err)
		log_warning("local addresses: cannot read the routes: %s", strerror(-err));
	else
		err = sync_tries(la);
	if (err && err != -ENOSPC) /* too many prefixes: trying again would change nothing */
		la->looks = LOOKS_AFTER;
	return err;
}

/* ---- watching ----------------------------------------------------------- */

/*
 * A route message names one route, but another may give the same prefix, and IPv4 local
 * routes go without one when a device goes: so a message only says when to look.
 */
static int note_change(const struct nlmsghdr *msg, void *arg)
{
	bool *changed = arg;

	switch (msg->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		*changed |= is_local_route(msg);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
	case RTM_DELLINK:
		*changed = true;
		break;
	}
	return 0;
}

static int look_and_again(struct localaddr *la)
{
	la->looks = LOOKS_AFTER;
	return resync(la);
}

int localaddr_dispatch(struct localaddr *la)
{
	bool changed = false;

	if (la->fd < 0)
		return 0;
	/* ENOBUFS: messages were lost.  Anything else is a doubt as well. */
	if (netlink_read(la->fd, note_change, &changed))
		changed = true;
	return changed ? look_and_again(la) : 0;
}

int localaddr_second(struct localaddr *la)
{
	if (!la->looks)
		return 0;
	la->looks--;
	return resync(la);
}

static int use_list(struct localaddr *la, const struct config_prefixes *list)
{
	int err = 0;

	for (unsigned int i = 0; i < list->count && !err; i++) {
		const struct config_prefix *p = &list->item[i];

		err = add_prefix(la, p->family == AF_INET ? 4 : 16, p->addr, p->prefixlen);
	}
	return err ? err : sync_tries(la);
}

static int use_routes(struct localaddr *la)
{
	/* Listen first: what changes during the dump is then told after it. */
	la->fd = netlink_listen(RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_IFADDR |
				RTMGRP_IPV6_IFADDR | RTMGRP_LINK);
	if (la->fd >= 0)
		return look_and_again(la);
	log_error("local addresses: cannot watch the routes: %s", strerror(-la->fd));
	return la->fd;
}

int localaddr_open(struct localaddr **out, int local4_fd, int local6_fd,
		   const struct config_prefixes *list)
{
	struct localaddr *la = calloc(1, sizeof(*la));
	int err;

	*out = NULL;
	if (!la)
		return -ENOMEM;
	la->fd = -1;
	la->trie4 = local4_fd;
	la->trie6 = local6_fd;
	err = list->count ? use_list(la, list) : use_routes(la);
	if (err && err != -ENOSPC)
		localaddr_close(la);
	else
		*out = la;
	return *out ? 0 : err;
}

int localaddr_fd(const struct localaddr *la)
{
	return la->fd;
}

void localaddr_close(struct localaddr *la)
{
	if (!la)
		return;
	if (la->fd >= 0)
		close(la->fd);
	trie_set_free(&la->set4);
	trie_set_free(&la->set6);
	free(la);
}

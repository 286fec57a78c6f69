/* SPDX-License-Identifier: GPL-2.0 */
#include "ke_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 4096 /* clients of a fleet that reboots; the kernel caps it at somaxconn */

static void log_address(const struct config_address *address, int rc)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (address->sa.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &address->in6.sin6_addr, text, sizeof(text));
		log_error("ke: cannot listen on [%s]:%u: %s", text, ntohs(address->in6.sin6_port),
			  strerror(-rc));
	} else {
		inet_ntop(AF_INET, &address->in.sin_addr, text, sizeof(text));
		log_error("ke: cannot listen on %s:%u: %s", text, ntohs(address->in.sin_port),
			  strerror(-rc));
	}
}

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

/* Accepted sockets inherit TCP_NODELAY: an answer is one segment and waits for nothing. */
static int open_listener(const struct config_address *address, bool open)
{
	int fd = socket(address->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -errno;
	/* [::] takes IPv4 too, whatever the system's default. */
	if ((address->sa.sa_family == AF_INET6 && set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0)) ||
	    set(fd, SOL_SOCKET, SO_REUSEADDR, 1) || set(fd, SOL_SOCKET, SO_REUSEPORT, 1) ||
	    set(fd, IPPROTO_TCP, TCP_NODELAY, 1) || bind(fd, &address->sa, address->len) ||
	    (open && listen(fd, BACKLOG))) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

static bool same_address(const struct config_address *a, const struct config_address *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_port == b->in.sin_port &&
		       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return a->in6.sin6_port == b->in6.sin6_port &&
	       a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
	       IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
}

/* The place of a worker's old listener for this address, or NULL. */
static int *find(struct ke_listeners *old, unsigned int worker,
		 const struct config_address *address)
{
	if (!old || worker >= old->workers)
		return NULL;
	for (unsigned int i = 0; i < old->addresses.count; i++)
		if (old->fd[worker][i] >= 0 && same_address(&old->addresses.item[i], address))
			return &old->fd[worker][i];
	return NULL;
}

static int open_missing(struct ke_listeners *out, struct ke_listeners *old, bool open)
{
	for (unsigned int a = 0; a < out->addresses.count; a++) {
		for (unsigned int w = 0; w < out->workers; w++) {
			int fd;

			if (find(old, w, &out->addresses.item[a]))
				continue;
			fd = open_listener(&out->addresses.item[a], open);
			if (fd < 0) {
				log_address(&out->addresses.item[a], fd);
				return fd;
			}
			out->fd[w][a] = fd;
		}
	}
	return 0;
}

static void take_over(struct ke_listeners *out, struct ke_listeners *old)
{
	for (unsigned int a = 0; a < out->addresses.count; a++) {
		for (unsigned int w = 0; w < out->workers; w++) {
			int *fd = find(old, w, &out->addresses.item[a]);

			if (!fd || out->fd[w][a] >= 0)
				continue;
			out->fd[w][a] = *fd;
			*fd = -1;
		}
	}
}

int ke_listen(struct ke_listeners *out, const struct config_addresses *addresses,
	      unsigned int workers, struct ke_listeners *old, bool open)
{
	int rc;

	memset(out->fd, -1, sizeof(out->fd));
	out->addresses = *addresses;
	out->workers = workers;
	rc = open_missing(out, old, open);
	if (rc)
		ke_listeners_close(out);
	else
		take_over(out, old);
	return rc;
}

int ke_listeners_open(const struct ke_listeners *listeners)
{
	for (unsigned int a = 0; a < listeners->addresses.count; a++) {
		for (unsigned int w = 0; w < listeners->workers; w++) {
			int rc = listen(listeners->fd[w][a], BACKLOG) ? -errno : 0;

			if (rc) {
				log_address(&listeners->addresses.item[a], rc);
				return rc;
			}
		}
	}
	return 0;
}

void ke_listeners_close(struct ke_listeners *listeners)
{
	for (unsigned int w = 0; w < listeners->workers; w++) {
		for (unsigned int a = 0; a < listeners->addresses.count; a++) {
			if (listeners->fd[w][a] >= 0)
				close(listeners->fd[w][a]);
			listeners->fd[w][a] = -1;
		}
	}
	listeners->workers = 0;
}

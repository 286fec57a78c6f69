/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The listening sockets: one of each configured address for each worker (SO_REUSEPORT).  The
 * daemon holds them, so that clients who queue on a dead worker's socket are taken
 * by its successor.
 */
#ifndef XNTS_KE_LISTEN_H
#define XNTS_KE_LISTEN_H

#include "config.h"
#include "ke_server.h"

_Static_assert(CONFIG_LISTENERS <= KE_MAX_LISTENERS, "a worker takes every listener");

struct ke_listeners {
	struct config_addresses addresses;
	unsigned int workers;
	int fd[XNTS_KE_WORKERS][CONFIG_LISTENERS]; /* [worker][address] */
};

/*
 * Binds listeners into *out, taking over those of *old (may be NULL) that fit: old->fd
 * is then -1.  New ones listen at once if `open`, else from ke_listeners_open() on; before it
 * the kernel refuses clients, who then try again sooner than after any answer.
 * 0, or -errno with the address logged; *old is as before then.
 */
int ke_listen(struct ke_listeners *out, const struct config_addresses *addresses,
	      unsigned int workers, struct ke_listeners *old, bool open);

/* 0, or -errno with the address logged. */
int ke_listeners_open(const struct ke_listeners *listeners);

/* Closes all that are open. */
void ke_listeners_close(struct ke_listeners *listeners);

#endif /* XNTS_KE_LISTEN_H */

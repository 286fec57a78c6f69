/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A worker's event loop: takes connections, gives each its turns and its time, and ends it.
 * One thread, one epoll; nothing blocks.
 */
#ifndef XNTS_KE_SERVER_H
#define XNTS_KE_SERVER_H

#include "ke_conns.h"
#include "ke_rate.h"
#include "ke_session.h"

#define KE_MAX_LISTENERS 16

struct ke_limits {
	uint32_t max_connections;   /* at least 1 */
	uint32_t max_per_prefix;    /* 0: no limit */
	struct ke_prefix_lengths prefix;
	uint32_t rate;              /* handshakes a second of a prefix; 0: no limit */
	uint32_t burst;
	uint32_t handshake_timeout; /* s: for the first byte, and again for the handshake */
	uint32_t request_timeout;   /* s */
};

struct ke_server {
	struct ke_service service;
	struct ke_limits limits;
	struct ke_conns conns;
	struct ke_rate rate;
	int listeners[KE_MAX_LISTENERS]; /* listening, non-blocking; closed with the server */
	unsigned int listener_count;
	bool listening;    /* listeners are polled */
	bool crowded;      /* one of them may have more than was taken from it */
	int64_t resume_at; /* ms: after the system ran out of something; 0: not waiting */
	bool draining;     /* no new connections; over when the last one ends */
	int epoll;
	/* Called when `control` polls readable; false ends the server. */
	bool (*on_control)(struct ke_server *server);
	int control;
};

/*
 * Prepares a server whose service, limits, listeners, on_control and control are filled
 * in.  Polls the control descriptor only, until ke_server_listen().  0 or -errno.
 */
int ke_server_init(struct ke_server *server);
void ke_server_listen(struct ke_server *server);

/* Closes the listeners; ke_server_run() returns when the last connection has ended. */
void ke_server_drain(struct ke_server *server);

/* Serves until drained, or on_control() says false.  0 or -errno of epoll. */
int ke_server_run(struct ke_server *server);

/* Ends all connections and frees everything. */
void ke_server_free(struct ke_server *server);

#endif /* XNTS_KE_SERVER_H */

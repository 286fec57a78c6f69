/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A worker's connections: how many there are, in all and of one source prefix, and
 * which is the oldest of each phase.  No I/O, no allocation after the start.
 *
 * Every phase has one time limit, so a list in order of arrival is in order of
 * deadline too, and its head is all a timer needs to look at.
 */
#ifndef XNTS_KE_CONNS_H
#define XNTS_KE_CONNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

struct ke_session;

enum ke_phase {
	KE_FREE,   /* no connection */
	KE_SILENT, /* no byte has come: costs this entry and a socket */
	KE_HANDSHAKE,
	KE_REQUEST,
	KE_LINGER, /* answered; waits for the client to close */
	KE_PHASES
};

struct ke_conn {
	TAILQ_ENTRY(ke_conn) link;   /* in its phase's list, oldest first */
	struct ke_conn *same_bucket; /* in the hash of prefixes */
	struct ke_session *session;
	uint64_t prefix; /* ke_prefix() of its source */
	int64_t since;   /* ms, when it entered its phase */
	uint32_t events; /* that its owner polls for */
	int fd;
	enum ke_phase phase;
};

TAILQ_HEAD(ke_conn_list, ke_conn);

struct ke_conns {
	struct ke_conn *all;
	struct ke_conn **buckets;
	unsigned int max, used;
	unsigned int bucket_shift;
	uint64_t hash_key; /* odd and secret: a bucket cannot be filled on purpose */
	struct ke_conn_list phase[KE_PHASES];
};

/* Room for `max` connections, at least 1.  0 or -ENOMEM. */
int ke_conns_init(struct ke_conns *conns, unsigned int max);
void ke_conns_free(struct ke_conns *conns);

/* What limits count by: so many leading bits, of an IPv4 address (also a v4-mapped one) 1 to 32, of
 * an IPv6 address 1 to 64. */
struct ke_prefix_lengths {
	uint32_t v4, v6;
};

uint64_t ke_prefix(const struct sockaddr *source, struct ke_prefix_lengths lengths);
unsigned int ke_conns_of_prefix(const struct ke_conns *conns, uint64_t prefix);

/* Enters a connection as KE_SILENT; NULL when all `max` are in use. */
struct ke_conn *ke_conns_add(struct ke_conns *conns, int fd, uint64_t prefix, int64_t now);
void ke_conns_move(struct ke_conns *conns, struct ke_conn *conn, enum ke_phase to, int64_t now);
void ke_conns_remove(struct ke_conns *conns, struct ke_conn *conn);

/* The oldest connection of a phase, or NULL. */
struct ke_conn *ke_conns_oldest(const struct ke_conns *conns, enum ke_phase phase);

/* The connection that gives way to a new one: the one with least to lose.  NULL: none. */
struct ke_conn *ke_conns_victim(const struct ke_conns *conns);

#endif /* XNTS_KE_CONNS_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The workers, kept in number: one process for each place.  A new generation
 * (another configuration or certificate) takes over place by place: when its worker is ready,
 * the place's older ones drain.  The dead are replaced, with back-off when they die early.
 */
#ifndef XNTS_KE_STAFF_H
#define XNTS_KE_STAFF_H

#include "ke_process.h"

/* Some entries of the counters are left for the old beside the new. */
#define KE_MAX_WORKERS (XNTS_KE_WORKERS - 8)

struct ke_place {
	unsigned int early_deaths;
	int64_t next_start; /* ms */
};

struct ke_staff {
	int epoll;           /* workers' words and deaths are polled here */
	unsigned int places; /* to be staffed, at most KE_MAX_WORKERS */
	unsigned int generation;
	/* Fills in what the worker of a place starts with, but for its counters' entry. */
	void (*fill)(void *arg, unsigned int place, struct ke_start *start);
	void *arg;
	struct ke_place place[KE_MAX_WORKERS];
	/* A process's index is its entry in the counters. */
	struct ke_process process[XNTS_KE_WORKERS];
};

/* A new generation for so many places, from now on; `fill` gives what is new. */
void ke_staff_renew(struct ke_staff *staff, unsigned int places);

/* Hears workers, buries and replaces the dead, starts who is due. */
void ke_staff_attend(struct ke_staff *staff);

/* Places whose worker takes connections. */
unsigned int ke_staff_ready(struct ke_staff *staff);

/* New keys to all; who cannot be told is killed, and its successor gets them.  0 or -errno. */
int ke_staff_set_keys(struct ke_staff *staff, const struct ke_sealing_keys *keys);

/* Ends them all: by the end of their control sockets, a second later by force. */
void ke_staff_end(struct ke_staff *staff);

#endif /* XNTS_KE_STAFF_H */

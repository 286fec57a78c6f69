/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The daemon: daemon.c starts it and waits, feed.c carries what the sources say into the maps,
 * reload.c changes the configuration of a running one.
 */
#ifndef XNTS_DAEMON_H
#define XNTS_DAEMON_H

#include "clock_source.h"
#include "config.h"
#include "dataplane.h"
#include "ke.h"
#include "keys.h"
#include "lists.h"
#include "localaddr.h"
#include "metrics.h"
#include "phc_feed.h"
#include "pid_file.h"
#include "tx_watch.h"

struct daemon {
	const char *config_path;
	const struct config *cfg; /* the one in force; one of config[] */
	struct config config[2];

	struct dataplane *dp;
	struct localaddr *local;
	struct lists *lists; /* what the tries hold */
	struct clock_source *clock;
	struct keys *keys;
	struct ke *ke; /* NULL: not enabled */
	struct metrics *metrics; /* NULL: not served */
	struct phc_feed *phc;    /* NULL: no NIC stamps */

	int timer_fd, signal_fd, link_fd;
	const char *pid_file;
	int pid_fd;
	struct pid_file_reload reload;
	unsigned int ticks;
	struct tx_watch tx;
	uint32_t mute; /* ifindex of an interface whose driver sends no answer; 0: none */

	struct xnts_config written;    /* what the config map holds */
	struct xnts_clock_state state; /* as published last; mono 0: never */
	uint64_t keys_version;         /* of what the maps and the workers hold */
	int64_t keys_switch;           /* UTC, s since 1970: the next key seals; 0: none known */
	bool keys_fed;
	bool keys_awaited; /* logged */
};

/* Runs until SIGTERM or SIGINT.  0, or a negative errno when it could not start, logged. */
int daemon_run(const char *config_path, const char *pid_file);

/* ---- feed.c ------------------------------------------------------------- */

/* Ports, MACs of the attached NICs, limits: to the config map, if anything changed. */
int feed_config(struct daemon *d);

/* Reads the clock source once and publishes what it says. */
void feed_clock(struct daemon *d);

/* Advances the keys by the clock; what changed goes to the maps and the workers. */
void feed_keys(struct daemon *d);

/* How key establishment is, for who looks at the maps. */
void feed_ke_state(struct daemon *d);

/* The sealing keys to the workers: after a start or a reload of KE. */
void feed_workers(struct daemon *d);

/* ---- reload.c ----------------------------------------------------------- */

/* Attaches what `cfg` lists; on error detaches again what was not there before. */
int attach_interfaces(struct daemon *d, const struct config *cfg);

/* Enters lists beside what the tries hold; sweep_lists() deletes what is not on d->lists. */
int enter_lists(struct daemon *d, const struct lists *lists);
void sweep_lists(struct daemon *d);

/* Takes the configuration file's present content, or refuses it whole with a negative errno. */
int daemon_reload(struct daemon *d);

#endif /* XNTS_DAEMON_H */

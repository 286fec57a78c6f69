/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that the pinned maps say at one moment, and what it means: is this host
 * serving as it should, and if not, why.  Holds no key, only key ids.
 */
#ifndef XNTS_SNAPSHOT_H
#define XNTS_SNAPSHOT_H

#include <stdbool.h>

#include "dataplane.h"

struct snapshot {
	uint64_t mono; /* CLOCK_MONOTONIC and CLOCK_TAI when it was taken, ns */
	uint64_t tai;
	enum xnts_switch position; /* of the kill switch */
	struct xnts_config config;
	struct xnts_clock_state clock;
	struct xnts_key_state key_state;
	struct xnts_ke_state ke_state;
	int64_t utc; /* s since 1970, when it was taken */
	uint32_t key_ids[XNTS_KEY_SLOTS]; /* 0: empty slot */
	struct dataplane_link links[DATAPLANE_MAX_LINKS];
	int link_count;
	unsigned int local4, local6;   /* prefixes that are this host's */
	struct xnts_counters counters; /* all CPUs */
	struct xnts_ke_counters ke;    /* all workers */
	struct xnts_daemon_counters daemon;
	struct xnts_latency latency;   /* all CPUs */
};

/* The positions of the kill switch, as `xnts` calls them. */
extern const char *const switch_words[XNTS_SWITCH_POSITIONS];

/* Returns 0, or the -errno of a map that cannot be read, logged. */
int snapshot_read(struct dataplane *dp, struct snapshot *out);

/* ---- health ------------------------------------------------------------- */

struct ailment {
	bool stops_answers; /* no request is answered, else: answered, but not as it should be */
	char text[128];
};

#define MAX_AILMENTS 16

/* s before the chain's first certificate ends, negative: after it; INT64_MAX: unknown. */
int64_t snapshot_certificate_left(const struct snapshot *s);

/* Lists what is wrong, nothing when all is well; returns how many. */
int snapshot_ailments(const struct snapshot *s, struct ailment ailments[MAX_AILMENTS]);

/* What is no ailment yet, as all is answered as it should be: the next start would fail.  NULL: nothing. */
const char *snapshot_warning(const struct snapshot *s);

/* Do answers say that the clock is synchronised? */
bool snapshot_is_synchronised(const struct snapshot *s);

/* What keys the map holds, by id alone. */
struct key_summary {
	int total;
	int older, newer; /* than the sealing key, of its generation */
	int others;       /* of another generation */
};

struct key_summary snapshot_keys(const struct snapshot *s);

#endif /* XNTS_SNAPSHOT_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * `xnts stats`: the counters, with their rates between two readings.
 */
#ifndef XNTS_STATS_H
#define XNTS_STATS_H

#include <stdbool.h>
#include <stdio.h>

#include "dataplane.h"

/* One reading of all counters. */
struct stats_sample {
	uint64_t mono; /* ns */
	struct xnts_counters packets;
	struct xnts_ke_counters ke;
	struct xnts_daemon_counters daemon;
	struct xnts_latency latency;
	int cpus;                  /* entries of cpu[] */
	struct xnts_counters *cpu; /* of one CPU each; on the heap */
};

int stats_read(struct dataplane *dp, struct stats_sample *sample);
void stats_free(struct stats_sample *sample);

/*
 * One line a counter: total, rate a second since `before`, name, meaning.  Counters
 * that are 0 are left out unless `all`.  `before` may be NULL: no rates.  Then, where latency was
 * measured, how long answers took since `before`, or ever.
 */
void stats_print(FILE *out, const struct stats_sample *now, const struct stats_sample *before,
		 bool all);

/* Totals by CPU, a column each; CPUs that counted nothing are left out. */
void stats_print_cpus(FILE *out, const struct stats_sample *now, bool all);

/*
 * One JSON object in one line, all counters: {"monotonic_ns": N, "packets": {NAME: N, ...},
 * "ntske": {...}, "daemon": {...}, "latency": {KIND: {"sum_ns": N, "buckets": [{"le_ns": N or null, "count": N}, ...]},
 * ...}}, and "cpus": [{"cpu": N, NAME: N, ...}, ...] if `cpus`.
 */
void stats_print_json(FILE *out, const struct stats_sample *now, bool cpus);

/* Growth a second from `before` to `now`, `ns` apart; 0 when the counter was reset meanwhile. */
double stats_rate(uint64_t now, uint64_t before, uint64_t ns);

#endif /* XNTS_STATS_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names and meanings of the counters of xnts_abi.h, for everything that prints them.
 */
#ifndef XNTS_COUNTERS_H
#define XNTS_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "xnts_abi.h"

struct counter_info {
	const char *name;
	const char *action; /* "PASS", "DROP", "TX"; "" for what is counted beside the verdict */
	const char *meaning;
};

/* In the order of struct xnts_counters, verdicts first, and of struct xnts_ke_counters. */
extern const struct counter_info packet_counters[XNTS_COUNTERS];

#define KE_COUNTERS (sizeof(struct xnts_ke_counters) / sizeof(__u64))
extern const struct counter_info ke_counters[KE_COUNTERS];

#define DAEMON_COUNTERS (sizeof(struct xnts_daemon_counters) / sizeof(__u64))
extern const struct counter_info daemon_counters[DAEMON_COUNTERS];

/* The i-th counter of a struct xnts_counters, xnts_ke_counters or xnts_daemon_counters. */
uint64_t packet_counter(const struct xnts_counters *counters, size_t i);
uint64_t ke_counter(const struct xnts_ke_counters *counters, size_t i);
uint64_t daemon_counter(const struct xnts_daemon_counters *counters, size_t i);

/* All verdicts of one action added up: "PASS", "DROP" or "TX". */
uint64_t packets_by_action(const struct xnts_counters *counters, const char *action);

/* Adds up the entries of `cpus` CPUs, or of all XNTS_KE_WORKERS workers. */
void sum_packet_counters(const struct xnts_counters *cpu, int cpus, struct xnts_counters *sum);
void sum_ke_counters(const struct xnts_ke_counters *workers, struct xnts_ke_counters *sum);

#endif /* XNTS_COUNTERS_H */

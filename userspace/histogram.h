/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the histograms of struct xnts_latency tell, for everything that prints them.
 */
#ifndef XNTS_HISTOGRAM_H
#define XNTS_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "xnts_abi.h"

#define LATENCY_KINDS 3

/* "plain", "nts" and "nak", i from 0 to LATENCY_KINDS - 1, and the histogram of each. */
extern const char *const latency_names[LATENCY_KINDS];
const struct xnts_histogram *latency_kind(const struct xnts_latency *latency, int i);

/* Has anything been measured? */
bool latency_any(const struct xnts_latency *latency);

uint64_t histogram_count(const struct xnts_histogram *h);

/* ns within which `per_mille` of the answers were made, as a bucket's upper bound; 0: longer than
 * the last bound, or nothing was counted. */
uint64_t histogram_quantile(const struct xnts_histogram *h, unsigned int per_mille);

/* What was counted since `before`; all, when the map was made anew in between. */
void histogram_since(const struct xnts_histogram *now, const struct xnts_histogram *before,
		     struct xnts_histogram *since);

/* Adds up the entries of `cpus` CPUs. */
void latency_sum(const struct xnts_latency *cpu, int cpus, struct xnts_latency *sum);

#endif /* XNTS_HISTOGRAM_H */

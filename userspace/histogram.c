/* SPDX-License-Identifier: GPL-2.0 */
#include "histogram.h"

#include <string.h>

const char *const latency_names[LATENCY_KINDS] = { "plain", "nts", "nak" };

const struct xnts_histogram *latency_kind(const struct xnts_latency *latency, int i)
{
	const struct xnts_histogram *const kinds[LATENCY_KINDS] = { &latency->plain, &latency->nts,
								    &latency->nak };

	return kinds[i];
}

bool latency_any(const struct xnts_latency *latency)
{
	static const struct xnts_latency zero;

	return memcmp(latency, &zero, sizeof(zero));
}

uint64_t histogram_count(const struct xnts_histogram *h)
{
	uint64_t count = 0;

	for (int i = 0; i < XNTS_LATENCY_BUCKETS; i++)
		count += h->bucket[i];
	return count;
}

uint64_t histogram_quantile(const struct xnts_histogram *h, unsigned int per_mille)
{
	uint64_t count = histogram_count(h), below = 0;

	for (int i = 0; i < XNTS_LATENCY_BUCKETS - 1 && count; i++) {
		below += h->bucket[i];
		if (below >= (count * per_mille + 999) / 1000)
			return XNTS_LATENCY_BOUND(i);
	}
	return 0;
}

void histogram_since(const struct xnts_histogram *now, const struct xnts_histogram *before,
		     struct xnts_histogram *since)
{
	*since = *now;
	for (int i = 0; i < XNTS_LATENCY_BUCKETS; i++)
		if (now->bucket[i] < before->bucket[i])
			return;
	since->sum -= before->sum;
	for (int i = 0; i < XNTS_LATENCY_BUCKETS; i++)
		since->bucket[i] -= before->bucket[i];
}

void latency_sum(const struct xnts_latency *cpu, int cpus, struct xnts_latency *sum)
{
	__u64 total[sizeof(*sum) / sizeof(__u64)] = { 0 };

	for (int c = 0; c < cpus; c++)
		for (size_t i = 0; i < sizeof(total) / sizeof(total[0]); i++)
			total[i] += load64((const char *)&cpu[c] + i * sizeof(__u64));
	memcpy(sum, total, sizeof(*sum));
}

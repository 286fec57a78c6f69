/* SPDX-License-Identifier: GPL-2.0 */
#include "counters.h"

#include <string.h>

const struct counter_info packet_counters[XNTS_COUNTERS] = {
#define X(name, action, meaning) { #name, #action, meaning },
	XNTS_VERDICTS(X)
#undef X
		{ "cookies_issued", "", "new cookies in all NTS answers" },
	{ "unsynchronised", "", "answers that said so" },
	{ "software_stamps", "", "answers whose receive time is the program's start" },
	{ "hardware_stamps", "", "answers whose receive time is the NIC's" },
	{ "refused_stamps", "", "of the software ones, those whose NIC's stamp made no sense" },
};

/* The five that follow the verdicts are written out above: they must stay in step. */
#define AFTER_VERDICTS(member, i) \
	_Static_assert(offsetof(struct xnts_counters, member) == (XNTS_VERDICT_COUNT + (i)) * 8, \
		       #member)
AFTER_VERDICTS(cookies_issued, 0);
AFTER_VERDICTS(unsynchronised, 1);
AFTER_VERDICTS(software_stamps, 2);
AFTER_VERDICTS(hardware_stamps, 3);
AFTER_VERDICTS(refused_stamps, 4);

const struct counter_info ke_counters[KE_COUNTERS] = {
#define X(name, meaning) { #name, "", meaning },
	XNTS_KE_COUNTERS(X)
#undef X
};

const struct counter_info daemon_counters[DAEMON_COUNTERS] = {
#define X(name, meaning) { #name, "", meaning },
	XNTS_DAEMON_COUNTERS(X)
#undef X
};

uint64_t packet_counter(const struct xnts_counters *counters, size_t i)
{
	return load64((const char *)counters + i * sizeof(__u64));
}

uint64_t ke_counter(const struct xnts_ke_counters *counters, size_t i)
{
	return load64((const char *)counters + i * sizeof(__u64));
}

uint64_t daemon_counter(const struct xnts_daemon_counters *counters, size_t i)
{
	return load64((const char *)counters + i * sizeof(__u64));
}

uint64_t packets_by_action(const struct xnts_counters *counters, const char *action)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < XNTS_VERDICT_COUNT; i++)
		if (!strcmp(packet_counters[i].action, action))
			sum += packet_counter(counters, i);
	return sum;
}

void sum_packet_counters(const struct xnts_counters *cpu, int cpus, struct xnts_counters *sum)
{
	__u64 total[XNTS_COUNTERS] = { 0 };

	for (int c = 0; c < cpus; c++)
		for (size_t i = 0; i < XNTS_COUNTERS; i++)
			total[i] += packet_counter(&cpu[c], i);
	memcpy(sum, total, sizeof(*sum));
}

void sum_ke_counters(const struct xnts_ke_counters *workers, struct xnts_ke_counters *sum)
{
	__u64 total[KE_COUNTERS] = { 0 };

	for (size_t w = 0; w < XNTS_KE_WORKERS; w++)
		for (size_t i = 0; i < KE_COUNTERS; i++)
			total[i] += ke_counter(&workers[w], i);
	memcpy(sum, total, sizeof(*sum));
}

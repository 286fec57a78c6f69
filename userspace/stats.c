/* SPDX-License-Identifier: GPL-2.0 */
#include "stats.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "histogram.h"
#include "monotonic.h"

int stats_read(struct dataplane *dp, struct stats_sample *sample)
{
	int err;

	memset(sample, 0, sizeof(*sample));
	sample->cpus = dataplane_cpus();
	if (sample->cpus < 0)
		return sample->cpus;
	sample->cpu = calloc((size_t)sample->cpus, sizeof(*sample->cpu));
	if (!sample->cpu)
		return -ENOMEM;
	sample->mono = clock_ns(CLOCK_MONOTONIC);
	err = dataplane_cpu_counters(dp, sample->cpu);
	if (!err)
		err = dataplane_latency(dp, &sample->latency);
	if (err) {
		stats_free(sample);
		return err;
	}
	sum_packet_counters(sample->cpu, sample->cpus, &sample->packets);
	sum_ke_counters(dataplane_ke_counters(dp), &sample->ke);
	sample->daemon = *dataplane_daemon_counters(dp);
	return 0;
}

void stats_free(struct stats_sample *sample)
{
	free(sample->cpu);
	sample->cpu = NULL;
	sample->cpus = 0;
}

double stats_rate(uint64_t now, uint64_t before, uint64_t ns)
{
	if (now < before || !ns)
		return 0;
	return (double)(now - before) * 1e9 / (double)ns;
}

/* `ns` since `old` was counted, 0: there is no rate. */
static void print_line(FILE *out, const struct counter_info *info, uint64_t now, uint64_t old,
		       uint64_t ns, bool all)
{
	if (!now && !all)
		return;
	fprintf(out, "%14" PRIu64, now);
	if (ns)
		fprintf(out, " %12.1f/s", stats_rate(now, old, ns));
	fprintf(out, "  %-18s %s\n", info->name, info->meaning);
}

static void print_histogram(FILE *out, const char *name, const struct xnts_histogram *h)
{
	static const struct {
		unsigned int per_mille;
		const char *words;
	} quantiles[] = { { 500, "half" }, { 990, "99 %" }, { 999, "99.9 %" } };
	uint64_t count = histogram_count(h);

	if (!count)
		return;
	fprintf(out, "%14" PRIu64 "  %-5s mean %.2f us", count, name,
		(double)h->sum / (double)count / 1e3);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		uint64_t ns = histogram_quantile(h, quantiles[i].per_mille);

		if (ns)
			fprintf(out, ", %s within %.2f us", quantiles[i].words, (double)ns / 1e3);
	}
	fprintf(out, "\n");
}

static void print_latency(FILE *out, const struct stats_sample *now,
			  const struct stats_sample *before)
{
	static const struct xnts_latency zero;
	const struct xnts_latency *old = before ? &before->latency : &zero;

	if (!latency_any(&now->latency))
		return;
	fprintf(out, "time for an answer%s\n", before ? ", since the lines above" : "");
	for (int i = 0; i < LATENCY_KINDS; i++) {
		struct xnts_histogram since;

		histogram_since(latency_kind(&now->latency, i), latency_kind(old, i), &since);
		print_histogram(out, latency_names[i], &since);
	}
}

void stats_print(FILE *out, const struct stats_sample *now, const struct stats_sample *before,
		 bool all)
{
	uint64_t ns = before ? now->mono - before->mono : 0;

	fprintf(out, "packets\n");
	for (size_t i = 0; i < XNTS_COUNTERS; i++)
		print_line(out, &packet_counters[i], packet_counter(&now->packets, i),
			   before ? packet_counter(&before->packets, i) : 0, ns, all);
	fprintf(out, "NTS-KE\n");
	for (size_t i = 0; i < KE_COUNTERS; i++)
		print_line(out, &ke_counters[i], ke_counter(&now->ke, i),
			   before ? ke_counter(&before->ke, i) : 0, ns, all);
	fprintf(out, "daemon\n");
	for (size_t i = 0; i < DAEMON_COUNTERS; i++)
		print_line(out, &daemon_counters[i], daemon_counter(&now->daemon, i),
			   before ? daemon_counter(&before->daemon, i) : 0, ns, all);
	print_latency(out, now, before);
}

static bool cpu_is_idle(const struct xnts_counters *cpu)
{
	static const struct xnts_counters zero;

	return !memcmp(cpu, &zero, sizeof(zero));
}

void stats_print_cpus(FILE *out, const struct stats_sample *now, bool all)
{
	fprintf(out, "%-18s", "packets");
	for (int c = 0; c < now->cpus; c++)
		if (!cpu_is_idle(&now->cpu[c]))
			fprintf(out, " %9s %3d", "CPU", c);
	fprintf(out, "\n");
	for (size_t i = 0; i < XNTS_COUNTERS; i++) {
		if (!packet_counter(&now->packets, i) && !all)
			continue;
		fprintf(out, "%-18s", packet_counters[i].name);
		for (int c = 0; c < now->cpus; c++)
			if (!cpu_is_idle(&now->cpu[c]))
				fprintf(out, " %13" PRIu64, packet_counter(&now->cpu[c], i));
		fprintf(out, "\n");
	}
}

/* ---- JSON --------------------------------------------------------------- */

static void json_packets(FILE *out, const struct xnts_counters *counters, const char *separator)
{
	for (size_t i = 0; i < XNTS_COUNTERS; i++) {
		fprintf(out, "%s\"%s\": %" PRIu64, separator, packet_counters[i].name,
			packet_counter(counters, i));
		separator = ", ";
	}
}

static void json_histogram(FILE *out, const struct xnts_histogram *h)
{
	fprintf(out, "{\"sum_ns\": %llu, \"buckets\": [", h->sum);
	for (int i = 0; i < XNTS_LATENCY_BUCKETS - 1; i++)
		fprintf(out, "{\"le_ns\": %llu, \"count\": %llu}, ", XNTS_LATENCY_BOUND(i),
			h->bucket[i]);
	fprintf(out, "{\"le_ns\": null, \"count\": %llu}]}", h->bucket[XNTS_LATENCY_BUCKETS - 1]);
}

static void json_latency(FILE *out, const struct xnts_latency *latency)
{
	fprintf(out, ", \"latency\": {");
	for (int i = 0; i < LATENCY_KINDS; i++) {
		fprintf(out, "%s\"%s\": ", i ? ", " : "", latency_names[i]);
		json_histogram(out, latency_kind(latency, i));
	}
	fprintf(out, "}");
}

static void json_cpus(FILE *out, const struct stats_sample *now)
{
	fprintf(out, ", \"cpus\": [");
	for (int c = 0; c < now->cpus; c++) {
		fprintf(out, "%s{\"cpu\": %d", c ? ", " : "", c);
		json_packets(out, &now->cpu[c], ", ");
		fprintf(out, "}");
	}
	fprintf(out, "]");
}

void stats_print_json(FILE *out, const struct stats_sample *now, bool cpus)
{
	fprintf(out, "{\"monotonic_ns\": %" PRIu64 ", \"packets\": {", now->mono);
	json_packets(out, &now->packets, "");
	fprintf(out, "}, \"ntske\": {");
	for (size_t i = 0; i < KE_COUNTERS; i++)
		fprintf(out, "%s\"%s\": %" PRIu64, i ? ", " : "", ke_counters[i].name,
			ke_counter(&now->ke, i));
	fprintf(out, "}, \"daemon\": {");
	for (size_t i = 0; i < DAEMON_COUNTERS; i++)
		fprintf(out, "%s\"%s\": %" PRIu64, i ? ", " : "", daemon_counters[i].name,
			daemon_counter(&now->daemon, i));
	fprintf(out, "}");
	json_latency(out, &now->latency);
	if (cpus)
		json_cpus(out, now);
	fprintf(out, "}\n");
}

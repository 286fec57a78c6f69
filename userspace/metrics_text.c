/* SPDX-License-Identifier: GPL-2.0 */
#include "metrics_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "counters.h"
#include "histogram.h"
#include "version.h"

struct page {
	FILE *out;
	enum metrics_format format;
};

enum metrics_format metrics_negotiate(const char *accept)
{
	return accept && strstr(accept, "application/openmetrics-text") ? METRICS_OPENMETRICS
									: METRICS_PROMETHEUS;
}

const char *metrics_content_type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- families and samples ----------------------------------------------- */

static void family(const struct page *p, const char *name, const char *type, const char *help)
{
	fprintf(p->out, "# HELP xnts_%s %s\n# TYPE xnts_%s %s\n", name, help, name, type);
}

static void gauge_family(const struct page *p, const char *name, const char *help)
{
	family(p, name, "gauge", help);
}

/* The suffix _total is part of a counter family's name for Prometheus, of its samples alone for
 * OpenMetrics. */
static void counter_family(const struct page *p, const char *name, const char *help)
{
	const char *suffix = p->format == METRICS_OPENMETRICS ? "" : "_total";

	fprintf(p->out, "# HELP xnts_%s%s %s\n# TYPE xnts_%s%s counter\n", name, suffix, help, name,
		suffix);
}

static void gauge(const struct page *p, const char *name, const char *help, double value)
{
	gauge_family(p, name, help);
	fprintf(p->out, "xnts_%s %.9g\n", name, value);
}

static void counter(const struct page *p, const char *prefix, const struct counter_info *info,
		    uint64_t value)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s", prefix, info->name);
	counter_family(p, name, info->meaning);
	fprintf(p->out, "xnts_%s_total %" PRIu64 "\n", name, value);
}

/* Interface names may hold what a label has to escape. */
static void print_label(FILE *out, const char *value)
{
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			fputc('\\', out);
		fputc(*value, out);
	}
}

/* ---- the metrics -------------------------------------------------------- */

static void print_health(const struct page *p, const struct snapshot *s)
{
	struct ailment ailments[MAX_AILMENTS];
	int n = snapshot_ailments(s, ailments);
	bool answering = true;

	for (int i = 0; i < n; i++)
		answering &= !ailments[i].stops_answers;
	gauge_family(p, "build_info", "Version of the program and of its maps.");
	fprintf(p->out, "xnts_build_info{version=\"" XNTS_VERSION "\",abi=\"%d\"} 1\n",
		XNTS_ABI_VERSION);
	gauge(p, "healthy", "1 when xnts check finds nothing wrong.", n == 0);
	gauge(p, "answering", "1 when requests are answered.", answering);
	gauge(p, "key_state_refused", "1 when the state file of the keys was refused or is gone: xntsd could not start.",
	      snapshot_warning(s) != NULL);
	gauge_family(p, "switch", "Where the kill switch stands.");
	for (unsigned int i = 0; i < XNTS_SWITCH_POSITIONS; i++)
		fprintf(p->out, "xnts_switch{position=\"%s\"} %d\n", switch_words[i],
			s->position == i);
	gauge_family(p, "local_prefixes", "Address prefixes that are this host's.");
	fprintf(p->out, "xnts_local_prefixes{family=\"ipv4\"} %u\n", s->local4);
	fprintf(p->out, "xnts_local_prefixes{family=\"ipv6\"} %u\n", s->local6);
}

static void print_links(const struct page *p, const struct snapshot *s)
{
	static const char *const modes[] = { "unknown", "native", "generic" };

	if (!s->link_count)
		return;
	gauge_family(p, "link_up", "1 when attached to the interface, 0 when severed from it.");
	for (int i = 0; i < s->link_count; i++) {
		const struct dataplane_link *link = &s->links[i];

		fprintf(p->out, "xnts_link_up{interface=\"");
		print_label(p->out, link->ifname);
		fprintf(p->out, "\",mode=\"%s\"} %d\n", modes[link->mode % 3], link->ifindex != 0);
	}
}

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

static void print_clock(const struct page *p, const struct snapshot *s)
{
	const struct xnts_clock_state *c = &s->clock;

	gauge(p, "clock_synchronised", "1 when answers say so.", snapshot_is_synchronised(s));
	if (!c->mono)
		return;
	gauge(p, "clock_age_seconds", "Since the clock state was refreshed.",
	      seconds(s->mono - c->mono));
	gauge(p, "clock_hold_seconds", "How long an unrefreshed clock state holds.",
	      seconds(c->hold));
	gauge(p, "clock_stratum", "Of the clock source; 0: unsynchronised.", c->stratum);
	gauge(p, "clock_leap", "Leap indicator of the clock source; 3: unsynchronised.", c->leap);
	gauge(p, "clock_root_delay_seconds", "At the last refresh.", c->root_delay / 65536.0);
	gauge(p, "clock_root_dispersion_seconds", "At the last refresh.",
	      c->root_dispersion / 65536.0);
	gauge(p, "clock_tai_offset_seconds", "TAI - UTC as the kernel holds it; 0: not set.",
	      c->tai_offset);
}

static void print_keys(const struct page *p, const struct snapshot *s)
{
	const struct xnts_key_state *k = &s->key_state;
	struct key_summary keys = snapshot_keys(s);

	gauge_family(p, "cookie_keys", "Keys in the key map, against the one that seals.");
	fprintf(p->out, "xnts_cookie_keys{relation=\"older\"} %d\n", keys.older);
	fprintf(p->out, "xnts_cookie_keys{relation=\"newer\"} %d\n", keys.newer);
	fprintf(p->out, "xnts_cookie_keys{relation=\"other\"} %d\n", keys.others);
	gauge(p, "sealing_key_id", "Generation * 4096 + epoch modulo 4096; 0: none.", k->seal_id);
	if (k->mono)
		gauge(p, "cookie_keys_age_seconds", "Since the daemon confirmed the keys.",
		      seconds(s->mono - k->mono));
}

static void print_ke(const struct page *p, const struct snapshot *s)
{
	const struct xnts_ke_state *k = &s->ke_state;

	gauge_family(p, "ke_workers", "Processes for NTS-KE, as configured and of those ready.");
	fprintf(p->out, "xnts_ke_workers{state=\"configured\"} %u\n", k->workers);
	fprintf(p->out, "xnts_ke_workers{state=\"ready\"} %u\n", k->ready);
	if (!k->expires)
		return;
	gauge_family(p, "ke_certificate_expiry_timestamp_seconds",
		     "When the first certificate of the chain ends, since 1970.");
	fprintf(p->out, "xnts_ke_certificate_expiry_timestamp_seconds %" PRId64 "\n",
		(int64_t)k->expires);
}

static void print_packets(const struct page *p, const struct snapshot *s)
{
	counter_family(p, "packets", "Packets by what became of them.");
	for (size_t i = 0; i < XNTS_VERDICT_COUNT; i++) {
		const struct counter_info *info = &packet_counters[i];
		char action[8] = "";

		for (size_t c = 0; c < sizeof(action) - 1 && info->action[c]; c++)
			action[c] = (char)tolower(info->action[c]);
		fprintf(p->out, "xnts_packets_total{verdict=\"%s\",action=\"%s\"} %" PRIu64 "\n",
			info->name, action, packet_counter(&s->counters, i));
	}
	for (size_t i = XNTS_VERDICT_COUNT; i < XNTS_COUNTERS; i++)
		counter(p, "", &packet_counters[i], packet_counter(&s->counters, i));
}

static void print_histogram(const struct page *p, const char *kind, const struct xnts_histogram *h)
{
	uint64_t below = 0;

	for (int i = 0; i < XNTS_LATENCY_BUCKETS - 1; i++) {
		below += h->bucket[i];
		fprintf(p->out, "xnts_answer_duration_seconds_bucket{kind=\"%s\",le=\"%.9g\"} %" PRIu64
				"\n", kind, seconds(XNTS_LATENCY_BOUND(i)), below);
	}
	below += h->bucket[XNTS_LATENCY_BUCKETS - 1];
	fprintf(p->out, "xnts_answer_duration_seconds_bucket{kind=\"%s\",le=\"+Inf\"} %" PRIu64 "\n",
		kind, below);
	fprintf(p->out, "xnts_answer_duration_seconds_sum{kind=\"%s\"} %.9f\n", kind, seconds(h->sum));
	fprintf(p->out, "xnts_answer_duration_seconds_count{kind=\"%s\"} %" PRIu64 "\n", kind, below);
}

static void print_latency(const struct page *p, const struct snapshot *s)
{
	if (!latency_any(&s->latency))
		return;
	family(p, "answer_duration_seconds", "histogram", "Time in the program, of answers by kind.");
	for (int i = 0; i < LATENCY_KINDS; i++)
		print_histogram(p, latency_names[i], latency_kind(&s->latency, i));
}

/* The drivers' names hold the queue's number: "rx_queue_0_xdp_tx" and "rx0_xdp_tx" are
 * "rx_queue_xdp_tx" and "rx_xdp_tx" of queue 0; "rx_xdp_tx", which has none, of queue "". */
static void print_statistic(const struct page *p, const char *ifname, const struct nic_stat *stat)
{
	size_t at = strcspn(stat->name, "0123456789"), digits = strspn(stat->name + at, "0123456789");
	size_t before = digits && at && stat->name[at - 1] == '_' ? at - 1 : at;

	fprintf(p->out, "xnts_driver_xdp_total{interface=\"");
	print_label(p->out, ifname);
	fprintf(p->out, "\",queue=\"%.*s\",statistic=\"", (int)digits, stat->name + at);
	fprintf(p->out, "%.*s", (int)before, stat->name);
	print_label(p->out, stat->name + at + digits);
	fprintf(p->out, "\"} %" PRIu64 "\n", stat->value);
}

static void print_nics(const struct page *p, const struct nic_stats *nics, int nic_count)
{
	int total = 0;

	for (int n = 0; n < nic_count; n++)
		total += nics[n].count;
	if (!total)
		return;
	counter_family(p, "driver_xdp", "What the NIC's driver counts of XDP, by queue and its own names.");
	for (int n = 0; n < nic_count; n++)
		for (int i = 0; i < nics[n].count; i++)
			print_statistic(p, nics[n].ifname, &nics[n].stat[i]);
}

void metrics_print(FILE *out, enum metrics_format format, const struct snapshot *s,
		   const struct nic_stats *nics, int nic_count)
{
	const struct page p = { .out = out, .format = format };

	print_health(&p, s);
	print_links(&p, s);
	print_clock(&p, s);
	print_keys(&p, s);
	print_ke(&p, s);
	print_packets(&p, s);
	print_latency(&p, s);
	print_nics(&p, nics, nic_count);
	for (size_t i = 0; i < KE_COUNTERS; i++)
		counter(&p, "ke_", &ke_counters[i], ke_counter(&s->ke, i));
	for (size_t i = 0; i < DAEMON_COUNTERS; i++)
		counter(&p, "", &daemon_counters[i], daemon_counter(&s->daemon, i));
	if (format == METRICS_OPENMETRICS)
		fprintf(out, "# EOF\n");
}

/* SPDX-License-Identifier: GPL-2.0 */
#include "status.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "counters.h"

#define LABEL "%-11s"

static double age(const struct snapshot *s, uint64_t mono)
{
	return (double)(s->mono - mono) / 1e9;
}

static void print_verdict(FILE *out, const struct snapshot *s)
{
	struct ailment ailments[MAX_AILMENTS];
	int n = snapshot_ailments(s, ailments);
	const char *warning = snapshot_warning(s);
	bool answering = true;

	for (int i = 0; i < n; i++)
		answering &= !ailments[i].stops_answers;
	fprintf(out, "xnts %s\n",
		!answering     ? "does NOT answer:"
		: n || warning ? "answers, but:"
			       : "answers, all is well");
	for (int i = 0; i < n; i++)
		fprintf(out, "  - %s\n", ailments[i].text);
	if (warning)
		fprintf(out, "  - %s\n", warning);
}

static const char *mode_word(const struct dataplane_link *link)
{
	if (!link->ifindex)
		return "severed";
	if (link->multi)
		return link->mode == CONFIG_MODE_NATIVE ? "native, beside other programs"
							: "generic, slow, beside other programs";
	switch (link->mode) {
	case CONFIG_MODE_NATIVE:
		return link->hardware ? "native, bound for hardware stamps" : "native";
	case CONFIG_MODE_GENERIC: return "generic, slow";
	default: return "mode unknown";
	}
}

static void print_links(FILE *out, const struct snapshot *s)
{
	fprintf(out, LABEL, "attached");
	if (!s->link_count)
		fprintf(out, "to nothing");
	for (int i = 0; i < s->link_count; i++)
		fprintf(out, "%s%s (%s)", i ? ", " : "", s->links[i].ifname,
			mode_word(&s->links[i]));
	fprintf(out, "\n");
}

static void print_config(FILE *out, const struct snapshot *s, pid_t daemon)
{
	unsigned int position = s->position;

	fprintf(out, LABEL, "daemon");
	if (daemon > 0)
		fprintf(out, "runs, process %d", (int)daemon);
	else
		fprintf(out, "does not run");
	if (s->daemon.links_reattached)
		fprintf(out, "; %llu links made anew", s->daemon.links_reattached);
	fprintf(out, "\n" LABEL "%s\n", "switch",
		position < XNTS_SWITCH_POSITIONS ? switch_words[position] : "unknown");
	fprintf(out, LABEL, "ports");
	for (int i = 0; i < XNTS_PORTS && s->config.port[i]; i++)
		fprintf(out, "%s%u", i ? ", " : "", ntohs(s->config.port[i]));
	fprintf(out, "; %u IPv4 and %u IPv6 prefixes are ours\n", s->local4, s->local6);
}

/* What is not as by default. */
static void print_policy(FILE *out, const struct snapshot *s)
{
	static const struct {
		uint32_t flag;
		const char *words;
	} policies[] = {
		{ XNTS_FIB, "the routing table chooses the next hop" },
		{ XNTS_REQUIRE_NTS, "NTS is required" },
		{ XNTS_LISTS, "sources are listed" },
		{ XNTS_REFUSE_UNLISTED, "others are refused" },
		{ XNTS_PASS_SYMMETRIC, "mode 1 is left to the host" },
		{ XNTS_PASS_CONTROL, "modes 6 and 7 are left to the host" },
	};
	const char *before = "policy";

	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		if (!(s->config.flags & policies[i].flag))
			continue;
		fprintf(out, LABEL "%s\n", before, policies[i].words);
		before = "";
	}
}

static const char *print_limit(FILE *out, const char *label, const char *what,
			       const struct xnts_limit *limit)
{
	if (!limit->interval)
		return label;
	fprintf(out, LABEL "%s of a source: one every %.3f s, %u at once\n", label, what,
		limit->interval * (double)(1 << 20) / 1e9, limit->burst);
	return "";
}

static void print_limits(FILE *out, const struct snapshot *s)
{
	const struct xnts_config *c = &s->config;
	const char *label = print_limit(out, "limits", "plain NTP", &c->plain);

	label = print_limit(out, label, "NTS", &c->nts);
	if (c->budget) {
		fprintf(out, LABEL "NTS may take %.1f %% of each CPU\n", label, c->budget / 10.0);
		label = "";
	}
	if (c->ceiling)
		fprintf(out, LABEL "%.0f answers a second and CPU\n", label, 1e9 / c->ceiling);
}

/* As chronyc shows it: hexadecimal, and letters where a stratum 1 has them. */
static void print_reference(FILE *out, const struct xnts_clock_state *c)
{
	uint8_t id[4];
	bool letters = c->stratum == 1;

	memcpy(id, &c->reference_id, sizeof(id));
	for (int i = 0; i < 4; i++)
		letters &= isgraph(id[i]) || (i && !id[i]);
	fprintf(out, "%02X%02X%02X%02X", id[0], id[1], id[2], id[3]);
	if (letters)
		fprintf(out, " (%.4s)", (const char *)id);
}

static double short_ms(uint32_t value)
{
	return value * 1000.0 / 65536;
}

static void print_clock(FILE *out, const struct snapshot *s)
{
	static const char *const leaps[] = { "none", "second to be inserted",
					     "second to be deleted", "unknown" };
	const struct xnts_clock_state *c = &s->clock;

	fprintf(out, LABEL, "clock");
	if (!c->mono) {
		fprintf(out, "never set\n");
		return;
	}
	fprintf(out, "stratum %u, reference id ", c->stratum);
	print_reference(out, c);
	fprintf(out, ", leap %s\n", leaps[c->leap & 3]);
	fprintf(out, LABEL "refreshed %.1f s ago, holds for %" PRIu64 " s\n", "", age(s, c->mono),
		(uint64_t)c->hold / 1000000000);
	fprintf(out,
		LABEL
		"root delay %.3f ms, root dispersion %.3f ms, precision 2^%d s, TAI offset %d s\n",
		"", short_ms(c->root_delay), short_ms(c->root_dispersion), c->precision,
		c->tai_offset);
}

static void print_keys(FILE *out, const struct snapshot *s)
{
	const struct xnts_key_state *k = &s->key_state;
	struct key_summary keys = snapshot_keys(s);

	fprintf(out, LABEL, "keys");
	if (!k->seal_id) {
		fprintf(out, "none seals, %d in the map\n", keys.total);
		return;
	}
	fprintf(out, "%04x seals (generation %u, epoch %u); %d in the map: %d older, %d newer",
		k->seal_id, k->seal_id >> 12, k->seal_id & 0xfff, keys.total, keys.older,
		keys.newer);
	if (keys.others)
		fprintf(out, ", %d of another generation", keys.others);
	if (k->mono)
		fprintf(out, "; confirmed %.1f s ago", age(s, k->mono));
	fprintf(out, "\n");
}

/* "3 days", "5.2 h" or "40 s". */
static void print_span(FILE *out, int64_t s)
{
	if (s >= 172800)
		fprintf(out, "%" PRId64 " days", s / 86400);
	else if (s >= 3600)
		fprintf(out, "%.1f h", (double)s / 3600);
	else
		fprintf(out, "%" PRId64 " s", s);
}

static void print_epochs(FILE *out, const struct snapshot *s)
{
	const struct xnts_ke_state *k = &s->ke_state;

	if (!k->epoch)
		return;
	fprintf(out, LABEL "an epoch is ", "");
	print_span(out, k->epoch);
	if (k->switch_at > s->utc) {
		fprintf(out, ", the next key seals in ");
		print_span(out, k->switch_at - s->utc);
	}
	fprintf(out, "\n");
}

static void print_ke(FILE *out, const struct snapshot *s)
{
	const struct xnts_ke_state *k = &s->ke_state;
	int64_t left = snapshot_certificate_left(s);

	fprintf(out, LABEL, "NTS-KE");
	if (k->workers)
		fprintf(out, "%u of %u workers ready; the certificate ", k->ready, k->workers);
	else
		fprintf(out, "not served here");
	if (k->workers && left <= 0)
		fprintf(out, "HAS EXPIRED");
	else if (k->workers) {
		fprintf(out, "is good for ");
		print_span(out, left);
	}
	fprintf(out, "\n" LABEL "%llu connections, %llu answered with cookies\n", "",
		s->ke.accepted, s->ke.answered);
}

static void print_totals(FILE *out, const struct snapshot *s)
{
	const struct xnts_counters *c = &s->counters;
	uint64_t naks = c->nak_key_unknown + c->nak_bad_cookie + c->nak_bad_tag;

	fprintf(out, LABEL "%llu NTP, %llu NTS, %" PRIu64 " NTS NAK, %llu kiss of death\n",
		"answered", c->plain_answered + c->plain_symmetric, c->nts_answered, naks,
		c->kod_rate);
	fprintf(out, LABEL "%" PRIu64 " dropped, %" PRIu64 " left to the host\n", "",
		packets_by_action(c, "DROP"), packets_by_action(c, "PASS"));
}

void status_print(FILE *out, const struct snapshot *s, pid_t daemon)
{
	print_verdict(out, s);
	print_links(out, s);
	print_config(out, s, daemon);
	print_policy(out, s);
	print_limits(out, s);
	print_clock(out, s);
	print_keys(out, s);
	print_epochs(out, s);
	print_ke(out, s);
	print_totals(out, s);
}

int check_print(FILE *out, const struct snapshot *s, int days)
{
	int64_t left = snapshot_certificate_left(s);
	struct ailment ailments[MAX_AILMENTS];
	int n = snapshot_ailments(s, ailments);

	for (int i = 0; i < n; i++)
		fprintf(out, "%s\n", ailments[i].text);
	if (snapshot_warning(s))
		fprintf(out, "%s\n", snapshot_warning(s));
	if (s->ke_state.workers && left > 0 && left < days * 86400LL) {
		fprintf(out, "NTS-KE: the certificate expires in %.1f days\n", (double)left / 86400);
		n++;
	}
	if (!n)
		fprintf(out, "ok\n");
	return n;
}

/* SPDX-License-Identifier: GPL-2.0 */
#include "snapshot.h"

#include <bpf/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "counters.h"
#include "log.h"
#include "monotonic.h"

const char *const switch_words[XNTS_SWITCH_POSITIONS] = {
	[XNTS_SERVE] = "serve",
	[XNTS_PASS] = "pass",
	[XNTS_DROP] = "drop",
	[XNTS_DRAIN] = "drain",
};

static unsigned int count_entries(int map_fd)
{
	struct xnts_lpm6 key; /* the larger of the two families' keys */
	unsigned int n = 0;

	if (bpf_map_get_next_key(map_fd, NULL, &key))
		return 0;
	do
		n++;
	while (n < XNTS_MAX_LOCAL && !bpf_map_get_next_key(map_fd, &key, &key));
	return n;
}

int snapshot_read(struct dataplane *dp, struct snapshot *out)
{
	int err;

	memset(out, 0, sizeof(*out));
	err = dataplane_switch(dp, &out->position);
	if (!err)
		err = dataplane_config(dp, &out->config);
	if (!err)
		err = dataplane_counters(dp, &out->counters);
	if (!err)
		err = dataplane_ke_state(dp, &out->ke_state);
	if (!err)
		err = dataplane_latency(dp, &out->latency);
	if (err) {
		log_error("cannot read the maps below " XNTS_PIN_DIR ": %s", strerror(-err));
		return err;
	}
	dataplane_clock(dp, &out->clock);
	dataplane_key_state(dp, &out->key_state);
	dataplane_key_ids(dp, out->key_ids);
	sum_ke_counters(dataplane_ke_counters(dp), &out->ke);
	out->daemon = *dataplane_daemon_counters(dp);
	out->link_count = dataplane_links(out->links, DATAPLANE_MAX_LINKS);
	out->local4 = count_entries(dataplane_local4_fd(dp));
	out->local6 = count_entries(dataplane_local6_fd(dp));
	/* Last: no refresh is later than now. */
	out->mono = clock_ns(CLOCK_MONOTONIC);
	out->tai = clock_ns(CLOCK_TAI);
	out->utc = time(NULL);
	return 0;
}

/* ---- health ------------------------------------------------------------- */

struct diagnosis {
	struct ailment *list;
	int count;
};

static void __attribute__((format(printf, 3, 4)))
add(struct diagnosis *d, bool stops_answers, const char *format, ...)
{
	va_list arguments;

	if (d->count == MAX_AILMENTS)
		return;
	d->list[d->count].stops_answers = stops_answers;
	va_start(arguments, format);
	vsnprintf(d->list[d->count].text, sizeof(d->list->text), format, arguments);
	va_end(arguments);
	d->count++;
}

#define KE_SILENCE 10 /* s without a word of the daemon: a restart takes less */

static unsigned long long seconds_since(const struct snapshot *s, uint64_t mono)
{
	return (s->mono - mono) / 1000000000;
}

/* What a daemon saw before it ended may be mended. */
static bool is_fresh(const struct snapshot *s)
{
	return seconds_since(s, s->ke_state.mono) <= KE_SILENCE;
}

static void look_at_links(const struct snapshot *s, struct diagnosis *d)
{
	int live = 0;

	for (int i = 0; i < s->link_count; i++)
		live += s->links[i].ifindex != 0;
	if (!live)
		add(d, true, "attached to no interface");
	for (int i = 0; i < s->link_count; i++)
		if (!s->links[i].ifindex)
			add(d, false, "the link to %s is severed: its device went away",
			    s->links[i].ifname);
		else if (s->links[i].ifindex == s->ke_state.mute && is_fresh(s))
			add(d, live == 1, "%s: the driver sends no answer: over veth, the other end needs an "
			    "XDP program", s->links[i].ifname);
}

static void look_at_config(const struct snapshot *s, struct diagnosis *d)
{
	if (s->position == XNTS_PASS)
		add(d, true, "switched to pass: `xnts serve` ends that");
	else if (s->position == XNTS_DRAIN)
		add(d, false, "switched to drain: `xnts serve` ends that");
	else if (s->position != XNTS_SERVE)
		add(d, true, "switched to drop: `xnts serve` ends that");
	if (s->config.abi_version != XNTS_ABI_VERSION)
		add(d, true, "the configuration map is not filled: xntsd has not run yet");
	else if (!s->local4 && !s->local6)
		add(d, true, "no address is known to be this host's");
}

/* The same conditions under which the program answers unsynchronised (bpf/clock.h). */
static void look_at_clock(const struct snapshot *s, struct diagnosis *d)
{
	const struct xnts_clock_state *c = &s->clock;
	int64_t step = (int64_t)(s->tai - c->tai) - (int64_t)(s->mono - c->mono);

	if (!c->mono)
		add(d, false, "unsynchronised: the clock state was never set");
	else if (s->mono - c->mono > c->hold)
		add(d, false, "unsynchronised: the clock state is %llu s old and held for %llu s",
		    seconds_since(s, c->mono), (unsigned long long)c->hold / 1000000000);
	else if (step > (int64_t)c->step_guard || step < -(int64_t)c->step_guard)
		add(d, false, "unsynchronised: the clock was stepped since the last refresh");
	else if (c->leap == 3 || !c->stratum)
		add(d, false, "unsynchronised: so says the clock source");
}

bool snapshot_is_synchronised(const struct snapshot *s)
{
	struct ailment ailments[MAX_AILMENTS];
	struct diagnosis d = { .list = ailments };

	look_at_clock(s, &d);
	return d.count == 0;
}

static bool has_key(const struct snapshot *s, uint32_t id)
{
	return id && s->key_ids[XNTS_KEY_SLOT(id)] == id;
}

static void look_at_keys(const struct snapshot *s, struct diagnosis *d)
{
	const struct xnts_key_state *k = &s->key_state;

	if (!k->seal_id)
		add(d, false, "no cookie key: NTS is not served");
	else if (!has_key(s, k->seal_id))
		add(d, false, "the sealing key %04x is not in the key map: NTS is not served",
		    k->seal_id);
	else if (!k->mono)
		add(d, false, "the cookie keys were never confirmed");
	else if (s->mono - k->mono > k->hold)
		add(d, false, "the cookie keys were last confirmed %llu s ago",
		    seconds_since(s, k->mono));
}

const char *snapshot_warning(const struct snapshot *s)
{
	if (!s->ke_state.keys_refused || !is_fresh(s))
		return NULL;
	return "[keys] state: the file was refused or is gone (see the log): restore it before xntsd starts again";
}

int64_t snapshot_certificate_left(const struct snapshot *s)
{
	return s->ke_state.expires ? s->ke_state.expires - s->utc : INT64_MAX;
}

static void look_at_ke(const struct snapshot *s, struct diagnosis *d)
{
	const struct xnts_ke_state *k = &s->ke_state;

	if (!k->workers)
		return;
	if (!is_fresh(s))
		add(d, false, "NTS-KE is not served: xntsd was last there %llu s ago",
		    seconds_since(s, k->mono));
	else if (!k->ready)
		add(d, false, "NTS-KE: none of %u workers is ready", k->workers);
	if (snapshot_certificate_left(s) <= 0)
		add(d, false, "NTS-KE: the certificate has expired: clients refuse it");
}

int snapshot_ailments(const struct snapshot *s, struct ailment ailments[MAX_AILMENTS])
{
	struct diagnosis d = { .list = ailments };

	look_at_config(s, &d);
	look_at_clock(s, &d);
	look_at_keys(s, &d);
	look_at_ke(s, &d);
	look_at_links(s, &d); /* last: there may be many */
	return d.count;
}

struct key_summary snapshot_keys(const struct snapshot *s)
{
	struct key_summary summary = { 0 };
	uint32_t seal = s->key_state.seal_id;

	for (int i = 0; i < XNTS_KEY_SLOTS; i++) {
		uint32_t id = s->key_ids[i];
		uint32_t ahead = (id - seal) & 0xfff; /* epochs, modulo 4096 */

		if (!id)
			continue;
		summary.total++;
		if (id == seal)
			continue;
		if (id >> 12 != seal >> 12)
			summary.others++;
		else if (ahead < 0x800)
			summary.newer++;
		else
			summary.older++;
	}
	return summary;
}
